/**
 * The common hit, found in a short way: a request that asks for nothing special, for what is fresh and in memory. It reads
 * few objects, which lie together: what a hit from memory costs is waiting for memory, more than computing.
 */
import type { CacheRequest, PolicySettings } from '../policy/cache-request.ts'
import { asksNothingSpecial } from '../policy/reuse.ts'
import type { Committer } from './committer.ts'
import type { Holdings } from './holdings.ts'
import type { Hit } from './lookup.ts'
import type { MemoryTier } from './memory-tier.ts'

export class HotLookup {
  readonly #memory: MemoryTier
  readonly #holdings: Holdings
  readonly #committer: Committer

  constructor(memory: MemoryTier, holdings: Holdings, committer: Committer) {
    this.#memory = memory
    this.#holdings = holdings
    this.#committer = committer
  }

  /** Counts the request when it is such a hit. Undefined where it is none: whatever it is then, the long way finds. */
  find(request: CacheRequest, settings: PolicySettings, now: number): Hit | undefined {
    const { catalogue } = this.#holdings
    if (!asksNothingSpecial(request) || this.#committer.underWay(request.key) !== undefined) return undefined
    const name = catalogue.nameOf(request)
    const hot = name === undefined ? undefined : this.#memory.peek(name)
    if (hot === undefined) return undefined
    const { stored } = hot
    if (!catalogue.isAt(hot.place, stored)) {
      hot.place = catalogue.placeOf(stored)
      if (!catalogue.isAt(hot.place, stored)) return undefined
    }
    const use = hot.useBy(settings)
    const age = use.ageAt(now)
    const ttl = use.ttlAt(now, age)
    if (ttl <= 0 || !this.#memory.hit(hot)) return undefined
    catalogue.countAt(hot.place, stored)
    return { outcome: 'hit', stored, hot, age, ttl, revalidate: false }
  }
}
