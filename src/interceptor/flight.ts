/**
 * One request to the origin that is under way, and all who would have made the same: they wait for its header section,
 * then share the body, or learn that they have to ask for themselves.
 */
import type { PendingStore } from '../manager/pending-store.ts'
import { restFields } from '../policy/rest.ts'
import type { StoredResponse } from '../stored-response.ts'
import type { OriginAnswer } from './cache-status.ts'
import type { RawHeaders } from './dispatch.ts'
import type { Exchange } from './exchange.ts'
import type { Lost } from './flight-reader.ts'
import type { NetworkSource } from './network-source.ts'
import { SharedBody } from './shared-body.ts'

/** What has come of a flight for those who wait. */
export type Landing =
  /** Its response is being stored, and can be followed by those whom it answers. */
  | { readonly kind: 'response'; readonly record: StoredResponse; readonly isSized: boolean; readonly body: SharedBody }
  /** What is stored may be used: the origin has vouched for it, or has failed. */
  | { readonly kind: 'usable'; readonly stored: StoredResponse; readonly answer: OriginAnswer }
  /** Nothing that answers anybody else. */
  | { readonly kind: 'nothing' }

/** The response that is being stored, as the one who stores it knows it. */
export interface Arrival {
  readonly pending: PendingStore
  readonly source: NetworkSource
  readonly leader: Exchange
  readonly declaredSize: number | undefined
  /** Milliseconds: see `SharedBodyOptions`. */
  readonly maxDelay: number
  /** Bytes of the body that have come. */
  readonly received: () => number
}

interface Waiter {
  readonly exchange: Exchange
  readonly onLanding: (landing: Landing) => void
}

/** Waiters that are told at a time, so that many of them do not hold up everything else. */
const TOLD_AT_ONCE = 32
/** A length that no body has, for one whose length is not known. */
const UNKNOWN_SIZE = Number.MAX_SAFE_INTEGER

export interface FlightListeners {
  /** The leader cannot be served here any more. True when somebody else goes on. */
  readonly onLost: (lost: Lost, record: StoredResponse, isSized: boolean) => boolean
  /** It is known what is arriving. */
  readonly onArrived: (record: StoredResponse) => void
  /** Nobody can join any more. May be called again. */
  readonly onLanded: () => void
}

export class Flight {
  readonly key: string
  readonly #listeners: FlightListeners
  readonly #waiting = new Set<Waiter>()
  #onDeserted: () => void = () => {}
  #generation: number | undefined
  #leader: Exchange | undefined
  #arrival: Arrival | undefined
  #record: StoredResponse | undefined
  #body: SharedBody | undefined
  /** What those who wait are told: undefined until the header section. */
  #outcome: 'response' | Landing | undefined
  #isTelling = false
  #isOver = false

  constructor(key: string, listeners: FlightListeners) {
    this.key = key
    this.#listeners = listeners
  }

  /** What is being stored, once that is known. */
  get record(): StoredResponse | undefined {
    return this.#record
  }

  /** The generation of invalidations in which the request was sent; undefined before. */
  get generation(): number | undefined {
    return this.#generation
  }

  /** Whether who comes now can be served. */
  get isOpen(): boolean {
    if (this.#outcome === undefined) return !this.#isOver
    const arrival = this.#arrival
    if (this.#isOver || this.#outcome !== 'response' || arrival === undefined) return false
    return arrival.pending.isOpen && arrival.pending.size === arrival.received()
  }

  /** Whether anybody but the leader has an interest in it. */
  get isWanted(): boolean {
    return this.#waiting.size > 0 || (this.#body?.readers ?? 0) > 0
  }

  /** The consumer waits: `onLanding` is called later, never before this has returned, unless the consumer leaves. */
  join(exchange: Exchange, onLanding: (landing: Landing) => void): void {
    const waiter: Waiter = { exchange, onLanding }
    exchange.start(null, {
      pause: () => {},
      resume: () => {},
      abort: (reason) => {
        this.#waiting.delete(waiter)
        queueMicrotask(() => exchange.fail(reason))
        this.#checkWanted()
      },
    })
    if (exchange.isOver) return
    this.#waiting.add(waiter)
    if (this.#outcome === undefined || this.#isTelling) return
    // From now on what has come stays readable.
    this.#share().expect(true)
    this.#isTelling = true
    queueMicrotask(() => this.#tell())
  }

  /** The request goes out, perhaps again. `onDeserted` is called when the last one has left. */
  takeOff(generation: number, leader: Exchange, onDeserted: () => void): void {
    this.#generation = generation
    this.#leader = leader
    this.#onDeserted = onDeserted
  }

  /** The header section has come, and the response is being stored. */
  respond(arrival: Arrival): void {
    if (this.#isOver) return
    const { head } = arrival.pending
    const body = { size: arrival.declaredSize ?? UNKNOWN_SIZE, sha256: '', checksums: [] }
    this.#arrival = arrival
    this.#record = { ...head, body }
    this.#outcome = 'response'
    this.#listeners.onArrived(this.#record)
    if (this.#waiting.size > 0) this.#share()
    this.#startTelling()
  }

  /** A validation has ended: the stored response may be used, or everybody finds out alone that it may not. */
  settle(stored?: StoredResponse, answer: OriginAnswer = 'unreachable'): void {
    this.#land(stored === undefined ? { kind: 'nothing' } : { kind: 'usable', stored, answer })
    this.#isOver = true
  }

  /** Nothing comes that answers others: everybody goes on alone. */
  release(): void {
    this.#land({ kind: 'nothing' })
  }

  /** The next chunk of the body. False when the leader is alone and has to be told by whoever calls. */
  push(chunk: Buffer): boolean {
    this.#body?.push(chunk)
    return this.#body !== undefined
  }

  /** The body has ended; of another length than was announced, it is nobody's but the leader's. False: as with `push`. */
  finish(trailers: Parameters<SharedBody['finish']>[0], rawTrailers: RawHeaders, isWhole: boolean): boolean {
    const body = this.#body
    if (!isWhole) {
      body?.failFollowers(new Error('The body has another length than was announced'))
      this.release()
    }
    this.#isOver = true
    this.#listeners.onLanded()
    body?.finish(trailers, rawTrailers)
    return body !== undefined
  }

  /** The request has failed, or its response has broken off. False: as with `push`. */
  fail(error: Error): boolean {
    this.release()
    this.#isOver = true
    this.#body?.fail(error)
    return this.#body !== undefined
  }

  #land(landing: Landing): void {
    if (this.#isOver) return
    this.#outcome = landing
    this.#listeners.onLanded()
    this.#startTelling()
  }

  #startTelling(): void {
    if (this.#isTelling) return
    this.#isTelling = true
    this.#tell()
  }

  /** Tells those who wait, some at a time. */
  #tell(): void {
    let count = 0
    for (const waiter of this.#waiting) {
      if (count++ === TOLD_AT_ONCE) {
        setImmediate(() => this.#tell())
        return
      }
      this.#waiting.delete(waiter)
      waiter.exchange.attach(undefined)
      waiter.onLanding(this.#landing())
    }
    this.#isTelling = false
    this.#body?.expect(false)
    this.#checkWanted()
  }

  #landing(): Landing {
    if (this.#outcome !== 'response') return this.#outcome ?? { kind: 'nothing' }
    const isSized = this.#arrival?.declaredSize !== undefined
    return { kind: 'response', record: this.#record as StoredResponse, isSized, body: this.#share() }
  }

  /** The body as one that several read: from now on the leader is one of them. */
  #share(): SharedBody {
    const { pending, source, leader, maxDelay, received, declaredSize } = this.#arrival as Arrival
    if (this.#body !== undefined) return this.#body
    const start = received()
    const onDeserted = () => this.#checkWanted()
    const body = new SharedBody(pending, source, { size: start, isHeld: leader.paused, maxDelay, onDeserted })
    this.#body = body
    if (leader.isOver) return body
    const record = this.#record as StoredResponse
    const isSized = declaredSize !== undefined
    const isTagged = isSized && restFields(record, { start, end: declaredSize }) !== undefined
    // Of what it was handed before, nobody knows the checksum.
    const isSummed = !isTagged && start === 0
    const canGoOn = isTagged || isSummed
    const onLost = canGoOn ? (lost: Lost) => this.#listeners.onLost(lost, record, isSized) : undefined
    body.follow({ exchange: leader, start, end: Infinity, isLeader: true, isSummed, onLost })
    return body
  }

  /** With the last one goes the request, unless its handler has reasons of its own. */
  #checkWanted(): void {
    // Where the body is shared, a leader that is no reader of it is served elsewhere.
    const isLed = this.#body === undefined && this.#leader?.isOver !== true
    if (!this.#isOver && !this.isWanted && !isLed) this.#onDeserted()
  }
}
