/**
 * Which entries to keep, by number and by bytes: W-TinyLFU whose regions are ordered by greedy-dual value.
 *
 *   [1] Einziger, Friedman, Manes: "TinyLFU: A Highly Efficient Cache Admission Policy" (2017): sketch, window, contest
 *   [2] Einziger, Eytan, Friedman, Manes: "Lightweight Robust Size Aware Cache Management" (2022): the contest by size
 *   frequency-sketch.ts, regions.ts, pricing.ts, contest.ts and adaptation.ts name the papers of their parts
 *
 *                 window, 2 to 99 %, as it earns                       main
 *              ┌──────────────────────────────┐         ┌────────────────────────────────────┐
 *              │ value ≥ 2^k+1  ●─○─○─○ ◀ hit │  least  │ value ≥ 2^k+1  ●─○─○─○─○─○─○ ◀ hit │
 *     set ───▶ │ value ≥ 2^k    ●─○─○─○─○─○   │ ──────▶ │ value ≥ 2^k    ●─○─○─○             │
 *              │ value ≥ 2^k-1  ●─○─○         │ contest │ value ≥ 2^k-1  ●─○─○─○─○─○         │
 *              └──────────────────────────────┘    │    └────────────────┬───────────────────┘
 *                         rejected ◀── worth less ─┴─ worth more ──▶ victims: the least of ●, and again
 *
 * A new entry enters the window. What the window cannot hold is a candidate for main: while there is room it walks in;
 * otherwise it must be worth more than what it would push out, by the frequencies of the sketch, and one side goes. A
 * hit gives an entry a new place in its region, by its value. Textbook W-TinyLFU splits main in probation and protected;
 * here the lists do that by degrees: what was asked for once stands in the low ones, what was asked for often higher.
 *
 * Entries are slots here; keys and values are the business of metadata-index.ts.
 */
import { Adaptation } from './adaptation.ts'
import { Bounds } from './bounds.ts'
import { Eviction } from './eviction.ts'
import { FrequencySketch } from './frequency-sketch.ts'
import { Pricing } from './pricing.ts'
import type { Goal } from './pricing.ts'
import { EXPIRED, FIRST_LIST, MAIN, Regions, slotsOf, WINDOW } from './regions.ts'
import type { Region } from './regions.ts'
import { rankingOf, type Standing } from './ranking.ts'
import { SlotTable } from './slot-table.ts'

/**
 * Hits that may wait. What they touch is scattered over memory; taken one after the other in short loops, the processor
 * fetches for several at once. At 100,000 entries a hit then costs half as much above the look-up of its key.
 */
const HIT_BUFFER = 64
/**
 * An entry asked for so often that still has nearly all its value does not move for a hit: it would rise by an eighth at
 * most, and its next hits say the same.
 */
const OFTEN = 16
/**
 * Of an entry asked for more often still, only every fourth hit is looked at, and stands for four; the others only count.
 * From 32 on that costs 0.02 points of hit ratio. From 8 on it costs up to 2 points in caches of few entries, where each
 * place counts, and 0.03 in those of more than 32,768, where a hit that touches nothing but a count saves most.
 */
const SAMPLED_HITS = 4
const SAMPLED_FROM = 32
const SAMPLED_FROM_IN_LARGE = 8
const LARGE_ENTRY_COUNT = 32_768
/** The window follows the workload only once the cache is nearly full: before that nothing competes. */
const NEARLY_FULL = 0.9
/** Without a bound for bytes a place costs this: more than any entry's bytes, so that all entries cost the same. */
const MOST_PLACE_COST = 2 ** 53

/** Slots in the order of eviction, and what of each goes into a snapshot. */
export class PlacedSlots {
  readonly #table: SlotTable

  constructor(table: SlotTable) {
    this.#table = table
  }

  *[Symbol.iterator](): Generator<number, void, void> {
    for (const region of [EXPIRED, WINDOW, MAIN] as const) yield* slotsOf(this.#table, region)
  }

  /** List and flags. */
  placeOf(slot: number): number {
    return this.#table.place(slot)
  }

  priorityOf(slot: number): number {
    return this.#table.priority(slot)
  }
}

export interface PolicyState {
  readonly numbers: readonly number[]
  readonly counters: Int32Array
}

export class WTinyLfu {
  readonly sketch: FrequencySketch = new FrequencySketch()
  readonly #pricing: Pricing
  readonly #adaptation: Adaptation = new Adaptation()
  readonly #table: SlotTable = new SlotTable()
  readonly #regions: Regions = new Regions(this.#table)
  readonly bounds: Bounds = new Bounds(this.#regions, this.#adaptation)
  readonly eviction: Eviction
  readonly #hits: Int32Array = new Int32Array(HIT_BUFFER)
  readonly #frequencies: Int32Array = new Int32Array(HIT_BUFFER)
  #hitCount = 0
  /** Those that wait, and those that only counted. */
  #hitsPassed = 0

  constructor(goal: Goal, random: () => number) {
    this.#pricing = new Pricing(this.#table, goal, this.#adaptation.exponent)
    this.eviction = new Eviction({
      table: this.#table,
      regions: this.#regions,
      bounds: this.bounds,
      pricing: this.#pricing,
      adaptation: this.#adaptation,
      random,
    })
  }

  get capacity(): number {
    return this.#table.capacity
  }

  get windowShare(): number {
    return this.#adaptation.windowShare
  }

  get exponent(): number {
    return this.#adaptation.exponent
  }

  setBounds(maxEntries: number, maxWeight: number): void {
    this.#takeHits()
    this.bounds.set(maxEntries, maxWeight)
  }

  // What happens to entries

  /** A request for a key that is not held. */
  miss(hash: number): void {
    this.#takeHits()
    this.sketch.increment(hash)
    this.#age(1)
    if (this.#adaptation.countRequests(1, this.bounds.count)) this.#adapt()
  }

  /**
   * A request for an entry: counts it and what the entry earned, and gives it a new place. Expired ones stay. All that
   * may wait until something else is done or the buffer is full.
   */
  hit(slot: number): void {
    const frequency = this.#table.countRequest(slot)
    if (!this.#isSampled(frequency) || frequency % SAMPLED_HITS === 0) {
      this.#hits[this.#hitCount] = slot
      this.#frequencies[this.#hitCount++] = frequency
    }
    if (++this.#hitsPassed === HIT_BUFFER) this.#takeHits()
  }

  /** Everything held, roughly coldest first, as it is now: entries may come and go before it has been read. */
  slots(): PlacedSlots {
    this.#takeHits()
    return new PlacedSlots(this.#table.copy())
  }

  /** Everything held, each region in the order of eviction: see `MetadataIndex.ranking`. */
  ranking(): Standing[] {
    this.#takeHits()
    return rankingOf(this.#regions, this.#table)
  }

  weightOf(slot: number): number {
    return this.#table.weight(slot)
  }

  /** A short loop, so that the misses of the processor's cache overlap: see HIT_BUFFER. */
  #takeHits(): void {
    const passed = this.#hitsPassed
    if (passed === 0) return
    const count = this.#hitCount
    this.#hitsPassed = 0
    this.#hitCount = 0
    this.sketch.pass(passed)
    this.#age(passed)
    for (let i = 0; i < count; i++) this.#takeHit(this.#hits[i] as number, this.#frequencies[i] as number)
    if (this.#adaptation.countRequests(passed, this.bounds.count)) this.#adapt()
  }

  #isSampled(frequency: number): boolean {
    if (frequency < SAMPLED_FROM_IN_LARGE) return false
    return frequency >= SAMPLED_FROM || this.bounds.count > LARGE_ENTRY_COUNT
  }

  #takeHit(slot: number, frequency: number): void {
    const region = this.#regions.regionOf(slot)
    if (region === EXPIRED) return
    const weight = this.#table.weight(slot)
    const hits = this.#isSampled(frequency) ? SAMPLED_HITS : 1
    this.#pricing.observe(weight, hits)
    this.#adaptation.countHits(region === WINDOW, hits)
    if (frequency >= OFTEN && this.#regions.isFresh(slot)) return
    const elapsed = this.#regions.lastPart(slot) - this.#regions.remaining(slot)
    if (elapsed > 0) {
      const stay = elapsed * this.#pricing.cost(weight)
      this.#adaptation.countLateHit(this.#regions.levelOf(slot), stay, this.#pricing.benefit(weight))
    }
    this.#regions.touch(slot, this.#pricing.value(weight, frequency))
  }

  /** What was popular once is forgotten: by the sketch, and by what is held in step with it. */
  #age(requests: number): void {
    if (this.sketch.isAging) this.#table.age(this.sketch.age(requests))
  }

  /** A new entry, in the window. The bounds may be exceeded until `evict`. */
  add(hash: number, weight: number): number {
    this.#takeHits()
    const slot = this.#table.allocate(hash, this.bounds.maxEntries + 1)
    this.#table.setWeight(slot, weight)
    this.#table.setFrequency(slot, Math.max(1, this.sketch.estimate(hash)))
    this.#pricing.observe(weight, 1)
    this.#place(slot, WINDOW)
    this.sketch.fit(this.bounds.count)
    return slot
  }

  /** Another weight for an entry, which can be used again if it was expired. Its region and history stay. */
  reweigh(slot: number, weight: number): void {
    this.#takeHits()
    const region = this.#homeOf(slot)
    this.#regions.remove(slot)
    this.#table.setWeight(slot, weight)
    this.#place(slot, region)
  }

  expire(slot: number): void {
    this.#takeHits()
    const region = this.#regions.regionOf(slot)
    if (region === EXPIRED) return
    this.#regions.remove(slot)
    this.#table.setHomeMain(slot, region === MAIN)
    this.#regions.insert(slot, EXPIRED, 1)
  }

  /** Takes an expired entry back to where it came from. */
  revive(slot: number): void {
    this.#takeHits()
    if (this.#regions.regionOf(slot) === EXPIRED) this.reweigh(slot, this.#table.weight(slot))
  }

  remove(slot: number): void {
    this.#takeHits()
    this.#handBack(slot)
    this.#regions.remove(slot)
    this.#table.free(slot)
  }

  /** Lets go of all entries. What they were asked for is remembered, as when they go one by one. */
  clear(): void {
    for (const slot of this.slots()) this.#handBack(slot)
    this.#letGo()
  }

  #letGo(): void {
    this.#hitCount = 0
    this.#hitsPassed = 0
    this.#table.clear()
    this.#regions.clear()
  }

  /** The sketch counts on from what the entry counted for itself. Its first request was a miss, which the sketch knows. */
  #handBack(slot: number): void {
    const frequency = this.#table.frequency(slot)
    if (frequency > 1) this.sketch.raise(this.#table.hash(slot), frequency)
  }

  /** Whether a new entry would be kept now. Nothing changes. */
  wouldAdmit(hash: number, weight: number): boolean {
    this.#takeHits()
    return this.eviction.wouldKeep(weight, Math.max(1, this.sketch.estimate(hash)))
  }

  #homeOf(slot: number): Region {
    const region = this.#regions.regionOf(slot)
    if (region === EXPIRED) return this.#table.isHomeMain(slot) ? MAIN : WINDOW
    return region === MAIN ? MAIN : WINDOW
  }

  #place(slot: number, region: Region): void {
    this.#regions.insert(slot, region, this.#pricing.valueAt(slot))
  }

  // Adaptation

  #adapt(): void {
    const { maxEntries, maxWeight, isByCount } = this.bounds
    this.#pricing.setPlaceCost(isByCount ? Math.min(MOST_PLACE_COST, maxWeight / Math.max(1, maxEntries)) : 0)
    if (!(this.bounds.fill >= NEARLY_FULL)) return
    this.#adaptation.step(this.bounds.shareOf(WINDOW), this.bounds.shareOf(MAIN))
    this.#pricing.setExponent(this.#adaptation.exponent)
  }

  // Snapshot

  save(): PolicyState {
    this.#takeHits()
    this.#age(Infinity)
    const { requests, meanWeight, meanCost, placeCost } = this.#pricing.save()
    const clocks = [WINDOW, MAIN, EXPIRED].map((region) => this.#regions.clock(region as Region))
    const numbers = [
      this.sketch.additions,
      this.sketch.sampleSize,
      requests,
      meanWeight,
      meanCost,
      placeCost,
      ...clocks,
      ...this.#adaptation.save(),
    ]
    return { numbers, counters: this.sketch.table.slice() }
  }

  /** An entry with the place that it had. */
  put(hash: number, weight: number, place: number, priority: number): number {
    const slot = this.#table.allocate(hash, this.bounds.maxEntries + 1)
    const { list, isHomeMain, frequency } = SlotTable.unpack(place)
    this.#table.setWeight(slot, weight)
    this.#table.setHomeMain(slot, isHomeMain)
    this.#table.setFrequency(slot, frequency)
    this.#regions.insertAt(slot, Math.max(list, FIRST_LIST), priority)
    return slot
  }

  /** False, and nothing changed, if the state makes no sense. Lets go of all entries. */
  restore({ numbers, counters }: PolicyState, entries: number): boolean {
    const [additions = 0, sampleSize = 0, requests = 0, meanWeight = 0, meanCost = 0, placeCost = 0, ...rest] = numbers
    if (!this.sketch.restore(counters, additions, sampleSize)) return false
    this.#letGo()
    this.#table.reserve(Math.min(entries, this.bounds.maxEntries))
    this.#pricing.restore({ requests, meanWeight, meanCost, placeCost })
    for (const region of [WINDOW, MAIN, EXPIRED] as const) this.#regions.setClock(region, rest[region - 1] ?? 0)
    this.#adaptation.restore(rest.slice(3))
    this.#pricing.setExponent(this.#adaptation.exponent)
    return true
  }
}
