/**
 * A body that arrives once and is read by many, each at its own pace. What passes is handed to those who keep up; the
 * others read it from what is being stored. The network is held for a consumer only when there is no other.
 *
 * When storing was given up (too large, disk slow or full), what comes after is kept here as far as somebody still has to
 * read it, and the network is held for the slowest: for a while, then that one is lost and has to find the rest elsewhere.
 *
 * Memory: what waits for the disk, four chunks that are being read, and `OVERFLOW_BYTES`; below 1 MiB together.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { Tail } from '../content-store/tail.ts'
import { CHUNK_SIZE } from '../stored-response.ts'
import type { RawHeaders } from './dispatch.ts'
import { DelayBudget } from './delay-budget.ts'
import { FlightReader, type Seat } from './flight-reader.ts'
import type { NetworkSource } from './network-source.ts'

/** Bytes that are kept for those behind when they are not stored. */
const OVERFLOW_BYTES = 262_144

/** What is stored of the body so far: a `PendingStore`. */
interface Spool {
  readonly size: number
  readonly memory: number
  hold(): void
  release(): void
  readAt(position: number): Buffer | Promise<Buffer>
}

export interface SharedBodyOptions {
  /** Bytes that have passed already, all of them taken by the spool. */
  readonly size: number
  /** The network is held for the only consumer that there was. */
  readonly isHeld: boolean
  /** Milliseconds in all for which the network may be held for the slowest of several, when storing was given up. */
  readonly maxDelay: number
  /** Nobody reads any more, and nobody is expected. */
  readonly onDeserted: () => void
}

export class SharedBody {
  trailers: IncomingHttpHeaders = {}
  rawTrailers: RawHeaders = []
  readonly #spool: Spool
  readonly #source: NetworkSource
  readonly #onDeserted: () => void
  readonly #readers = new Set<FlightReader>()
  readonly #patience: DelayBudget
  #isPatient = true
  #overflow: Tail | undefined
  #size: number
  #isEnded = false
  #isExpecting = true
  #isHeld: boolean
  #isPushing = false
  #isReleased = false

  constructor(spool: Spool, source: NetworkSource, { size, isHeld, maxDelay, onDeserted }: SharedBodyOptions) {
    this.#spool = spool
    this.#source = source
    this.#size = size
    this.#isHeld = isHeld
    this.#patience = new DelayBudget(maxDelay)
    this.#onDeserted = onDeserted
    spool.hold()
  }

  /** Bytes that have passed. */
  get size(): number {
    return this.#size
  }

  get readers(): number {
    return this.#readers.size
  }

  /** Bytes in memory. */
  get memory(): number {
    return this.#spool.memory + (this.#overflow?.size ?? 0)
  }

  /** Whether the body has ended, and at this position. */
  isEndAt(position: number): boolean {
    return this.#isEnded && position >= this.#size
  }

  /** Takes a consumer on; `respond` tells it of the response, unless it knows already. */
  follow(seat: Seat, respond: () => void = () => {}): void {
    const reader = new FlightReader(seat, this)
    this.#readers.add(reader)
    seat.exchange.attach(reader)
    respond()
    reader.run()
    this.balance()
  }

  leave(reader: FlightReader): void {
    this.#readers.delete(reader)
    this.balance()
    this.#close()
  }

  /** Whether somebody is still to come, for whom what was stored has to stay readable. */
  expect(isExpecting: boolean): void {
    this.#isExpecting = isExpecting
    this.balance()
    this.#close()
  }

  /** The next chunk, which the spool was offered before. */
  push(chunk: Buffer): void {
    const at = this.#size
    this.#size += chunk.length
    if (this.#spool.size < this.#size) {
      this.#overflow ??= new Tail(at)
      this.#overflow.push(chunk)
    }
    this.#isPushing = true
    for (const reader of this.#readers) reader.offer(chunk, at)
    this.#isPushing = false
    this.balance()
  }

  /** The body is whole. */
  finish(trailers: IncomingHttpHeaders, rawTrailers: RawHeaders): void {
    this.trailers = trailers
    this.rawTrailers = rawTrailers
    this.#end()
    for (const reader of this.#readers) reader.run()
    this.#close()
  }

  /** The body will not be what it was announced to be: its leader alone takes it as it comes. */
  failFollowers(error: Error): void {
    for (const reader of this.#readers) if (!reader.isLeader) reader.fail(error)
  }

  /** The body is not whole and will not be. */
  fail(error: Error): void {
    this.#end()
    for (const reader of this.#readers) reader.fail(error)
    this.#close()
  }

  /** Bytes from `position` on, as many as come at once; undefined when they are gone. */
  readAt(position: number): Buffer | Promise<Buffer> | undefined {
    if (position < this.#spool.size) return this.#spool.readAt(position)
    const overflow = this.#overflow
    return overflow !== undefined && position >= overflow.start ? overflow.from(position, CHUNK_SIZE) : undefined
  }

  /** Holds the network or lets it flow, after anything has changed. */
  balance(): void {
    // Resumed, it may push the next chunk before the last one has been offered to all.
    if (this.#isPushing) return
    this.#drop()
    if (this.#isEnded) return
    const [first] = this.#readers
    const isSole = this.#readers.size === 1 && !this.#isExpecting
    const isFull = (this.#overflow?.size ?? 0) >= OVERFLOW_BYTES
    if (isFull && !isSole && this.#isPatient) this.#patience.start(() => this.#loseIfFull())
    else this.#patience.stop()
    this.#hold(isFull || (isSole && first?.isPaused === true))
  }

  #hold(isHeld: boolean): void {
    if (isHeld === this.#isHeld) return
    this.#isHeld = isHeld
    if (isHeld) this.#source.pause()
    else this.#source.resume()
  }

  #loseIfFull(): void {
    this.#isPatient = false
    this.balance()
  }

  /** Lets go of what all have read, and when patience has run out, of all but the last, and of those who still need it. */
  #drop(): void {
    const overflow = this.#overflow
    if (overflow === undefined || overflow.size === 0) return
    overflow.dropBefore(Math.min(...this.#positions()))
    const isOver = overflow.size >= OVERFLOW_BYTES && this.#readers.size > 1
    if (this.#isPatient || this.#isEnded || !isOver) return
    overflow.dropBefore(Math.min(overflow.end - OVERFLOW_BYTES / 2, ...this.#positions(({ isBound }) => isBound)))
    for (const reader of this.#readers) {
      if (reader.position >= this.#spool.size && reader.position < overflow.start) reader.loseTrack()
    }
  }

  #positions(isMeant: (reader: FlightReader) => boolean = () => true): number[] {
    return [...this.#readers].filter(isMeant).map(({ position }) => position)
  }

  #end(): void {
    this.#isEnded = true
    this.#patience.stop()
  }

  #close(): void {
    if (this.#readers.size > 0 || this.#isExpecting) return
    if (!this.#isEnded) this.#onDeserted()
    else if (!this.#isReleased) {
      this.#isReleased = true
      this.#spool.release()
    }
  }
}
