/** How a response that is there as a whole is pushed to a handler, of undici 8 or of Node's own fetch. */
import type { Dispatcher } from 'undici'

export interface Whole {
  readonly headers: Record<string, string>
  readonly rawHeaders: () => readonly Buffer[]
  readonly body: Buffer
}

const NOTHING: readonly Buffer[] = []
const nothing = (): readonly Buffer[] => NOTHING

/** There is nothing to be paused or ended early. */
class Controller {
  readonly aborted = false
  readonly paused = false
  readonly reason = null
  readonly rawTrailers = []
  #rawHeaders: () => readonly Buffer[]

  constructor(rawHeaders: () => readonly Buffer[]) {
    this.#rawHeaders = rawHeaders
  }

  get rawHeaders(): readonly Buffer[] {
    return this.#rawHeaders()
  }

  /** Of what it has pushed: see bench/README.md, where the time goes. */
  letGo(): void {
    this.#rawHeaders = nothing
  }

  abort(): void {}
  pause(): void {}
  resume(): void {}
}

/** What Node 24's own fetch brings. */
export interface LegacyHandler {
  onConnect(abort: () => void, context: object): void
  onHeaders(status: number, rawHeaders: readonly Buffer[], resume: () => void, message: string): boolean
  onData(chunk: Buffer): boolean
  onComplete(trailers: readonly Buffer[]): void
}

export function pushWhole(handler: Dispatcher.DispatchHandler, { headers, rawHeaders, body }: Whole): void {
  const answering = new Controller(rawHeaders)
  const controller = answering as unknown as Dispatcher.DispatchController
  handler.onRequestStart?.(controller, {})
  handler.onResponseStart?.(controller, 200, headers, 'OK')
  handler.onResponseData?.(controller, body)
  handler.onResponseEnd?.(controller, {})
  answering.letGo()
}

export function pushLegacy(handler: LegacyHandler, { rawHeaders, body }: Whole): void {
  handler.onConnect(() => {}, {})
  handler.onHeaders(200, rawHeaders(), () => {}, 'OK')
  handler.onData(body)
  handler.onComplete([])
}

export function rawHeadersOf(headers: Record<string, string>): Buffer[] {
  return Object.entries(headers)
    .flat()
    .map((part) => Buffer.from(part))
}

/** Node's own fetch through a dispatcher of which its types know nothing. */
export function fetchThrough(dispatcher: object): typeof fetch {
  return (input, init) => fetch(input, { ...init, dispatcher } as unknown as RequestInit)
}
