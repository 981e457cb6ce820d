/**
 * Goes on with a body where what was stored of it turned out damaged, or broke off: the origin sends the rest of the same,
 * or the whole, whose beginning is compared with what the caller has; else the request fails.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { crc32 } from 'node:zlib'
import { bytesBeforeRest, isRepeated } from '../policy/rest.ts'
import type { ResponseHead } from '../policy/cache-request.ts'
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
  /** crc32 of what the caller has: all before `rest`. Undefined where an entity tag vouches for it. */
  readonly #checksum: number | undefined
  #skipped = 0
  #toSkip = 0
  #toSend: number
  #isSame = true

  /** `rest.end` is Infinity where nobody knows how long the body is. */
  constructor(exchange: Exchange, stored: StoredResponse, rest: ByteRange, damage: Error, checksum?: number) {
    this.#exchange = exchange
    this.#stored = stored
    this.#rest = rest
    this.#damage = damage
    this.#checksum = checksum
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
    const before = this.#bytesBefore({ statusCode, statusMessage: statusMessage ?? '', fields })
    if (before === undefined) controller.abort(this.#damage)
    else this.#toSkip = before
  }

  onResponseData(controller: DispatchController, chunk: Buffer): void {
    const skipped = chunk.subarray(0, this.#toSkip)
    const rest = chunk.subarray(skipped.length, skipped.length + this.#toSend)
    this.#toSkip -= skipped.length
    if (this.#checksum !== undefined) this.#skipped = crc32(skipped, this.#skipped)
    this.#isSame &&= this.#toSkip > 0 || this.#checksum === undefined || this.#skipped === this.#checksum
    if (!this.#isSame) controller.abort(this.#damage)
    else if (rest.length > 0) {
      this.#toSend -= rest.length
      this.#exchange.data(rest)
    }
  }

  onResponseEnd(): void {
    const isWhole = this.#toSend === 0 || this.#toSend === Infinity
    if (isWhole && this.#toSkip === 0 && this.#isSame) this.#exchange.end()
    else this.#exchange.fail(this.#damage)
  }

  #bytesBefore(answer: ResponseHead): number | undefined {
    if (this.#checksum === undefined) return bytesBeforeRest(answer, this.#stored, this.#rest)
    return isRepeated(answer, this.#stored) ? this.#rest.start : undefined
  }

  onResponseError(): void {
    this.#exchange.fail(this.#exchange.reason ?? this.#damage)
  }
}
