/**
 * Answers one cacheable request: from the store, by validation, from the network, or by a 504. One switch over what the
 * engine knows; `src/README.md` draws the paths.
 */
import { hasListeners, type ForwardReason } from '../diagnostics.ts'
import type { BodyReader } from '../content-store/body-reader.ts'
import type { CacheEngine } from '../manager/cache-engine.ts'
import type { Hit } from '../manager/lookup.ts'
import { SMALL_BODY } from '../manager/memory-tier.ts'
import { invalidatedGroups } from '../policy/cache-groups.ts'
import { cacheKey } from '../policy/cache-key.ts'
import { currentAge, freshnessLifetime } from '../policy/freshness.ts'
import { invalidatedUris, invalidates } from '../policy/invalidation.ts'
import type { ByteRange } from '../policy/ranges.ts'
import { isOnlyIfCached, isOwnCondition, OWN_CONDITIONS } from '../policy/reuse.ts'
import { restFields } from '../policy/rest.ts'
import { asksForAll, served } from '../policy/serving.ts'
import { answersGet } from '../policy/storing.ts'
import { conditionalFields } from '../policy/validation.ts'
import type { StoredResponse } from '../stored-response.ts'
import { busting } from './busting.ts'
import { forwardedHitStatus, type OriginAnswer } from './cache-status.ts'
import { Collapsing } from './collapsing.ts'
import type { Dispatch } from './dispatch.ts'
import { Exchange } from './exchange.ts'
import type { Flight } from './flight.ts'
import type { Flights } from './flights.ts'
import { sentFields } from './headers.ts'
import type { ResolvedInterceptorOptions } from './options.ts'
import { Network } from './network.ts'
import { discard } from './pipeline-body.ts'
import { Push, soon } from './push.ts'
import { Replay } from './replay.ts'
import type { RequestHeaders } from './request-headers.ts'
import { RestHandler } from './rest-handler.ts'
import { countHit, SmallHits } from './small-hits.ts'
import type { Steering } from './steering.ts'
import { StoringHandler, type Forwarded } from './storing-handler.ts'
import { later, type Turn } from './turn.ts'
import { ValidationHandler, type Validation } from './validation-handler.ts'
import { withXCache } from './x-cache.ts'

export class Answering {
  readonly #engine: CacheEngine
  readonly #options: ResolvedInterceptorOptions
  readonly #steering: Steering
  readonly #network: Network
  readonly #smallHits: SmallHits
  /** Undefined where each request goes to the origin by itself. */
  readonly #collapsing: Collapsing | undefined

  constructor(
    engine: CacheEngine,
    options: ResolvedInterceptorOptions,
    steering: Steering,
    flights: Flights | undefined,
    next: Dispatch,
  ) {
    this.#engine = engine
    this.#options = options
    this.#steering = steering
    this.#network = new Network(engine, options, next)
    this.#smallHits = new SmallHits(engine, options, {
      fetch: (turn) => this.#fetch({ ...turn, request: turn.request.keep() }, 'uri-miss'),
      play: (turn, hit) => this.#playHit(turn, hit, true),
    })
    this.#collapsing =
      flights &&
      new Collapsing(engine, options, flights, {
        answer: (turn) => this.answer(turn),
        use: (turn, stored, because, answer) => this.#playForwarded(turn, stored, because, answer, true),
        fetchRest: (turn, stored, rest, damage, checksum) => this.#fetchRest(turn, stored, rest, damage, checksum),
      })
  }

  /** Returns what `dispatch` must: false when the dispatcher is busy. */
  answer(turn: Turn): boolean {
    if (turn.request.mode === 'reload') return this.#reload(turn)
    const isAgain = turn.hasWaited === true || turn.selects !== undefined
    const lookup = this.#engine.lookup(turn.request, this.#options.policy, isAgain)
    if (lookup.outcome === 'hit') return this.#serve(turn, lookup)
    turn.request.keep()
    switch (lookup.outcome) {
      case 'validate':
        if (isOnlyIfCached(turn.request)) return this.refuse(turn)
        if (this.#collapsing?.join(turn, lookup.name, lookup.because)) return true
        if (isOwnCondition(turn.request)) return this.#fetch(turn, lookup.because)
        return this.#validate(turn, lookup.stored, lookup.because, this.#collapsing?.lead(turn, lookup.name))
      case 'miss':
        if (isOnlyIfCached(turn.request)) return this.refuse(turn)
        if (this.#collapsing?.join(turn, lookup.name, lookup.because)) return true
        return this.#fetch(turn, lookup.because, this.#collapsing?.lead(turn, lookup.name))
      case 'pending':
        turn.exchange.start(null)
        void lookup.ready.then(() => turn.exchange.isOver || this.answer(later(turn)))
        return true
    }
  }

  /**
   * An unsafe request reaches the origin always. Its success invalidates its target and what it names (RFC 9111 section
   * 4.4), before the caller learns of it: what it asks for next must not be what was stored before.
   */
  passUnsafe(turn: Turn, target: string): boolean {
    const { request, received } = turn
    this.#engine.statistics.forwarded(request.key, 'method')
    const keyFor = this.#steering.keyer(request, target, received)
    const gate: Forwarded['gate'] = (response, headers) => {
      if (!invalidates(response.statusCode)) return false
      for (const uri of invalidatedUris(target, headers)) {
        const key = keyFor(uri)
        this.#engine.invalidate(key)
        this.#engine.invalidate(cacheKey('HEAD', key))
      }
      this.#engine.invalidateGroups(request.key, invalidatedGroups(headers))
      return request.mode !== 'no-store' && answersGet(received.method, target, response, this.#options.policy.shared)
    }
    return this.#network.send(turn, received, new StoringHandler({ ...this.#forwarded(turn, 'method'), gate }))
  }

  #serve(turn: Turn, hit: Hit): true {
    const { stored, revalidate } = hit
    if (revalidate) turn.request.keep()
    turn.exchange.start(null)
    if (stored.body.size <= SMALL_BODY && asksForAll(turn.request)) this.#smallHits.serve(turn, hit)
    else this.#playHit(turn, hit)
    if (revalidate && !isOnlyIfCached(turn.request)) this.#revalidate(turn, stored)
    return true
  }

  #playHit(turn: Turn, hit: Hit, isSlow = false): void {
    turn.request.keep()
    const begun = hasListeners('serve') ? performance.now() : undefined
    void this.#play(turn, hit.stored, hit.age, () => countHit(this.#engine, turn, hit, begun), isSlow)
  }

  /**
   * Plays a stored response, or fetches it when its file is missing or damaged. `isSlow`: it is known already that the
   * body cannot be read at once.
   */
  async #play(turn: Turn, stored: StoredResponse, age: number, status: () => string, isSlow = false): Promise<void> {
    const { exchange, received, request } = turn
    const answer = served(stored, request, age)
    const { bytes } = answer
    await new Promise<void>(soon)
    if (exchange.isOver) return
    // Read, and its first chunk checked, before anything is announced.
    const small = bytes && !isSlow ? this.#engine.readSmall(stored) : undefined
    const opened = small ?? (bytes && (await this.#engine.openBody(stored, bytes.start, bytes.end)))
    if (exchange.isOver) closeReader(opened)
    else if (opened === 'damaged') this.#fetch(later(turn), 'uri-miss')
    else if (opened === 'busy') this.#fetchAside(later(turn))
    else {
      discard(received.body)
      const member = status()
      const lines = this.#options.cacheStatus ? [...answer.fields, 'cache-status', member] : answer.fields
      const sent = withXCache(this.#options.xCache, sentFields(lines), true, true)
      if (bytes === undefined || opened === undefined) {
        new Push(exchange, undefined).start(answer.statusCode, sent, answer.statusMessage)
        return
      }
      this.#engine.statistics.served(bytes.end - bytes.start, 'disk')
      if (Buffer.isBuffer(opened)) {
        const part = opened.subarray(bytes.start, bytes.end)
        new Push(exchange, part).start(answer.statusCode, sent, answer.statusMessage)
        return
      }
      const replay = new Replay(exchange, opened, (error, count) => {
        this.#engine.dropDamaged(stored, error)
        return this.#fetchRest(turn, stored, { start: bytes.start + count, end: bytes.end }, error)
      })
      replay.start(() => exchange.respondWith(answer.statusCode, sent, answer.statusMessage))
    }
  }

  /**
   * Asks the origin for what a damaged body has left to send; with the checksum of what was sent, for all of it, to be
   * compared. False where nobody can tell that it is of the same.
   */
  #fetchRest(turn: Turn, stored: StoredResponse, rest: ByteRange, damage: Error, checksum?: number): boolean {
    const { exchange, received, request } = turn
    const asked = checksum === undefined ? restFields(stored, rest) : {}
    if (asked === undefined || exchange.isOver || isOnlyIfCached(request)) return false
    const headers = { ...withoutOwnConditions(request.headers), ...asked }
    // What it returns says only whether the dispatcher is busy now.
    const handler = new RestHandler(exchange, stored, rest, damage, checksum)
    this.#network.send(turn, { ...received, headers, body: null }, handler)
    return true
  }

  #validate(turn: Turn, stored: StoredResponse, because: 'stale' | 'request', flight: Flight | undefined): boolean {
    this.#engine.statistics.forwarded(turn.request.key, because)
    return this.#sendValidation(turn, {
      ...this.#forwarded(turn, because, flight),
      stored,
      onUsable: (usable, answer) => {
        this.#playForwarded(turn, usable, because, answer, false)
        flight?.settle(usable, answer)
      },
      onForbidden: () => {
        this.refuse(turn)
        flight?.settle()
      },
      onMismatch: () => this.#fetch(later(turn), because, flight),
    })
  }

  #playForwarded(
    turn: Turn,
    stored: StoredResponse,
    because: ForwardReason,
    answer: OriginAnswer,
    isCollapsed: boolean,
  ): void {
    const age = currentAge(stored, this.#engine.options.clock())
    const ttl = freshnessLifetime(stored, this.#options.policy) - age
    // An origin that could not be connected to never started the request.
    if (!turn.exchange.isStarted) turn.exchange.start(null)
    void this.#play(turn, stored, age, () => forwardedHitStatus(because, answer, ttl, isCollapsed))
  }

  /** RFC 5861 section 3: validates in the background; one at a time for each stored response, whoever asks. */
  #revalidate(turn: Turn, stored: StoredResponse): void {
    const release = this.#engine.claimRevalidation(stored)
    if (release === undefined) return
    const exchange = new Exchange({ onResponseEnd: release, onResponseError: release })
    const headers = withoutOwnConditions(turn.request.headers)
    // RFC 9111 section 4.3.1: such a request has "the method, target URI" of what is stored, which answers HEAD, too.
    const method = stored.key === turn.request.key ? turn.request.method : 'GET'
    const received = { ...turn.received, method, headers, body: null }
    const background: Turn = { received, request: turn.request.inItsPlace(method, stored.key, headers), exchange }
    this.#sendValidation(background, {
      ...this.#forwarded(background, 'stale'),
      stored,
      onUsable: () => exchange.end(),
      onForbidden: () => exchange.end(),
      onMismatch: () =>
        this.#network.send(background, received, new StoringHandler(this.#forwarded(background, 'stale'))),
    })
  }

  #sendValidation(turn: Turn, validation: Validation): boolean {
    const conditions = conditionalFields(validation.stored)
    const options = { ...turn.received, headers: { ...turn.request.headers, ...conditions } }
    return this.#network.send(turn, options, new ValidationHandler(validation), validation.flight)
  }

  /** Nothing stored answers, and what comes in full is newer than what is stored, whatever it varies on. */
  #reload(turn: Turn): boolean {
    const { key } = turn.request
    const { stored } = this.#engine.catalogue.select(key, turn.request)
    this.#engine.statistics.forwarded(key, 'request')
    const forwarded = { ...this.#forwarded(turn, 'request'), isFound: stored !== undefined }
    return this.#network.send(turn, turn.received, new StoringHandler(stored ? { ...forwarded, stored } : forwarded))
  }

  #fetch(turn: Turn, reason: ForwardReason, flight?: Flight): boolean {
    this.#engine.statistics.forwarded(turn.request.key, reason)
    const onUnreachable = () => void this.refuse(turn)
    const forwarded = { ...this.#forwarded(turn, reason, flight), onUnreachable }
    return this.#network.send(turn, turn.received, new StoringHandler(forwarded), flight)
  }

  /** What is stored cannot be read now and stays as it is: this answer is not to take its place. */
  #fetchAside(turn: Turn): boolean {
    this.#engine.statistics.forwarded(turn.request.key, 'uri-miss')
    return this.#network.send(
      turn,
      turn.received,
      new StoringHandler({ ...this.#forwarded(turn, 'uri-miss'), gate: () => false }),
    )
  }

  #forwarded(turn: Turn, reason: ForwardReason, flight?: Flight): Forwarded {
    const { exchange, request, hasWaited } = turn
    const sharing = this.#collapsing?.sharing(turn)
    const bust = busting(this.#engine, this.#options, this.#steering, turn)
    return { bust, exchange, engine: this.#engine, request, options: this.#options, reason, flight, sharing, hasWaited }
  }

  /**
   * 504: the client wants a stored response only and there is none (RFC 9111 section 5.2.1.7), or the origin cannot be
   * reached and what is stored must not be served without it (section 5.2.2.2).
   */
  refuse({ exchange, received }: Turn): boolean {
    if (!exchange.isStarted) exchange.start(null)
    discard(received.body)
    const fields = ['date', new Date(this.#engine.options.clock()).toUTCString(), 'content-length', '0']
    const sent = withXCache(this.#options.xCache, sentFields(fields), false, false)
    queueMicrotask(() => new Push(exchange, undefined).start(504, sent, 'Gateway Timeout'))
    return true
  }

  /** Past the cache, which says and does nothing, but not past what limits the requests to its origin. */
  pass(turn: Turn, reason: ForwardReason): boolean {
    const options = { ...this.#options, cacheStatus: false, xCache: false }
    const nothing = { bust: undefined, sharing: undefined, gate: () => false }
    const forwarded = { ...this.#forwarded(turn, reason), options, ...nothing }
    return this.#network.send(turn, turn.received, new StoringHandler(forwarded))
  }
}

function closeReader(opened: BodyReader | Buffer | string | undefined): void {
  if (typeof opened === 'object' && 'close' in opened) opened.close()
}

/** Headers for a request of the cache's own, which asks for the whole and states its own conditions. */
function withoutOwnConditions(headers: RequestHeaders): RequestHeaders {
  const kept = Object.entries(headers).filter(([name]) => !OWN_CONDITIONS.has(name.toLowerCase()))
  return Object.fromEntries(kept)
}
