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
import { Adaptation, FREQUENT } from './adaptation.ts'
import { Contest } from './contest.ts'
import { FrequencySketch } from './frequency-sketch.ts'
import { Pricing } from './pricing.ts'
import type { Goal } from './pricing.ts'
import { EXPIRED, FIRST_LIST, MAIN, Regions, WINDOW } from './regions.ts'
import type { Region } from './regions.ts'
import { SlotTable } from './slot-table.ts'

/** Why an entry had to go, as far as this file decides it. */
export type Departure = 'size' | 'count' | 'rejected' | 'expired'

/**
 * Hits that may wait. What they touch is scattered over memory; taken one after the other in short loops, the processor
 * fetches for several at once. At 100,000 entries a hit then costs half as much above the look-up of its key.
 */
const HIT_BUFFER = 64
/** The window follows the workload only once the cache is nearly full: before that nothing competes. */
const NEARLY_FULL = 0.9
/** Without a bound for bytes a place costs this: more than any entry's bytes, so that all entries cost the same. */
const MOST_PLACE_COST = 2 ** 53

/** Where an entry stands: its hash, its list and flags, its priority there. */
export interface Place {
  readonly hash: number
  readonly place: number
  readonly priority: number
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
  readonly #contest: Contest
  readonly #hits: Int32Array = new Int32Array(HIT_BUFFER)
  readonly #frequencies: Int32Array = new Int32Array(HIT_BUFFER)
  #hitCount = 0
  #maxEntries = 0
  #maxWeight = 0

  constructor(goal: Goal, random: () => number) {
    this.#pricing = new Pricing(goal, this.#adaptation.exponent)
    this.#contest = new Contest(this.#table, this.#regions, this.#pricing, this.sketch, random)
  }

  get count(): number {
    return this.#regions.count(WINDOW) + this.#regions.count(MAIN) + this.#regions.count(EXPIRED)
  }

  get weight(): number {
    return this.#regions.weight(WINDOW) + this.#regions.weight(MAIN) + this.#regions.weight(EXPIRED)
  }

  get maxEntries(): number {
    return this.#maxEntries
  }

  get maxWeight(): number {
    return this.#maxWeight
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
    this.#maxEntries = maxEntries
    this.#maxWeight = maxWeight
  }

  // What happens to entries

  /** A request for a key that is not held. */
  miss(hash: number): void {
    this.#takeHits()
    this.#countRequest()
    this.sketch.increment(hash)
  }

  /**
   * A request for an entry: counts it and what the entry earned, and gives it a new place. Expired ones stay. All that
   * may wait until something else is done or the buffer is full.
   */
  hit(slot: number): void {
    this.#hits[this.#hitCount++] = slot
    if (this.#hitCount === HIT_BUFFER) this.#takeHits()
  }

  /** Everything held, roughly coldest first. The slots as they are now: the caller may remove some meanwhile. */
  slots(): number[] {
    this.#takeHits()
    const regions = [EXPIRED, WINDOW, MAIN] as const
    return regions.flatMap((region) => [...this.#regions.slots(region)])
  }

  weightOf(slot: number): number {
    return this.#table.weight(slot)
  }

  /** What of an entry goes into a snapshot. */
  placeOf(slot: number): Place {
    const table = this.#table
    return { hash: table.hash(slot), place: table.place(slot), priority: table.priority(slot) }
  }

  /** Three short loops, so that the misses of the processor's cache overlap within each: see HIT_BUFFER. */
  #takeHits(): void {
    const count = this.#hitCount
    const hits = this.#hits
    const frequencies = this.#frequencies
    const table = this.#table
    this.#hitCount = 0
    for (let i = 0; i < count; i++) frequencies[i] = table.hash(hits[i] as number)
    for (let i = 0; i < count; i++) frequencies[i] = this.sketch.increment(frequencies[i] as number)
    for (let i = 0; i < count; i++) this.#takeHit(hits[i] as number, frequencies[i] as number)
  }

  #takeHit(slot: number, frequency: number): void {
    this.#countRequest()
    const region = this.#regions.regionOf(slot)
    if (region === EXPIRED) return
    const weight = this.#table.weight(slot)
    this.#pricing.observe(weight)
    this.#adaptation.countHit(region === WINDOW)
    const elapsed = this.#regions.lastPart(slot) - this.#regions.remaining(slot)
    if (elapsed > 0) {
      const stay = elapsed * this.#pricing.cost(weight)
      this.#adaptation.countLateHit(this.#table.isFrequent(slot), stay, this.#pricing.benefit(weight))
    }
    this.#regions.touch(slot, this.#pricing.value(weight, frequency), frequency >= FREQUENT)
  }

  /** A new entry, in the window. The bounds may be exceeded until `evict`. */
  add(hash: number, weight: number): number {
    this.#takeHits()
    const slot = this.#table.allocate(hash, this.#maxEntries + 1)
    this.#table.setWeight(slot, weight)
    this.#pricing.observe(weight)
    this.#place(slot, WINDOW)
    this.sketch.fit(this.count)
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
    this.#regions.insert(slot, EXPIRED, 1, false)
  }

  /** Takes an expired entry back to where it came from. */
  revive(slot: number): void {
    this.#takeHits()
    if (this.#regions.regionOf(slot) === EXPIRED) this.reweigh(slot, this.#table.weight(slot))
  }

  remove(slot: number): void {
    this.#takeHits()
    this.#regions.remove(slot)
    this.#table.free(slot)
  }

  clear(): void {
    this.#hitCount = 0
    this.#table.clear()
    this.#regions.clear()
  }

  // Who has to go

  /** Whether an entry of this weight could be held if it were alone. */
  fitsAlone(weight: number): boolean {
    return this.#maxEntries >= 1 && weight <= this.#maxWeight
  }

  /**
   * One more step towards both bounds and the window's: names slots that must go, which the caller removes before it
   * asks again, until `isSettled`. `set` is the slot that the caller has just put in, or 0.
   */
  evict(set: number, gone: number[]): Departure {
    const isOver = this.isOver()
    if (isOver && this.#regions.count(EXPIRED) > 0)
      return this.#goes(EXPIRED, this.#regions.least(EXPIRED), gone, 'expired')
    const reason = this.#regions.count(MAIN) + this.#regions.count(WINDOW) > this.#maxEntries ? 'count' : 'size'
    if (this.#isWindowOver()) return this.#offer(this.#candidate(set), isOver, gone, reason)
    const region = this.#regions.count(MAIN) > 0 ? MAIN : WINDOW
    return this.#goes(region, this.#regions.least(region), gone, reason)
  }

  get isSettled(): boolean {
    return !this.isOver() && !this.#isWindowOver()
  }

  isOver(): boolean {
    return this.count > this.#maxEntries || this.weight > this.#maxWeight
  }

  /** Whether a new entry of this weight would be kept now. Chance is left out, and nothing changes. */
  wouldAdmit(hash: number, weight: number): boolean {
    this.#takeHits()
    const missingPlaces = this.count + 1 - this.#maxEntries - this.#regions.count(EXPIRED)
    const missingBytes = this.weight + weight - this.#maxWeight - this.#regions.weight(EXPIRED)
    if (missingPlaces <= 0 && missingBytes <= 0) return true
    const frequency = Math.max(1, this.sketch.estimate(hash))
    if (!this.#wouldLeaveWindow(weight, frequency)) return true
    return this.#contest.isWorth(this.#pricing.worth(weight, frequency), missingPlaces, missingBytes)
  }

  #candidate(set: number): number {
    // What is too heavy for the window as a whole stands for itself at once, or it would flush the window first.
    const isTooHeavy = set !== 0 && this.#table.weight(set) > this.#windowWeight()
    return isTooHeavy && this.#regions.regionOf(set) === WINDOW ? set : this.#regions.least(WINDOW)
  }

  /** Offers the window's candidate to main. Names the side that must go, if any. */
  #offer(candidate: number, isOver: boolean, gone: number[], reason: Departure): Departure {
    this.#regions.advanceClock(WINDOW, candidate)
    if (!isOver) {
      this.#move(candidate, MAIN)
      return reason
    }
    if (this.#contest.isWon(candidate, this.count - this.#maxEntries, this.weight - this.#maxWeight)) {
      for (const victim of this.#contest.victims) this.#goes(MAIN, victim, gone, reason)
      this.#move(candidate, MAIN)
      return reason
    }
    // Those that stood against it are priced anew, or the same few would stand in the way of every candidate.
    for (const victim of this.#contest.victims) this.#move(victim, MAIN)
    return this.#goes(WINDOW, candidate, gone, 'rejected')
  }

  #wouldLeaveWindow(weight: number, frequency: number): boolean {
    if (weight > this.#windowWeight()) return true
    const isOver =
      this.#regions.count(WINDOW) + 1 > this.#windowPlaces() ||
      this.#regions.weight(WINDOW) + weight > this.#windowWeight()
    if (!isOver) return false
    const least = this.#regions.least(WINDOW)
    return least === 0 || this.#pricing.value(weight, frequency) < this.#regions.remaining(least)
  }

  #goes(region: Region, slot: number, gone: number[], reason: Departure): Departure {
    if (region !== EXPIRED) {
      const stay = this.#regions.lastPart(slot) * this.#pricing.cost(this.#table.weight(slot))
      this.#adaptation.countEvicted(this.#table.isFrequent(slot), stay)
      this.#regions.advanceClock(region, slot)
    }
    gone.push(slot)
    return reason
  }

  #windowWeight(): number {
    return this.#adaptation.windowShare * this.#maxWeight
  }

  #windowPlaces(): number {
    return this.#adaptation.windowShare * this.#maxEntries
  }

  #isWindowOver(): boolean {
    const { windowShare } = this.#adaptation
    return (
      this.#regions.count(WINDOW) > windowShare * this.#maxEntries ||
      this.#regions.weight(WINDOW) > windowShare * this.#maxWeight
    )
  }

  // Places

  #homeOf(slot: number): Region {
    const region = this.#regions.regionOf(slot)
    if (region === EXPIRED) return this.#table.isHomeMain(slot) ? MAIN : WINDOW
    return region === MAIN ? MAIN : WINDOW
  }

  #move(slot: number, region: Region): void {
    this.#regions.remove(slot)
    this.#place(slot, region)
  }

  #place(slot: number, region: Region): void {
    const frequency = this.#contest.frequency(slot)
    const value = this.#pricing.value(this.#table.weight(slot), frequency)
    this.#regions.insert(slot, region, value, frequency >= FREQUENT)
  }

  // Adaptation

  #countRequest(): void {
    if (this.#adaptation.countRequest(this.count)) this.#adapt()
  }

  #adapt(): void {
    const count = Math.max(1, this.count)
    const countFill = count / this.#maxEntries
    const weightFill = this.weight / this.#maxWeight
    const isByCount = countFill > weightFill
    this.#pricing.setPlaceCost(
      isByCount ? Math.min(MOST_PLACE_COST, this.#maxWeight / Math.max(1, this.#maxEntries)) : 0,
    )
    if (!(Math.max(countFill, weightFill) >= NEARLY_FULL)) return
    const total = isByCount ? count : this.weight
    const spaceOf = (region: Region): number =>
      Math.max(isByCount ? this.#regions.count(region) : this.#regions.weight(region), total / count) / total
    this.#adaptation.step(spaceOf(WINDOW), spaceOf(MAIN))
    this.#pricing.setExponent(this.#adaptation.exponent)
  }

  // Snapshot

  save(): PolicyState {
    this.#takeHits()
    const { requests, meanWeight, meanCost, placeCost } = this.#pricing.save()
    const { additions, agingBlock } = this.sketch.state
    const clocks = [WINDOW, MAIN, EXPIRED].map((region) => this.#regions.clock(region as Region))
    const numbers = [
      additions,
      agingBlock,
      requests,
      meanWeight,
      meanCost,
      placeCost,
      ...clocks,
      ...this.#adaptation.save(),
    ]
    return { numbers, counters: this.sketch.table }
  }

  /** An entry with the place that it had. */
  put(hash: number, weight: number, place: number, priority: number): number {
    const slot = this.#table.allocate(hash, this.#maxEntries + 1)
    const { list, isFrequent, isHomeMain } = SlotTable.unpack(place)
    this.#table.setWeight(slot, weight)
    this.#table.setHomeMain(slot, isHomeMain)
    this.#regions.insertAt(slot, Math.max(list, FIRST_LIST), priority, isFrequent)
    return slot
  }

  /** False, and nothing changed, if the state makes no sense. Lets go of all entries. */
  restore({ numbers, counters }: PolicyState): boolean {
    const [additions = 0, agingBlock = 0, requests = 0, meanWeight = 0, meanCost = 0, placeCost = 0, ...rest] = numbers
    if (!this.sketch.restore(counters, { additions, agingBlock })) return false
    this.clear()
    this.#pricing.restore({ requests, meanWeight, meanCost, placeCost })
    for (const region of [WINDOW, MAIN, EXPIRED] as const) this.#regions.setClock(region, rest[region - 1] ?? 0)
    this.#adaptation.restore(rest.slice(3))
    this.#pricing.setExponent(this.#adaptation.exponent)
    return true
  }
}
