/**
 * What was invalidated and when, counted in invalidations, so that a fetch that began before one of them does not
 * commit after it: the response it brings may be older than the change.
 */
import { TTLCache } from '@isaacs/ttlcache'
import { searchVariation, withoutSearch } from '../policy/no-vary-search.ts'
import type { StoredResponse } from '../stored-response.ts'

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
    this.#byKey.set(pathOf(key), this.#generation)
  }

  markAll(): void {
    this.#allAt = ++this.#generation
  }

  /**
   * Whether something was invalidated after this generation that a response would answer for: its key, or, as it may
   * answer for other queries, any of the same path.
   */
  concern({ key, fields }: Pick<StoredResponse, 'key' | 'fields'>, generation: number): boolean {
    if (this.#allAt > generation || this.#isMarkedSince(key, generation)) return true
    return searchVariation(fields) !== undefined && this.#isMarkedSince(pathOf(key), generation)
  }

  close(): void {
    this.#byKey.cancelTimer()
  }

  #isMarkedSince(name: string, generation: number): boolean {
    return (this.#byKey.get(name) ?? 0) > generation
  }
}

/** A name that is no key's. */
function pathOf(key: string): string {
  return ` ${withoutSearch(key)}`
}
