/**
 * The index: keys and values of what is held, within two bounds, entries and bytes. What goes and what stays is decided
 * in w-tinylfu.ts, which see for the design and its papers.
 *
 * No I/O, clock, timer or callback: `set` and `resize` return what had to go, and the caller acts. Numbers lie in typed
 * arrays (slot-table.ts). A million entries cost about 79 bytes each beside key and value: a place in a Map (29), two
 * references (16), a slot (25) and counters in the sketch (8).
 */
import { checkBound, checkedWeight } from './bounds.ts'
import { hashKey } from './key-hash.ts'
import type { Goal } from './pricing.ts'
import { SlotList } from './slot-list.ts'
import { PLACE_WORDS, readSnapshot } from './snapshot.ts'
import { WTinyLfu } from './w-tinylfu.ts'
import type { RegionName } from './ranking.ts'
import { IndexSnapshot } from './index-snapshot.ts'
export type { Goal } from './pricing.ts'

export type EvictionReason =
  | 'size' // the bytes were needed
  | 'count' // the place was needed
  | 'rejected' // heavier than all that may be held, or worth less than what it would have pushed out
  | 'replaced' // another value came for the same key
  | 'expired' // could no longer be used, and room was needed

export interface Evicted<V> {
  readonly key: string
  readonly value: V
  readonly weight: number
  readonly reason: EvictionReason
}

export interface IndexEntry<V> {
  readonly key: string
  readonly value: V
  readonly weight: number
}

type EntryAt<V> = (position: number) => IndexEntry<V> | undefined

/** An entry and what it stands on. */
export interface RankedEntry<V> extends IndexEntry<V> {
  /** `window`: a newcomer, judged when it leaves. `main`: has been let in. `expired`: goes before any other. */
  readonly region: RegionName
  /** Requests counted for it, 63 at most, halved as time goes by. */
  readonly frequency: number
}

export interface IndexBounds {
  /** Entries held at most, 0 or more. Above 16,000,000, which is what a Map can hold, it means that. */
  readonly maxEntries: number
  /** Sum of the weights held at most, in bytes, 0 or more. Infinity for no bound. */
  readonly maxWeight: number
}

export interface MetadataIndexOptions extends IndexBounds {
  /** The hit ratio to favour. Default: balanced. */
  readonly goal?: Goal
  /** Chance, for the sketch's seed and for admission against the rule: numbers from 0 to 1, 1 excluded. */
  readonly random?: () => number
}

/** V8's Map stops at 2^24. */
const MOST_ENTRIES = 16_000_000
/** Entries that are restored in a fraction of a millisecond. */
const ENTRIES_PER_STEP = 256
const NOTHING: readonly never[] = Object.freeze([])

export class MetadataIndex<V> {
  readonly #policy: WTinyLfu
  readonly #gone: SlotList = new SlotList()
  #slots: Map<string, number> = new Map()
  /** By slot; undefined for a slot that is not in use. */
  #keys: (string | undefined)[] = []
  #values: (V | undefined)[] = []
  #seed: number
  /** The last key that was asked for and not held, with its hash: most likely what is stored next. */
  #missedKey = ''
  #missedHash = 0

  constructor(options: MetadataIndexOptions) {
    const random = options.random ?? Math.random
    this.#policy = new WTinyLfu(options.goal ?? 'balanced', random)
    this.#seed = (random() * 2 ** 32) | 0
    this.#setBounds(options)
  }

  get entryCount(): number {
    return this.#slots.size
  }

  /** Sum of the weights held, in bytes. */
  get weight(): number {
    return this.#policy.bounds.weight
  }

  get maxEntries(): number {
    return this.#policy.bounds.maxEntries
  }

  get maxWeight(): number {
    return this.#policy.bounds.maxWeight
  }

  /** The share of both bounds that the window may have now: it follows the workload. */
  get windowShare(): number {
    return this.#policy.windowShare
  }

  /** One request for a key: it is counted whether or not the key is held, and a held entry gets a new place. */
  get(key: string): V | undefined {
    const slot = this.slotOf(key)
    if (slot === 0) this.miss(key)
    else this.hit(slot)
    return this.at(slot)
  }

  /** The value of a key. Counts and moves nothing. */
  peek(key: string): V | undefined {
    return this.at(this.slotOf(key))
  }

  /** Where the value of a key is: for `at` and `hit`, which take less time than looking for the key. 0 if not held. */
  slotOf(key: string): number {
    return this.#slots.get(key) ?? 0
  }

  /** What is in a slot now: what was there may have gone, and others have come. */
  at(slot: number): V | undefined {
    return this.#values[slot]
  }

  /** One request for the entry in a slot that is in use. */
  hit(slot: number): void {
    this.#policy.hit(slot)
  }

  /** One request for a key that is not held. */
  miss(key: string): void {
    this.#missedKey = key
    this.#missedHash = hashKey(key, this.#seed)
    this.#policy.miss(this.#missedHash)
  }

  /**
   * Holds a value. Returns what had to go, which may be the entry itself: reason `rejected`. Not a request: nothing is
   * counted. A replaced entry keeps its history and its region, and can be used again if it was expired.
   */
  set(key: string, value: V, weight: number): readonly Evicted<V>[] {
    const bytes = checkedWeight(weight)
    const wasMissed = key === this.#missedKey && key !== ''
    const held = wasMissed ? undefined : this.#slots.get(key)
    if (held !== undefined) return this.#replace(held, key, value, bytes)
    if (!this.#policy.bounds.fitsAlone(bytes)) return [{ key, value, weight: bytes, reason: 'rejected' }]
    const slot = this.#policy.add(wasMissed ? this.#missedHash : hashKey(key, this.#seed), bytes)
    this.#missedKey = ''
    this.#slots.set(key, slot)
    this.#keep(slot, key, value)
    return this.#evict(slot)
  }

  /**
   * Another value for the same body, such as freshened metadata: weight, place and history stay, and nothing is counted.
   * An expired entry can be used again. False if the key is not held.
   */
  update(key: string, value: V): boolean {
    const slot = this.#slots.get(key)
    if (slot === undefined) return false
    this.#values[slot] = value
    this.#policy.revive(slot)
    return true
  }

  delete(key: string): V | undefined {
    const slot = this.#slots.get(key)
    if (slot === undefined) return undefined
    const value = this.#values[slot]
    this.#forget(slot, key)
    return value
  }

  /** Notes that an entry can no longer be used: it goes before any other, and is held until then. False if not held. */
  expire(key: string): boolean {
    const slot = this.#slots.get(key)
    if (slot === undefined) return false
    this.#policy.expire(slot)
    return true
  }

  /**
   * Whether `set` would keep an entry of this weight now. Changes nothing, so that it can be asked before a body of
   * declared length is written. An entry that is held keeps its place, if the new weight can be held at all.
   */
  wouldAdmit(key: string, weight: number): boolean {
    const bytes = checkedWeight(weight)
    if (!this.#policy.bounds.fitsAlone(bytes)) return false
    if (key === this.#missedKey && key !== '') return this.#policy.wouldAdmit(this.#missedHash, bytes)
    return this.#slots.has(key) || this.#policy.wouldAdmit(hashKey(key, this.#seed), bytes)
  }

  /** Other bounds. Returns what had to go to keep them. */
  resize(bounds: Partial<IndexBounds>): readonly Evicted<V>[] {
    this.#setBounds({ maxEntries: bounds.maxEntries ?? this.maxEntries, maxWeight: bounds.maxWeight ?? this.maxWeight })
    return this.#evict(0)
  }

  /** Lets go of all entries and their memory. What was learned of the workload stays. */
  clear(): void {
    this.#policy.clear()
    this.#slots = new Map()
    this.#keys = []
    this.#values = []
  }

  /**
   * Everything held, roughly coldest first: expired, then window, then main, each from low values to high. Entries that
   * go meanwhile are left out; entries that come meanwhile may be.
   */
  *entries(): Generator<IndexEntry<V>, void, void> {
    for (const slot of this.#policy.slots()) {
      const key = this.#keys[slot]
      if (key === undefined) continue
      yield { key, value: this.#values[slot] as V, weight: this.#policy.weightOf(slot) }
    }
  }

  /**
   * Everything held with what its stay depends on: expired, then main, each in the order in which they would go now;
   * then the window, oldest first, of which each is weighed against the first of main when its place is needed.
   */
  *ranking(): Generator<RankedEntry<V>, void, void> {
    for (const { slot, region, frequency } of this.#policy.ranking()) {
      const key = this.#keys[slot]
      if (key === undefined) continue
      yield { key, value: this.#values[slot] as V, weight: this.#policy.weightOf(slot), region, frequency }
    }
  }

  /** Everything held, in which order, what was asked for, what was learned: see snapshot.ts. It is of this moment. */
  snapshot(): IndexSnapshot<V> {
    const policy = this.#policy.save()
    const numbers = [this.#seed, ...policy.numbers]
    return new IndexSnapshot({ ...policy, numbers }, this.#policy.slots(), this.#values.slice(), this.entryCount)
  }

  /**
   * Takes the place of everything held and learned. `entryAt` gives each entry by its position in the snapshot's values;
   * those that it does not give are left out, and so is what does not fit the bounds: compare `entries()` afterwards.
   * False, and nothing changed, if the snapshot is of another version or damaged.
   */
  restore(state: Uint8Array, entryAt: EntryAt<V>): boolean {
    const steps = this.restoring(state, entryAt)
    for (;;) {
      const { done, value } = steps.next()
      if (done === true) return value
    }
  }

  /** The same in steps of a fraction of a millisecond. Until the last one the index is good for nothing else. */
  *restoring(state: Uint8Array, entryAt: EntryAt<V>): Generator<void, boolean, void> {
    const content = readSnapshot(state)
    if (content === undefined) return false
    yield
    const { counters, places } = content
    const [seed = 0, ...numbers] = content.numbers
    if (!this.#policy.restore({ numbers, counters }, places.length / PLACE_WORDS)) return false
    this.#slots = new Map()
    this.#keys = []
    this.#values = []
    this.#seed = seed
    this.#missedKey = ''
    for (let i = 0; i * PLACE_WORDS < places.length; i++) {
      if (i % ENTRIES_PER_STEP === 0) yield
      const entry = entryAt(i)
      if (entry === undefined) continue
      const at = i * PLACE_WORDS
      this.#restoreEntry(entry, places[at] as number, places[at + 1] as number)
    }
    // Where all fits, it is to be as it was: a window that was over its share waits for the next entry, as it did.
    if (this.#policy.bounds.isOver) this.#evict(0)
    return true
  }

  #restoreEntry({ key, value, weight }: IndexEntry<V>, place: number, priority: number): void {
    const bytes = checkedWeight(weight)
    if (this.#slots.has(key) || !this.#policy.bounds.fitsAlone(bytes)) return
    const slot = this.#policy.put(hashKey(key, this.#seed), bytes, place, priority)
    this.#slots.set(key, slot)
    this.#keep(slot, key, value)
  }

  #replace(slot: number, key: string, value: V, weight: number): readonly Evicted<V>[] {
    const before: Evicted<V> = this.#report(slot, 'replaced')
    if (!this.#policy.bounds.fitsAlone(weight)) {
      this.#forget(slot, key)
      return [before, { key, value, weight, reason: 'rejected' }]
    }
    this.#values[slot] = value
    this.#policy.reweigh(slot, weight)
    return [before, ...this.#evict(slot)]
  }

  /** Evicts until all bounds hold. `set` is the slot that was just put in: if it goes itself, it was rejected. */
  #evict(set: number): readonly Evicted<V>[] {
    const gone = this.#gone
    let evicted: Evicted<V>[] | undefined
    for (let steps = 0; ; steps++) {
      gone.clear()
      const reason = this.#policy.eviction.evict(set, steps, gone)
      if (reason === undefined) return evicted ?? NOTHING
      for (let i = 0; i < gone.length; i++) {
        const slot = gone.at(i)
        const report = this.#report(slot, slot === set ? 'rejected' : reason)
        if (evicted === undefined) evicted = [report]
        else evicted.push(report)
        this.#forget(slot, report.key)
      }
    }
  }

  #report(slot: number, reason: EvictionReason): Evicted<V> {
    const weight = this.#policy.weightOf(slot)
    return { key: this.#keys[slot] as string, value: this.#values[slot] as V, weight, reason }
  }

  /** Both arrays grow with the slot table and no faster: growing by themselves they would take half as much again. */
  #keep(slot: number, key: string, value: V): void {
    if (slot >= this.#keys.length) {
      this.#keys.length = this.#policy.capacity
      this.#values.length = this.#policy.capacity
    }
    this.#keys[slot] = key
    this.#values[slot] = value
  }

  #forget(slot: number, key: string): void {
    this.#policy.remove(slot)
    this.#slots.delete(key)
    this.#keys[slot] = undefined
    this.#values[slot] = undefined
  }

  #setBounds({ maxEntries, maxWeight }: IndexBounds): void {
    checkBound('maxEntries', maxEntries)
    checkBound('maxWeight', maxWeight)
    this.#policy.setBounds(Math.min(maxEntries, MOST_ENTRIES), maxWeight)
  }
}
