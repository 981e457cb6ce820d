/**
 * One request of a consumer, from its start to its end, whoever answers: the network, the store, or first one and then
 * the other. It is the controller that the consumer holds, and the only one that calls the consumer's handler.
 *
 * Invariants: after `onRequestStart` exactly one of `onResponseEnd` and `onResponseError` is called, nothing after it;
 * `aborted` stays false after a normal end; what the consumer throws aborts the request, as undici's own client does.
 */
import type { IncomingHttpHeaders } from 'node:http'
import type { SentFields } from '../policy/prepared-fields.ts'
import { NOBODY, type DispatchController, type DispatchHandler, type RawHeaders } from './dispatch.ts'

/** Whoever answers at the moment. */
export interface Source {
  pause(): void
  resume(): void
  /** Ends the source's work. It answers with `Exchange.fail`, now or later, exactly once. */
  abort(reason: Error): void
}

export class Exchange implements DispatchController {
  rawTrailers: RawHeaders = null
  #handler: DispatchHandler
  #rawHeaders: RawHeaders = null
  /** Where the raw ones are made when somebody asks for them. */
  #sent: SentFields | undefined
  #source: Source | undefined
  #started = false
  #paused = false
  #aborted = false
  #ended = false
  #reason: Error | null = null

  constructor(handler: DispatchHandler) {
    this.#handler = handler
  }

  /** Puts somebody between this and the consumer, who hears all that comes from now on and hands it on. */
  watch(between: (consumer: DispatchHandler) => DispatchHandler): void {
    this.#handler = between(this.#handler)
  }

  get rawHeaders(): RawHeaders {
    return this.#sent === undefined ? this.#rawHeaders : this.#sent.raw
  }

  set rawHeaders(raw: RawHeaders) {
    this.#sent = undefined
    this.#rawHeaders = raw
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

  /** The consumer knows of its request. */
  get isStarted(): boolean {
    return this.#started
  }

  /** Nothing more may be said to the consumer. */
  get isOver(): boolean {
    return this.#ended || this.#aborted
  }

  pause(): void {
    this.#paused = true
    this.#source?.pause()
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#source?.resume()
  }

  abort(reason: Error): void {
    this.#abort(reason)
  }

  /** Also for what the consumer throws: in the place of `abort` undici's `dump` puts a function of its own, which ends nothing. */
  #abort(reason: Error): void {
    if (this.isOver) return
    this.#aborted = true
    this.#reason = reason ?? new AbortedError()
    const source = this.#source
    if (source !== undefined) source.abort(this.#reason)
    // As undici's client does, an abort inside a callback does not call back before that has returned.
    else queueMicrotask(() => this.fail(this.#reason as Error))
  }

  /** Tells the consumer that its request is under way. With a source, that one answers from now on. */
  start(context: unknown, source?: Source): void {
    const wasAnnounced = this.#started && this.#source === undefined
    this.#started = true
    this.#source = source
    if (this.#aborted) source?.abort(this.#reason as Error)
    // An exchange that started without the network is known to the consumer when it turns to the network after all.
    if (wasAnnounced || this.#aborted) return
    if (this.isOver) return
    try {
      this.#handler.onRequestStart?.(this, context)
    } catch (error) {
      this.#abort(error as Error)
    }
  }

  /** Hands the exchange to another source; undefined while there is none, when an abort ends it at once. */
  attach(source: Source | undefined): void {
    this.#source = source
  }

  /** A response's header section in undici's own words, interim ones included. */
  respond(statusCode: number, headers: IncomingHttpHeaders, raw: RawHeaders, statusMessage?: string): void {
    this.rawHeaders = raw
    this.#announce(statusCode, headers, statusMessage)
  }

  /** The same in the cache's words. */
  respondWith(statusCode: number, sent: SentFields, statusMessage: string): void {
    this.#sent = sent
    this.#announce(statusCode, sent.headers, statusMessage)
  }

  #announce(statusCode: number, headers: IncomingHttpHeaders, statusMessage: string | undefined): void {
    if (this.isOver) return
    try {
      this.#handler.onResponseStart?.(this, statusCode, headers, statusMessage)
    } catch (error) {
      this.#abort(error as Error)
    }
  }

  data(chunk: Buffer): void {
    if (this.isOver) return
    try {
      this.#handler.onResponseData?.(this, chunk)
    } catch (error) {
      this.#abort(error as Error)
    }
  }

  end(trailers: IncomingHttpHeaders = {}, raw: RawHeaders = []): void {
    if (this.isOver) return
    this.#ended = true
    this.#source = undefined
    this.rawTrailers = raw
    try {
      this.#handler.onResponseEnd?.(this, trailers)
    } catch (error) {
      this.#handler.onResponseError?.(this, error as Error)
    } finally {
      this.#letGo()
    }
  }

  /** The request has failed: with the consumer's own reason when it was the consumer that aborted. */
  fail(error: Error): void {
    if (this.#ended) return
    this.#ended = true
    this.#source = undefined
    this.#reason ??= error
    try {
      this.#handler.onResponseError?.(this, error)
    } finally {
      this.#letGo()
    }
  }

  /**
   * Of the consumer and the header section. V8 may keep what a request leaves behind until it collects the whole heap: all
   * that hung on it then was moved by each minor collection before that (bench/README.md).
   */
  #letGo(): void {
    this.#handler = NOBODY
    this.rawHeaders = null
  }

  responseStarted(): void {
    if (!this.isOver) this.#handler.onResponseStarted?.()
  }

  bodySent(chunk: Buffer): void {
    if (!this.isOver) this.#handler.onBodySent?.(chunk)
  }

  requestSent(): void {
    if (!this.isOver) this.#handler.onRequestSent?.()
  }
}

/** What undici reports when a request is aborted without a reason. */
class AbortedError extends Error {
  readonly code = 'UND_ERR_ABORTED'

  constructor() {
    super('Request aborted')
    this.name = 'AbortError'
  }
}
