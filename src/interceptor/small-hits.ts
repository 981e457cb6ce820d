/**
 * Answers by stored bodies of one chunk at most, all of them: what is in memory, and what the disk gives in one open, read
 * and close, is pushed before `dispatch` returns.
 */
import { hasListeners } from '../diagnostics.ts'
import type { CacheEngine } from '../manager/cache-engine.ts'
import type { Hit } from '../manager/lookup.ts'
import { fieldsOnce, type SentFields } from '../policy/prepared-fields.ts'
import type { StoredResponse } from '../stored-response.ts'
import { hitStatus } from './cache-status.ts'
import type { ResolvedInterceptorOptions } from './options.ts'
import { discard, isPipelineBody } from './pipeline-body.ts'
import { answered, mayAnswerNow, Push, soon } from './push.ts'
import { later, type Turn } from './turn.ts'
import { watchHit } from './watched-hit.ts'
import { withXCache } from './x-cache.ts'

/** What becomes of the others. */
interface Otherwise {
  /** Its body is missing or damaged. */
  fetch(turn: Turn): void
  /** It is better read piece by piece, because the disk is slow. */
  play(turn: Turn, hit: Hit): void
}

export class SmallHits {
  readonly #engine: CacheEngine
  readonly #options: ResolvedInterceptorOptions
  readonly #otherwise: Otherwise

  constructor(engine: CacheEngine, options: ResolvedInterceptorOptions, otherwise: Otherwise) {
    this.#engine = engine
    this.#options = options
    this.#otherwise = otherwise
  }

  serve(turn: Turn, hit: Hit): void {
    // `pipeline` hands its handler the duplex that it has yet to return: nothing may be announced before that.
    if (isPipelineBody(turn.received.body) || !mayAnswerNow()) {
      turn.request.keep()
      soon(() => this.#push(later(turn), hit))
      return
    }
    try {
      this.#push(turn, hit)
    } finally {
      answered()
    }
  }

  #push(turn: Turn, hit: Hit): void {
    if (turn.exchange.isOver) return
    const { stored, hot, age } = hit
    if (hot !== undefined) {
      this.#engine.statistics.served(hot.body.length, 'memory')
      this.#send(turn, stored, hot.body, hot.fields.at(age, this.#statusOf(turn, hit)))
      return
    }
    const begun = hasListeners('serve') ? performance.now() : undefined
    const body = this.#engine.readSmall(stored)
    if (body === 'damaged') this.#otherwise.fetch(turn)
    else if (body === undefined) this.#otherwise.play(turn, hit)
    else {
      this.#engine.statistics.served(body.length, 'disk')
      this.#send(turn, stored, body, fieldsOnce(stored.fields, age, this.#statusOf(turn, hit, begun)))
    }
  }

  #statusOf(turn: Turn, hit: Hit, begun?: number): string | undefined {
    const status = countHit(this.#engine, turn, hit, begun)
    return this.#options.cacheStatus ? status : undefined
  }

  #send(turn: Turn, stored: StoredResponse, body: Buffer, fields: SentFields): void {
    discard(turn.received.body)
    const sent = withXCache(this.#options.xCache, fields, true, true)
    new Push(turn.exchange, body).start(stored.statusCode, sent, stored.statusMessage)
  }
}

/**
 * Counts it, has it watched where somebody does, and returns what Cache-Status says of it. `begun` as `watchHit` has it.
 */
export function countHit(engine: CacheEngine, turn: Turn, { stored, ttl }: Hit, begun?: number): string {
  engine.statistics.hit(stored, ttl)
  if (hasListeners('serve'))
    watchHit(turn.exchange, stored.key, turn.request.method, engine.holdings.store.directory, begun)
  return hitStatus(ttl)
}
