/** Counts what happens and publishes it: one place, so that the numbers and the events never differ. */
import { publish, type EvictionEvent, type ForwardReason, type ValidationEvent } from '../diagnostics.ts'
import { RememberedByText } from '../policy/remembered.ts'
import type { StoredResponse } from '../stored-response.ts'
import { RecentRatio } from './recent-ratio.ts'

/** Counts since the manager was opened. */
export interface Counts {
  /** Requests answered from the cache without asking the origin. */
  readonly hits: number
  /** Requests that went to the origin and could have been answered from the cache. */
  readonly misses: number
  /** The same by reason: the parameter `fwd` of RFC 9211 section 2.2. */
  readonly missesByReason: Readonly<Partial<Record<ForwardReason, number>>>
  /** Share of hits in hits and misses, from 0 to 1; undefined before the first. */
  readonly hitRatio: number | undefined
  /** The same over the last five minutes. */
  readonly recentHitRatio: number | undefined
  /** Requests answered by the response to another request that was under way. */
  readonly collapsed: number
  /** Requests that the cache let pass: not cacheable by method, or asking for something of their own. */
  readonly bypasses: number
  /** Stored responses validated: the origin answered 304. */
  readonly freshened: number
  /** Stored responses that the origin replaced when they were validated. */
  readonly replaced: number
  /** Responses stored. */
  readonly stores: number
  /** Responses from cacheable requests that were not stored, by rule or because the transfer did not end well. */
  readonly refusals: number
  /** Stored responses that were pushed out by others. */
  readonly evictions: number
  /** Faults of disk or index that a request did not notice. */
  readonly faults: number
  /** Bytes of stored bodies handed to callers. */
  readonly bytesServed: number
  /** Of these, those of bodies that are held in memory: see `maxMemory`. */
  readonly bytesFromMemory: number
  /** Bytes of bodies that came from origins through the cache. */
  readonly bytesFromNetwork: number
  /** Bytes of bodies stored. */
  readonly bytesStored: number
}

export class Statistics {
  #hits = 0
  #misses = 0
  #collapsed = 0
  #bypasses = 0
  #freshened = 0
  #replaced = 0
  #stores = 0
  #refusals = 0
  #evictions = 0
  #faults = 0
  readonly #reasons: Partial<Record<ForwardReason, number>> = {}
  readonly #recent = new RecentRatio()
  /** By key, however long that is. */
  readonly #lastRefusals = new RememberedByText<string>(Infinity)
  #bytesServed = 0
  #bytesFromMemory = 0
  #bytesFromNetwork = 0
  #bytesStored = 0

  counts(): Counts {
    return {
      hits: this.#hits,
      misses: this.#misses,
      missesByReason: { ...this.#reasons },
      hitRatio: this.#hits + this.#misses === 0 ? undefined : this.#hits / (this.#hits + this.#misses),
      recentHitRatio: this.#recent.value,
      collapsed: this.#collapsed,
      bypasses: this.#bypasses,
      freshened: this.#freshened,
      replaced: this.#replaced,
      stores: this.#stores,
      refusals: this.#refusals,
      evictions: this.#evictions,
      faults: this.#faults,
      bytesServed: this.#bytesServed,
      bytesFromMemory: this.#bytesFromMemory,
      bytesFromNetwork: this.#bytesFromNetwork,
      bytesStored: this.#bytesStored,
    }
  }

  /** `ttl` in seconds. */
  hit({ key, body }: StoredResponse, ttl: number): void {
    this.#hits++
    this.#recent.count(true)
    publish('hit', () => ({ key, size: body.size, ttl }))
  }

  served(bytes: number, from: 'memory' | 'disk'): void {
    this.#bytesServed += bytes
    if (from === 'memory') this.#bytesFromMemory += bytes
  }

  received(bytes: number): void {
    this.#bytesFromNetwork += bytes
  }

  forwarded(key: string, reason: ForwardReason): void {
    if (reason === 'bypass' || reason === 'method') this.#bypasses++
    else {
      this.#misses++
      this.#reasons[reason] = (this.#reasons[reason] ?? 0) + 1
      this.#recent.count(false)
    }
    publish('miss', () => ({ key, reason }))
  }

  collapsed(key: string, reason: ForwardReason): void {
    this.#collapsed++
    publish('collapse', () => ({ key, reason }))
  }

  validated(key: string, outcome: ValidationEvent['outcome']): void {
    if (outcome === 'freshened') this.#freshened++
    else this.#replaced++
    publish('validate', () => ({ key, outcome }))
  }

  stored(key: string, size: number): void {
    this.#stores++
    this.#bytesStored += size
    this.#lastRefusals.forget(key)
    publish('store', () => ({ key, size }))
  }

  refused(key: string, reason: string): void {
    this.#refusals++
    this.#lastRefusals.set(key, reason)
    publish('refuse', () => ({ key, reason }))
  }

  evicted(event: EvictionEvent): void {
    this.#evictions++
    publish('evict', () => event)
  }

  /** Why the last answer for a key was not stored, as far as that is remembered. */
  lastRefusal(key: string): string | undefined {
    return this.#lastRefusals.get(key)
  }

  fault(operation: string, error: unknown, key?: string): void {
    this.#faults++
    publish('error', () => ({ operation, error, ...(key === undefined ? {} : { key }) }))
  }
}
