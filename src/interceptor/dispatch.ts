/**
 * undici's dispatcher interface as far as it is used here, in structural types, so that neither our code nor our type
 * declarations need undici: Node's built-in fetch has none to import. `test/types` checks them against undici 7 and 8.
 */
import type { IncomingHttpHeaders } from 'node:http'
import type { Duplex } from 'node:stream'

export interface DispatchOptions {
  path: string
  method: string
  origin?: string | URL
}

/** What else of the options matters here. Interceptors see whatever the caller gave. */
export interface ReceivedOptions extends DispatchOptions {
  readonly headers?: unknown
  readonly body?: unknown
  readonly query?: unknown
  readonly upgrade?: unknown
  readonly allowH2?: unknown
  /** Options for this request alone: see `RequestCacheOptions`. */
  readonly httpCache?: unknown
}

/** Header section as undici 7 and 8 give it: flat name, value pairs on HTTP/1.1, else an object or nothing. */
export type RawHeaders = Buffer[] | string[] | IncomingHttpHeaders | null | undefined

export interface DispatchController {
  get aborted(): boolean
  get paused(): boolean
  get reason(): Error | null
  rawHeaders?: RawHeaders
  rawTrailers?: RawHeaders
  abort(reason: Error): void
  pause(): void
  resume(): void
}

/** New-style handler, undici 7 and 8. */
export interface DispatchHandler {
  onRequestStart?(controller: DispatchController, context: unknown): void
  onRequestUpgrade?(
    controller: DispatchController,
    statusCode: number,
    headers: IncomingHttpHeaders,
    socket: Duplex,
  ): void
  onResponseStart?(
    controller: DispatchController,
    statusCode: number,
    headers: IncomingHttpHeaders,
    statusMessage?: string,
  ): void
  onResponseData?(controller: DispatchController, chunk: Buffer): void
  onResponseEnd?(controller: DispatchController, trailers: IncomingHttpHeaders): void
  onResponseError?(controller: DispatchController, error: Error): void
  onResponseStarted?(): void
  /** Both call it with a chunk; undici 7's types say two numbers, hence `unknown`. */
  onBodySent?(chunk: unknown): void
  onRequestSent?(): void
}

export type Dispatch = (options: DispatchOptions, handler: DispatchHandler) => boolean

/**
 * An interceptor for `dispatcher.compose()`. From undici 8.10.2 on, `compose` passes the origin that the dispatcher is
 * bound to: undefined when it is bound to none, null when it cannot be told.
 */
export type Interceptor = (dispatch: Dispatch, origin?: string | null) => Dispatch

/** In the place of a consumer that has heard everything. */
export const NOBODY: DispatchHandler = Object.freeze({})
