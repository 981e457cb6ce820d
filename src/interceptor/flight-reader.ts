/**
 * One consumer of a body that several share: it is handed what passes while it keeps up, and reads what it has missed when
 * it has paused or come late, at its own pace.
 */
import { crc32 } from 'node:zlib'
import { ContentError } from '../errors.ts'
import type { Exchange, Source } from './exchange.ts'
import type { SharedBody } from './shared-body.ts'

/** A consumer that cannot go on here, and how far it has come. */
export interface Lost {
  readonly error: Error
  /** Of the bytes that it still wants. Infinity where nobody knows how long the body is. */
  readonly rest: { readonly start: number; readonly end: number }
  /** crc32 of what it was handed, where that was asked for. */
  readonly checksum: number | undefined
}

export interface Seat {
  readonly exchange: Exchange
  /** First byte that it wants, and the one after the last: Infinity for all there are. */
  readonly start: number
  readonly end: number
  /** It is the one that made the request: what the origin does wrong is its error, and trailers are for it. */
  readonly isLeader: boolean
  /** To be told the checksum of what it was handed when it is lost. */
  readonly isSummed: boolean
  /** Somebody takes over, or false: then the request fails. Undefined where nobody could: the others wait for it. */
  readonly onLost: ((lost: Lost) => boolean) | undefined
}

export class FlightReader implements Source {
  readonly #seat: Seat
  readonly #body: SharedBody
  #position: number
  #checksum = 0
  #running = false
  #isDone = false

  constructor(seat: Seat, body: SharedBody) {
    this.#seat = seat
    this.#body = body
    this.#position = seat.start
  }

  /** Position of the next byte to hand on. */
  get position(): number {
    return this.#position
  }

  get isLeader(): boolean {
    return this.#seat.isLeader
  }

  get isPaused(): boolean {
    return this.#seat.exchange.paused
  }

  /** It must not be left behind. */
  get isBound(): boolean {
    return this.#seat.onLost === undefined
  }

  /** A chunk that passes, from position `at` on. */
  offer(chunk: Buffer, at: number): void {
    if (this.#isDone) return
    if (at !== this.#position || this.#running || this.isPaused) this.run()
    else {
      this.#hand(chunk)
      if (this.#position >= this.#seat.end) this.#finish()
    }
  }

  /** Hands on what there is, until the consumer pauses. */
  run(): void {
    if (!this.#running && !this.#isDone) void this.#run()
  }

  /** The origin has broken off. */
  fail(error: Error): void {
    if (this.#isDone) return
    if (this.#seat.isLeader) {
      this.#leave()
      this.#seat.exchange.fail(error)
    } else this.#lose(error)
  }

  /** What it has to read next is gone. */
  loseTrack(): void {
    this.#lose(new ContentError('A body that could not be stored has gone on without this reader'))
  }

  pause(): void {
    this.#body.balance()
  }

  resume(): void {
    this.run()
    this.#body.balance()
  }

  abort(reason: Error): void {
    this.#leave()
    queueMicrotask(() => this.#seat.exchange.fail(reason))
  }

  async #run(): Promise<void> {
    this.#running = true
    try {
      while (!this.#isDone && !this.isPaused) {
        if (this.#position >= this.#seat.end || this.#body.isEndAt(this.#position)) this.#finish()
        else if (this.#position >= this.#body.size) break
        else {
          const step = this.#step()
          if (step !== undefined) await step
        }
      }
    } catch (error) {
      this.#lose(error as Error)
    } finally {
      this.#running = false
    }
  }

  #step(): Promise<void> | undefined {
    const read = this.#body.readAt(this.#position)
    if (read === undefined) {
      this.loseTrack()
      return undefined
    }
    if (Buffer.isBuffer(read)) {
      this.#hand(read)
      this.#body.balance()
      return undefined
    }
    // Nothing read is kept for a consumer that has paused meanwhile: many of them would keep much.
    return read.then((bytes) => void (this.#isDone || this.isPaused || this.#hand(bytes)))
  }

  #hand(bytes: Buffer): void {
    const part = bytes.subarray(0, this.#seat.end - this.#position)
    this.#position += part.length
    if (this.#seat.isSummed) this.#checksum = crc32(part, this.#checksum)
    this.#seat.exchange.data(part)
  }

  #finish(): void {
    const { exchange, isLeader } = this.#seat
    this.#leave()
    if (isLeader) exchange.end(this.#body.trailers, this.#body.rawTrailers)
    else exchange.end()
  }

  #lose(error: Error): void {
    if (this.#isDone) return
    const { exchange, end, isSummed, onLost } = this.#seat
    this.#leave()
    exchange.attach(undefined)
    const rest = { start: this.#position, end }
    const isTaken = onLost?.({ error, rest, checksum: isSummed ? this.#checksum : undefined }) === true
    if (!isTaken) exchange.fail(error)
  }

  #leave(): void {
    if (this.#isDone) return
    this.#isDone = true
    this.#body.leave(this)
  }
}
