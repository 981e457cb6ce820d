/**
 * A validation: the stored response's validators went to the origin. One decision, when its header section comes:
 * 304 freshens what is stored and plays it; anything else is a miss and goes on as one.
 */
import type { IncomingHttpHeaders } from 'node:http'
import type { StoredResponse } from '../stored-response.ts'
import type { DispatchController, DispatchHandler } from './dispatch.ts'
import { toFieldLines } from './headers.ts'
import { StoringHandler, type Forwarded } from './storing-handler.ts'

export interface Validation extends Forwarded {
  readonly stored: StoredResponse
  /** The origin has vouched for it: to be played, from its file. */
  readonly onFreshened: (stored: StoredResponse) => void
  /** The 304 is not for what is stored: the request must be made again, without conditions. */
  readonly onMismatch: () => void
}

export class ValidationHandler implements DispatchHandler {
  readonly #validation: Validation
  readonly #miss: StoringHandler
  /** A 304 has ended the network's part: what still comes of it concerns nobody. */
  #settled = false

  constructor(validation: Validation) {
    this.#validation = validation
    this.#miss = new StoringHandler(validation)
  }

  onRequestStart(controller: DispatchController, context: unknown): void {
    this.#miss.onRequestStart(controller, context)
  }

  onResponseStarted(): void {
    this.#miss.onResponseStarted()
  }

  onResponseStart(
    controller: DispatchController,
    statusCode: number,
    headers: IncomingHttpHeaders,
    statusMessage?: string,
  ): void {
    const { engine, request } = this.#validation
    if (statusCode === 304) {
      this.#onNotModified(controller, headers, statusMessage)
      return
    }
    if (statusCode >= 200) engine.statistics.validated(request.key, 'replaced')
    this.#miss.onResponseStart(controller, statusCode, headers, statusMessage)
  }

  #onNotModified(controller: DispatchController, headers: IncomingHttpHeaders, statusMessage = ''): void {
    const { engine, exchange, request, stored, onFreshened, onMismatch } = this.#validation
    const fields = toFieldLines(controller.rawHeaders, headers)
    this.#settled = true
    exchange.attach(undefined)
    // Another URL's 304 (a redirect was followed on the way) says nothing about what is stored for this one.
    const freshened = this.#miss.wasRedirected
      ? undefined
      : engine.freshen(stored, request, { statusCode: 304, statusMessage, fields }, this.#miss.times())
    engine.statistics.validated(request.key, freshened === undefined ? 'failed' : 'freshened')
    if (freshened === undefined) onMismatch()
    else onFreshened(freshened)
  }

  onResponseData(controller: DispatchController, chunk: Buffer): void {
    if (!this.#settled) this.#miss.onResponseData(controller, chunk)
  }

  onResponseEnd(controller: DispatchController, trailers: IncomingHttpHeaders): void {
    if (!this.#settled) this.#miss.onResponseEnd(controller, trailers)
  }

  onResponseError(controller: DispatchController, error: Error): void {
    if (!this.#settled) this.#miss.onResponseError(controller, error)
  }

  onBodySent(chunk: Buffer): void {
    this.#miss.onBodySent(chunk)
  }

  onRequestSent(): void {
    this.#miss.onRequestSent()
  }
}
