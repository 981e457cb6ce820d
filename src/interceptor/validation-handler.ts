/**
 * A validation: the stored response's validators went to the origin. One decision, when its header section comes or the
 * request fails: 304 freshens what is stored and plays it; a failing or unreachable origin may leave it to be served
 * stale; anything else is a miss and goes on as one.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { isServerError, whenOriginFails } from '../policy/reuse.ts'
import type { StoredResponse } from '../stored-response.ts'
import type { OriginAnswer } from './cache-status.ts'
import type { DispatchController, DispatchHandler } from './dispatch.ts'
import { toFieldLines } from './headers.ts'
import { isOwnFault } from './own-fault.ts'
import { StoringHandler, type Forwarded } from './storing-handler.ts'

export interface Validation extends Forwarded {
  readonly stored: StoredResponse
  /** To be played: the origin has vouched for it (304), or it is served stale because the origin has failed. */
  readonly onUsable: (stored: StoredResponse, answer: OriginAnswer) => void
  /** The origin cannot be reached, and the stored response must not be served stale: 504 is due. */
  readonly onForbidden: () => void
  /** The 304 is not for what is stored: the request must be made again, without conditions. */
  readonly onMismatch: () => void
}

export class ValidationHandler implements DispatchHandler {
  readonly #validation: Validation
  readonly #miss: StoringHandler
  /** The stored response, or a 504, is the answer: what still comes from the network concerns nobody. */
  #settled = false
  #responded = false
  /** Tells the consumer of the response whose header section has come. */
  #announce: (() => void) | undefined

  constructor(validation: Validation) {
    this.#validation = validation
    this.#miss = new StoringHandler(validation)
  }

  onRequestStart(controller: DispatchController, context: unknown): void {
    if (!this.#settled) this.#miss.onRequestStart(controller, context)
  }

  onResponseStarted(): void {
    if (!this.#settled) this.#miss.onResponseStarted()
  }

  onResponseStart(
    controller: DispatchController,
    statusCode: number,
    headers: IncomingHttpHeaders,
    statusMessage?: string,
  ): void {
    const { engine, request, stored, onUsable } = this.#validation
    if (this.#settled) return
    if (statusCode === 304) {
      this.#onNotModified(controller, headers, statusMessage)
      return
    }
    if (isServerError(statusCode) && this.#fallback('error') === 'serve-stale') {
      this.#settle()
      onUsable(stored, statusCode)
      return
    }
    if (statusCode < 200) {
      this.#miss.onResponseStart(controller, statusCode, headers, statusMessage)
      return
    }
    this.#announce = () => {
      this.#announce = undefined
      this.#responded = true
      engine.statistics.validated(request.key, 'replaced')
      this.#miss.onResponseStart(controller, statusCode, headers, statusMessage)
    }
    // An answer that breaks off before its first byte is as good as none, as long as nobody has heard of it.
    if (this.#fallback('unreachable') !== 'serve-stale') this.#announce()
  }

  onResponseData(controller: DispatchController, chunk: Buffer): void {
    if (this.#settled) return
    this.#announce?.()
    this.#miss.onResponseData(controller, chunk)
  }

  onResponseEnd(controller: DispatchController, trailers: IncomingHttpHeaders): void {
    if (this.#settled) return
    this.#announce?.()
    this.#miss.onResponseEnd(controller, trailers)
  }

  onResponseError(controller: DispatchController, error: Error): void {
    if (this.#settled) return
    const { exchange, stored, onUsable, onForbidden } = this.#validation
    const fallback = this.#responded || exchange.isOver || isOwnFault(error) ? 'pass-on' : this.#fallback('unreachable')
    if (fallback === 'pass-on') {
      this.#miss.onResponseError(controller, error)
      return
    }
    this.#settle()
    if (fallback === 'serve-stale') onUsable(stored, 'unreachable')
    else onForbidden()
  }

  onBodySent(chunk: Buffer): void {
    if (!this.#settled) this.#miss.onBodySent(chunk)
  }

  onRequestSent(): void {
    if (!this.#settled) this.#miss.onRequestSent()
  }

  #onNotModified(controller: DispatchController, headers: IncomingHttpHeaders, statusMessage = ''): void {
    const { engine, request, stored, options, onUsable, onMismatch } = this.#validation
    const fields = toFieldLines(controller.rawHeaders, headers)
    this.#settle()
    // Another URL's 304 (a redirect was followed on the way) says nothing about what is stored for this one.
    const freshened = this.#miss.wasRedirected
      ? undefined
      : engine.freshening.freshen(
          stored,
          request,
          { statusCode: 304, statusMessage, fields },
          this.#miss.times(),
          options.policy,
        )
    engine.statistics.validated(request.key, freshened === undefined ? 'failed' : 'freshened')
    if (freshened === undefined) onMismatch()
    else onUsable(freshened, 304)
  }

  #fallback(failure: 'error' | 'unreachable'): ReturnType<typeof whenOriginFails> {
    const { engine, request, stored, options } = this.#validation
    return whenOriginFails(stored, request, failure, engine.options.clock(), options.policy)
  }

  #settle(): void {
    this.#settled = true
    this.#validation.exchange.attach(undefined)
  }
}
