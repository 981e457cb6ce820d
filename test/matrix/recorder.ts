/** Handlers that write down what they are told: a new-style one, and one of the legacy kind. */
import type { IncomingHttpHeaders } from 'node:http'
import type * as Undici from 'undici'

type Controller = Undici.Dispatcher.DispatchController

/** What to do in a callback, beside writing it down. */
interface Hooks {
  readonly onRequestStart?: (controller: Controller) => void
  readonly onResponseStart?: (controller: Controller) => void
  readonly onResponseData?: (controller: Controller) => void
}

export class Recorder implements Undici.Dispatcher.DispatchHandler {
  readonly events: string[] = []
  /** Interim ones and the final one. */
  readonly statuses: number[] = []
  controller: Controller | undefined
  raw: Controller['rawHeaders']
  rawTrailers: Controller['rawTrailers']
  /** Those of the interim responses and of the final one. */
  readonly heads: IncomingHttpHeaders[] = []
  error: Error | undefined
  readonly over: Promise<void>
  readonly #chunks: Buffer[] = []
  readonly #hooks: Hooks
  #settle: () => void

  constructor(hooks: Hooks = {}) {
    this.#hooks = hooks
    const { promise, resolve } = Promise.withResolvers<void>()
    this.over = promise
    this.#settle = resolve
  }

  get body(): Buffer {
    return Buffer.concat(this.#chunks)
  }

  get headers(): IncomingHttpHeaders | undefined {
    return this.heads.at(-1)
  }

  get size(): number {
    return this.body.length
  }

  onRequestStart(controller: Controller): void {
    this.controller = controller
    this.events.push('requestStart')
    this.#hooks.onRequestStart?.(controller)
  }

  onResponseStarted(): void {
    this.events.push('responseStarted')
  }

  onResponseStart(controller: Controller, statusCode: number, headers: IncomingHttpHeaders): void {
    this.events.push(`responseStart ${statusCode}`)
    this.statuses.push(statusCode)
    this.raw = controller.rawHeaders
    this.heads.push(headers)
    this.#hooks.onResponseStart?.(controller)
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    this.events.push('data')
    this.#chunks.push(chunk)
    this.#hooks.onResponseData?.(controller)
  }

  onResponseEnd(controller: Controller): void {
    this.events.push('end')
    this.rawTrailers = controller.rawTrailers
    this.#settle()
  }

  onResponseError(_controller: Controller, error: Error): void {
    this.events.push('error')
    this.error = error
    this.#settle()
  }
}

export interface LegacyRecord {
  readonly events: string[]
  readonly rawHeaders: Buffer[]
  readonly body: Buffer
}

export function recordLegacy(
  dispatcher: Undici.Dispatcher,
  options: Undici.Dispatcher.DispatchOptions,
): Promise<LegacyRecord> {
  return new Promise((resolve, reject) => {
    const events: string[] = []
    const chunks: Buffer[] = []
    let rawHeaders: Buffer[] = []
    const handler = {
      onConnect: () => void events.push('onConnect'),
      onHeaders(statusCode: number, raw: Buffer[]) {
        events.push(`onHeaders ${statusCode}`)
        rawHeaders = raw
        return true
      },
      onData(chunk: Buffer) {
        if (chunks.push(chunk) === 1) events.push('onData')
        return true
      },
      onComplete() {
        events.push('onComplete')
        resolve({ events, rawHeaders, body: Buffer.concat(chunks) })
      },
      onError: reject,
    }
    dispatcher.dispatch(options, handler as unknown as Undici.Dispatcher.DispatchHandler)
  })
}
