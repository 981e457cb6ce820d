/**
 * Requests that wait for the answer to another's (RFC 9211 section 2.6: "collapsed"): who joins, who leads, and what
 * becomes of those who have waited.
 */
import type { ForwardReason } from '../diagnostics.ts'
import { ContentError } from '../errors.ts'
import type { CacheEngine } from '../manager/cache-engine.ts'
import { isForOthers, mayWait, shareArriving, whyNotUse, type Sharing } from '../policy/collapsing.ts'
import type { ByteRange } from '../policy/ranges.ts'
import { restFields } from '../policy/rest.ts'
import type { StoredResponse } from '../stored-response.ts'
import { collapsedStatus, type OriginAnswer } from './cache-status.ts'
import type { Flight, Landing } from './flight.ts'
import type { Lost } from './flight-reader.ts'
import type { Flights } from './flights.ts'
import { sentFields } from './headers.ts'
import type { ResolvedInterceptorOptions } from './options.ts'
import { discard } from './pipeline-body.ts'
import { Push } from './push.ts'
import { later, type Turn } from './turn.ts'
import { isFoundBy, withXCache } from './x-cache.ts'

/** What one who has waited is answered by in the end. */
export interface Ways {
  /** Looks up, and answers. */
  answer(turn: Turn): boolean
  /** Out of the store, after another's validation. */
  use(turn: Turn, stored: StoredResponse, because: ForwardReason, answer: OriginAnswer): void
  /** By the rest of a body, from the origin: see `Answering`. */
  fetchRest(turn: Turn, stored: StoredResponse, rest: ByteRange, damage: Error, checksum?: number): boolean
}

export class Collapsing {
  readonly #engine: CacheEngine
  readonly #options: ResolvedInterceptorOptions
  readonly #flights: Flights
  readonly #ways: Ways

  constructor(engine: CacheEngine, options: ResolvedInterceptorOptions, flights: Flights, ways: Ways) {
    this.#engine = engine
    this.#options = options
    this.#flights = flights
    this.#ways = ways
  }

  /** Under which name it is remembered whether answers to such a request can be shared. */
  sharing(turn: Turn): string {
    return this.#flights.sharing(turn.request)
  }

  /**
   * Waits for the answer to another's request for what has this entry key. False where there is none, or none that could
   * answer this one.
   */
  join(turn: Turn, name: string, because: ForwardReason): boolean {
    if (!this.#isCollapsing(turn) || !mayWait(turn.request)) return false
    const flight = this.#flights.find(this.#selected(turn, name), turn.request, this.#engine)
    flight?.join(turn.exchange, (landing) => this.#land(later(turn), because, landing))
    return flight !== undefined
  }

  /** Lets others wait for the answer to this request, where it may be for them. */
  lead(turn: Turn, name: string): Flight | undefined {
    const { request } = turn
    if (!this.#isCollapsing(turn) || !isForOthers(request)) return undefined
    return this.#flights.begin(this.#selected(turn, name), request, (lost, record, isSized) =>
      this.#fetchLost(turn, record, isSized, lost),
    )
  }

  /** One that has waited in vain does not wait again, and those whose answers cannot be shared never do. */
  #isCollapsing(turn: Turn): boolean {
    return turn.hasWaited !== true && !this.#engine.hitForMiss.has(this.sharing(turn))
  }

  #selected({ selects, request }: Turn, name: string): string {
    return selects ?? this.#flights.nameOf(name, request)
  }

  /** What the turn has waited for has come: it is answered by that, or goes on by itself. */
  #land(turn: Turn, because: ForwardReason, landing: Landing): void {
    const judged = this.#judge(turn, landing)
    if (judged === undefined) {
      const { stored, answer } = landing as Extract<Landing, { kind: 'usable' }>
      this.#engine.statistics.collapsed(turn.request.key, because)
      this.#ways.use(turn, stored, because, answer)
    } else if (judged.verdict === 'share') {
      this.#follow(turn, because, landing as Extract<Landing, { kind: 'response' }>, judged)
    } else if (judged.verdict === 'other-variant' && turn.selects === undefined) {
      // Once: each answer could name other fields, and all would go one after the other.
      this.#ways.answer({ ...turn, selects: judged.selects })
    } else {
      const isNobodys = judged.verdict === 'alone' && judged.isNobodys
      if (isNobodys) this.#engine.hitForMiss.mark(this.sharing(turn), 'uncacheable')
      this.#ways.answer({ ...turn, hasWaited: true })
    }
  }

  /** Undefined: it may use what is stored. */
  #judge({ request }: Turn, landing: Landing): Sharing | undefined {
    const now = this.#engine.options.clock()
    const { policy } = this.#options
    switch (landing.kind) {
      case 'nothing':
        return { verdict: 'alone', isNobodys: false }
      case 'usable':
        return whyNotUse(landing.stored, landing.answer, request, now, policy)
      case 'response':
        return shareArriving({ ...landing, received: landing.body.size }, request, now, policy)
    }
  }

  /** Answers out of a response that is still arriving for another. */
  #follow(
    turn: Turn,
    because: ForwardReason,
    { record, isSized, body }: Extract<Landing, { kind: 'response' }>,
    { answer, ttl }: Extract<Sharing, { verdict: 'share' }>,
  ): void {
    const { exchange, request, received } = turn
    const { statusCode, statusMessage, bytes } = answer
    this.#engine.statistics.collapsed(request.key, because)
    discard(received.body)
    const status = this.#options.cacheStatus ? ['cache-status', collapsedStatus(because, ttl)] : []
    const fields = sentFields([...answer.fields, ...status])
    const sent = withXCache(this.#options.xCache, fields, false, isFoundBy(because))
    if (bytes === undefined) {
      new Push(exchange, undefined).start(statusCode, sent, statusMessage)
      return
    }
    const respond = () => exchange.respondWith(statusCode, sent, statusMessage)
    const isSummed = !isSized || restFields(record, bytes) === undefined
    const onLost = (lost: Lost) => this.#fetchLost(turn, record, isSized, lost)
    const end = isSized ? bytes.end : Infinity
    body.follow({ exchange, start: bytes.start, end, isLeader: false, isSummed, onLost }, respond)
  }

  /** Asks the origin for the rest of a body that is not to be had from a flight any more. */
  #fetchLost(turn: Turn, record: StoredResponse, isSized: boolean, { error, rest, checksum }: Lost): boolean {
    if (error instanceof ContentError) this.#engine.statistics.fault('read', error, record.key)
    const end = isSized ? Math.min(rest.end, record.body.size) : Infinity
    return this.#ways.fetchRest(turn, record, { start: rest.start, end }, error, checksum)
  }
}
