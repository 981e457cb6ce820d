/**
 * The common hit, found in a short way: a request that asks for nothing special, for what is fresh. It reads few objects:
 * where the body is in memory, a hit's cost is waiting for memory, more than computing.
 */
import type { CacheRequest, PolicySettings } from '../policy/cache-request.ts'
import { asksNothingSpecial } from '../policy/reuse.ts'
import type { Committer } from './committer.ts'
import type { Holdings } from './holdings.ts'
import type { Hit } from './lookup.ts'
import type { MemoryTier } from './memory-tier.ts'

export class QuickLookup {
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
    if (name === undefined) return undefined
    const known = this.#memory.peek(name)
    const place =
      known !== undefined && catalogue.at(known.place) === known.stored ? known.place : catalogue.placeOf(name)
    const stored = catalogue.at(place)
    if (stored === undefined) return undefined
    const use = catalogue.useAt(place, stored, settings)
    const age = use.ageAt(now)
    const ttl = use.ttlAt(now, age)
    if (ttl <= 0) return undefined
    catalogue.countAt(place, stored)
    const hot = this.#memory.get(stored, name, known)
    if (hot !== undefined) hot.place = place
    return { outcome: 'hit', stored, hot, age, ttl, revalidate: false }
  }
}
