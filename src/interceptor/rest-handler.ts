/** Goes on with a body where the stored one turned out damaged: the origin sends the rest of the same, or the request fails. */
import type { IncomingHttpHeaders } from 'node:http'
import { bytesBeforeRest } from '../policy/rest.ts'
import type { ByteRange } from '../policy/ranges.ts'
import type { StoredResponse } from '../stored-response.ts'
import type { DispatchController, DispatchHandler } from './dispatch.ts'
import type { Exchange } from './exchange.ts'
import { toFieldLines } from './headers.ts'
import { NetworkSource } from './network-source.ts'

export class RestHandler implements DispatchHandler {
  readonly #exchange: Exchange
  readonly #stored: StoredResponse
  readonly #rest: ByteRange
  /** What was wrong with the stored body: the request's error where the origin does not help. */
  readonly #damage: Error
  #toSkip = 0
  #toSend: number

  constructor(exchange: Exchange, stored: StoredResponse, rest: ByteRange, damage: Error) {
    this.#exchange = exchange
    this.#stored = stored
    this.#rest = rest
    this.#damage = damage
    this.#toSend = rest.end - rest.start
  }

  onRequestStart(controller: DispatchController): void {
    const source = new NetworkSource(controller)
    this.#exchange.attach(source)
    // The consumer may have left or paused while the request was made.
    if (this.#exchange.isOver) source.abort(this.#exchange.reason ?? this.#damage)
    else if (this.#exchange.paused) source.pause()
  }

  onResponseStart(
    controller: DispatchController,
    statusCode: number,
    headers: IncomingHttpHeaders,
    statusMessage?: string,
  ): void {
    if (statusCode < 200) return
    const fields = toFieldLines(controller.rawHeaders, headers)
    const before = bytesBeforeRest({ statusCode, statusMessage: statusMessage ?? '', fields }, this.#stored, this.#rest)
    if (before === undefined) controller.abort(this.#damage)
    else this.#toSkip = before
  }

  onResponseData(_controller: DispatchController, chunk: Buffer): void {
    const rest = chunk.subarray(this.#toSkip, this.#toSkip + this.#toSend)
    this.#toSkip -= Math.min(this.#toSkip, chunk.length)
    this.#toSend -= rest.length
    if (rest.length > 0) this.#exchange.data(rest)
  }

  onResponseEnd(): void {
    if (this.#toSend === 0) this.#exchange.end()
    else this.#exchange.fail(this.#damage)
  }

  onResponseError(): void {
    this.#exchange.fail(this.#exchange.reason ?? this.#damage)
  }
}
