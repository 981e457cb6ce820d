/**
 * Two generations of handlers, so that one interceptor serves every Node and undici:
 * new-style (`onRequestStart`, undici 7 and 8) and legacy (`onConnect`, undici 6 and Node 22's and 24's own fetch).
 *
 * Inside this folder all handlers are new-style: `fromConsumer` makes them so on the way in, `toDispatcher` gives them
 * both faces on the way out, and whichever dispatcher is below takes the one it knows.
 */
import type { IncomingHttpHeaders } from 'node:http'
import type { Duplex } from 'node:stream'
import { fieldsByName } from '../policy/field-lines.ts'
import type { DispatchController, DispatchHandler, RawHeaders } from './dispatch.ts'
import { toFieldLines, toRawHeaders } from './headers.ts'
import { PassingHandler } from './passing-handler.ts'

interface LegacyHandler {
  onConnect?(abort: (reason?: Error) => void, context?: unknown): void
  onUpgrade?(statusCode: number, rawHeaders: Buffer[] | string[], socket: Duplex): void
  onResponseStarted?(): void
  onHeaders?(statusCode: number, rawHeaders: Buffer[] | string[], resume: () => void, statusMessage?: string): unknown
  onData?(chunk: Buffer): unknown
  onComplete?(rawTrailers: Buffer[] | string[]): void
  onError?(error: Error): void
  onBodySent?(chunk: Buffer): void
  onRequestSent?(): void
}

/** A handler of the legacy kind only. It knows nothing of HTTP/2. */
export function isLegacy(handler: object): boolean {
  return !('onRequestStart' in handler) && 'onConnect' in handler
}

/**
 * The consumer's handler as a new-style one. Where it has a legacy face as well, as undici 7's WrapHandler does, that
 * one is used: its new-style face rebuilds raw headers and folds repeated Set-Cookie into one.
 */
export function fromConsumer(handler: DispatchHandler | LegacyHandler): DispatchHandler {
  return 'onHeaders' in handler || isLegacy(handler) ? new LegacyConsumer(handler) : handler
}

class LegacyConsumer implements DispatchHandler {
  readonly #handler: LegacyHandler

  constructor(handler: LegacyHandler) {
    this.#handler = handler
  }

  onRequestStart(controller: DispatchController, context: unknown): void {
    this.#handler.onConnect?.((reason) => controller.abort(reason as Error), context)
  }

  onRequestUpgrade(
    controller: DispatchController,
    statusCode: number,
    headers: IncomingHttpHeaders,
    socket: Duplex,
  ): void {
    this.#handler.onUpgrade?.(statusCode, flatRaw(controller.rawHeaders, headers), socket)
  }

  onResponseStarted(): void {
    this.#handler.onResponseStarted?.()
  }

  onResponseStart(
    controller: DispatchController,
    statusCode: number,
    headers: IncomingHttpHeaders,
    statusMessage?: string,
  ): void {
    const resume = () => controller.resume()
    const raw = flatRaw(controller.rawHeaders, headers)
    if (this.#handler.onHeaders?.(statusCode, raw, resume, statusMessage) === false) controller.pause()
  }

  onResponseData(controller: DispatchController, chunk: Buffer): void {
    if (this.#handler.onData?.(chunk) === false) controller.pause()
  }

  onResponseEnd(controller: DispatchController, trailers: IncomingHttpHeaders): void {
    this.#handler.onComplete?.(flatRaw(controller.rawTrailers, trailers))
  }

  onResponseError(_controller: DispatchController, error: Error): void {
    if (this.#handler.onError === undefined) throw error
    this.#handler.onError(error)
  }

  onBodySent(chunk: Buffer): void {
    this.#handler.onBodySent?.(chunk)
  }

  onRequestSent(): void {
    this.#handler.onRequestSent?.()
  }
}

/** The handler with both faces. */
export function toDispatcher(handler: DispatchHandler): DispatchHandler & LegacyHandler {
  return new BothFaces(handler)
}

class BothFaces extends PassingHandler implements LegacyHandler {
  #legacy: LegacyController | undefined

  onConnect(abort: (reason?: Error) => void, context?: unknown): void {
    this.#legacy = new LegacyController(abort)
    this.consumer.onRequestStart?.(this.#legacy, context)
  }

  onUpgrade(statusCode: number, rawHeaders: Buffer[] | string[], socket: Duplex): void {
    const controller = this.#controller()
    controller.rawHeaders = rawHeaders
    this.consumer.onRequestUpgrade?.(controller, statusCode, parseRaw(rawHeaders), socket)
  }

  onHeaders(statusCode: number, rawHeaders: Buffer[] | string[], resume: () => void, statusMessage?: string): boolean {
    const controller = this.#controller()
    controller.rawHeaders = rawHeaders
    // An interim response cannot be paused: what follows it is the response that was asked for.
    if (statusCode >= 200) controller.onResume = resume
    this.consumer.onResponseStart?.(controller, statusCode, parseRaw(rawHeaders), statusMessage)
    return statusCode < 200 || !controller.paused
  }

  onData(chunk: Buffer): boolean {
    const controller = this.#controller()
    this.consumer.onResponseData?.(controller, chunk)
    return !controller.paused
  }

  onComplete(rawTrailers: Buffer[] | string[]): void {
    const controller = this.#controller()
    controller.rawTrailers = rawTrailers
    this.onResponseEnd(controller, parseRaw(rawTrailers))
  }

  onError(error: Error): void {
    this.onResponseError(this.#controller(), error)
  }

  /** A request that never started fails without a controller. */
  #controller(): LegacyController {
    this.#legacy ??= new LegacyController(() => {})
    return this.#legacy
  }
}

/** The controller that a legacy dispatcher does not give: pausing is the return value of its callbacks. */
class LegacyController implements DispatchController {
  rawHeaders: RawHeaders = null
  rawTrailers: RawHeaders = null
  onResume: (() => void) | undefined
  readonly #abort: (reason?: Error) => void
  #paused = false
  #aborted = false
  #reason: Error | null = null

  constructor(abort: (reason?: Error) => void) {
    this.#abort = abort
  }

  get paused(): boolean {
    return this.#paused
  }

  get aborted(): boolean {
    return this.#aborted
  }

  get reason(): Error | null {
    return this.#reason
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.onResume?.()
  }

  abort(reason: Error): void {
    if (this.#aborted) return
    this.#aborted = true
    this.#reason = reason
    this.#abort(reason)
  }
}

function flatRaw(raw: RawHeaders, headers: IncomingHttpHeaders | undefined): Buffer[] | string[] {
  return isFlat(raw) ? raw : toRawHeaders(toFieldLines(raw, headers ?? {}))
}

function isFlat(raw: RawHeaders): raw is Buffer[] | string[] {
  if (!Array.isArray(raw)) return false
  for (const part of raw) if (Array.isArray(part)) return false
  return true
}

function parseRaw(raw: Buffer[] | string[]): IncomingHttpHeaders {
  return fieldsByName(toFieldLines(raw, {}))
}
