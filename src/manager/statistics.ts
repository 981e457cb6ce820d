/** Counts what happens and publishes it: one place, so that the numbers and the events never differ. */
import { publish, type EvictionEvent, type ForwardReason, type HitEvent, type ValidationEvent } from '../diagnostics.ts'

/** Counts since the manager was opened. */
export interface Counts {
  /** Requests answered from the cache without asking the origin. */
  readonly hits: number
  /** Requests that went to the origin and could have been answered from the cache. */
  readonly misses: number
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
  #bytesServed = 0
  #bytesStored = 0

  counts(): Counts {
    return {
      hits: this.#hits,
      misses: this.#misses,
      collapsed: this.#collapsed,
      bypasses: this.#bypasses,
      freshened: this.#freshened,
      replaced: this.#replaced,
      stores: this.#stores,
      refusals: this.#refusals,
      evictions: this.#evictions,
      faults: this.#faults,
      bytesServed: this.#bytesServed,
      bytesStored: this.#bytesStored,
    }
  }

  hit(build: () => HitEvent): void {
    this.#hits++
    publish('hit', build)
  }

  served(bytes: number): void {
    this.#bytesServed += bytes
  }

  forwarded(key: string, reason: ForwardReason): void {
    if (reason === 'bypass' || reason === 'method') this.#bypasses++
    else this.#misses++
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
    publish('store', () => ({ key, size }))
  }

  refused(key: string, reason: string): void {
    this.#refusals++
    publish('refuse', () => ({ key, reason }))
  }

  evicted(event: EvictionEvent): void {
    this.#evictions++
    publish('evict', () => event)
  }

  fault(operation: string, error: unknown, key?: string): void {
    this.#faults++
    publish('error', () => ({ operation, error, ...(key === undefined ? {} : { key }) }))
  }
}
