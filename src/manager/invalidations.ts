/**
 * What was invalidated and when, counted in invalidations, so that a fetch that began before one of them does not
 * commit after it: the response it brings may be older than the change.
 */
import { TTLCache } from '@isaacs/ttlcache'

/** Keys remembered at a time, and for how long: no fetch of a body takes longer. */
const REMEMBERED_KEYS = 10_000
const REMEMBERED_MS = 3_600_000

export class Invalidations {
  /** Invalidations so far. */
  #generation = 0
  #allAt = 0
  readonly #byKey = new TTLCache<string, number>({ max: REMEMBERED_KEYS, ttl: REMEMBERED_MS, checkAgeOnGet: true })

  /** To be remembered when a request is sent. */
  get generation(): number {
    return this.#generation
  }

  mark(key: string): void {
    this.#byKey.set(key, ++this.#generation)
  }

  markAll(): void {
    this.#allAt = ++this.#generation
  }

  /** Whether the key was invalidated after this generation. */
  isMarkedSince(key: string, generation: number): boolean {
    return this.#allAt > generation || (this.#byKey.get(key) ?? 0) > generation
  }

  close(): void {
    this.#byKey.cancelTimer()
  }
}
