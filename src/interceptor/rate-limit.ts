/**
 * Politeness: how many requests go to an origin in a while. Hits are no requests to it, and nothing waits for them; what
 * goes to the network waits for its turn, in order, until its caller has had enough.
 */
import { RateLimiter } from 'limiter'
import { InvalidOptionError } from '../errors.ts'
import { rejectUnknown, withoutUndefined } from '../manager/options.ts'
import type { CacheRequest } from '../policy/cache-request.ts'
import { uriOf, viewOf, type RequestView } from './message-views.ts'

export interface RateLimit {
  /** Requests that may go to the network in each `interval`, after a pause all at once. From 1. */
  readonly requests: number
  /** Milliseconds, from 1. Default 1,000. */
  readonly interval?: number
  /** What has a limit of its own: each origin, or all requests together. Default `origin`. */
  readonly per?: 'origin' | 'all'
}

/**
 * A limit of your own: resolves when the request may go. `signal` is aborted when its caller does not wait any more. What
 * it throws otherwise is an `error` event, and the request goes.
 */
export type RateLimitFunction = (request: RequestView, signal: AbortSignal) => Promise<void> | void

/** A request that waits for its turn. */
export interface Wait {
  /** Resolves when it may go; never, once it was cancelled. */
  readonly over: Promise<void>
  cancel(reason: Error): void
}

/** Undefined: it may go at once. */
export type Admission = (request: CacheRequest, onFault: (error: unknown) => void) => Wait | undefined

export const RATE_LIMIT_DEFAULTS = { interval: 1_000, per: 'origin' } as const
const LONGEST_MS = 2 ** 31 - 1
/** Limits that are kept; of more, those go that nobody is waiting at and whose allowance is whole again. */
const KEPT_LIMITS = 1_000

/** @throws {InvalidOptionError} when it is of the wrong type or out of range */
export function admissionBy(limit: RateLimit | RateLimitFunction | undefined): Admission | undefined {
  if (limit === undefined) return undefined
  if (typeof limit === 'function') return (request, onFault) => waitFor(limit, request, onFault)
  if (typeof limit !== 'object' || limit === null) throw new InvalidOptionError('rateLimit', 'an object', limit)
  rejectUnknown(limit, { requests: true, interval: true, per: true })
  const { requests, interval, per }: RateLimit = { ...RATE_LIMIT_DEFAULTS, ...withoutUndefined(limit) }
  if (!isCount(requests)) throw new InvalidOptionError('rateLimit.requests', 'an integer from 1', requests)
  if (!isCount(interval) || interval > LONGEST_MS)
    throw new InvalidOptionError('rateLimit.interval', `milliseconds from 1 to ${LONGEST_MS}`, interval)
  if (per !== 'origin' && per !== 'all') throw new InvalidOptionError('rateLimit.per', "'origin' or 'all'", per)
  const queues = new Queues(requests, interval)
  return (request) => queues.enter(per === 'all' ? '' : new URL(uriOf(request)).origin)
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1
}

function waitFor(limit: RateLimitFunction, request: CacheRequest, onFault: (error: unknown) => void): Wait | undefined {
  const controller = new AbortController()
  let waiting: Promise<void> | void
  try {
    waiting = limit(viewOf(request), controller.signal)
  } catch (error) {
    onFault(error)
    return undefined
  }
  if (waiting === undefined) return undefined
  const over = new Promise<void>((resolve) => {
    const go = () => controller.signal.aborted || resolve()
    waiting.then(go, (error) => {
      if (!controller.signal.aborted) onFault(error)
      go()
    })
  })
  return { over, cancel: (reason) => controller.abort(reason) }
}

/** One queue for each name. */
export class Queues {
  readonly #requests: number
  readonly #interval: number
  readonly #byName = new Map<string, Queue>()
  #sweepAt = KEPT_LIMITS

  constructor(requests: number, interval: number) {
    this.#requests = requests
    this.#interval = interval
  }

  get size(): number {
    return this.#byName.size
  }

  enter(name: string): Wait | undefined {
    let queue = this.#byName.get(name)
    if (queue === undefined) {
      this.#sweep()
      queue = new Queue(this.#requests, this.#interval)
      this.#byName.set(name, queue)
    }
    return queue.enter()
  }

  #sweep(): void {
    if (this.#byName.size < this.#sweepAt) return
    for (const [name, queue] of this.#byName) if (queue.isIdle) this.#byName.delete(name)
    this.#sweepAt = Math.max(KEPT_LIMITS, this.#byName.size * 2)
  }
}

class Queue {
  readonly #limiter: RateLimiter
  readonly #requests: number
  /** First come, first served. A Set, so that who leaves in the middle costs nothing. */
  readonly #waiting = new Set<() => void>()
  #timer: NodeJS.Timeout | undefined

  constructor(requests: number, interval: number) {
    this.#requests = requests
    this.#limiter = new RateLimiter({ tokensPerInterval: requests, interval })
  }

  /** A new one would say the same. */
  get isIdle(): boolean {
    return this.#waiting.size === 0 && this.#limiter.getWaitTime(this.#requests) === 0
  }

  enter(): Wait | undefined {
    if (this.#waiting.size === 0 && this.#limiter.tryRemoveTokens(1)) return undefined
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#waiting.add(resolve)
    this.#schedule()
    return {
      over: promise,
      cancel: () => {
        this.#waiting.delete(resolve)
        // A timer for nobody would keep the process.
        if (this.#waiting.size === 0) this.#stop()
      },
    }
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => this.#admit(), Math.max(1, this.#limiter.getWaitTime(1)))
  }

  #admit(): void {
    this.#stop()
    for (const go of this.#waiting) {
      if (!this.#limiter.tryRemoveTokens(1)) break
      this.#waiting.delete(go)
      go()
    }
    if (this.#waiting.size > 0) this.#schedule()
  }

  #stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
