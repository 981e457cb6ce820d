/**
 * Window, main and expired: each a set of LRU lists, one for each power of two of an entry's value.
 *
 *   [1] Young: "The k-Server Dual and Loose Competitiveness for Paging" (1994): greedy-dual
 *   [2] Cao, Irani: "Cost-Aware WWW Proxy Caching Algorithms" (1997): greedy-dual-size, the clock
 *   [3] Ghandeharizadeh et al.: "CAMP: A Cost Adaptive Multi-queue Eviction Policy" (2014): lists by rounded value
 *
 * Greedy-dual gives an entry the priority `clock + value` when it is touched, evicts the least priority, and moves the
 * clock there: an entry stays for as long as its value is worth, counted in what others had to pay. Within one list
 * values are alike within a factor of two, so that the order of touching is the order of priorities, near enough [3],
 * and the victim is the least of the heads: no heap, and a touch costs the same however many entries there are.
 *
 * Priorities and clocks are 32-bit and wrap around; only differences count. Values stay below 2^30, so a difference is
 * never ambiguous, and nothing ever needs to be re-based.
 */
import { LIST_COUNT } from './slot-table.ts'
import type { SlotTable } from './slot-table.ts'

// 0 is no region: a free slot's.
export const WINDOW = 1
export const MAIN = 2
export const EXPIRED = 3
export type Region = typeof WINDOW | typeof MAIN | typeof EXPIRED

const LISTS_PER_REGION = LIST_COUNT / 4
/** The window's lowest; those before it belong to no region. */
export const FIRST_LIST: number = LISTS_PER_REGION
export const MAX_VALUE: number = 2 ** 30 - 1
/**
 * A touch that would add less than a quarter of its value to an entry's stay moves nothing: the cache lines of four
 * slots stay clean, and the order is off by no more than that. A 32nd and an 8th gave the same hit ratios within 0.05.
 */
const LEAST_RISE_SHIFT = 2

export class Regions {
  readonly #table: SlotTable
  /** For each region, one bit for each list that is not empty. */
  readonly #occupied: Int32Array = new Int32Array(4)
  readonly #clocks: Int32Array = new Int32Array(4)
  /** For each region, and at 0 for all together. */
  readonly #counts: Int32Array = new Int32Array(4)
  readonly #weights: Float64Array = new Float64Array(4)
  /** The places a walk over a region's entries has come to, by list. */
  readonly #cursors: Int32Array = new Int32Array(LISTS_PER_REGION)
  readonly #cursorPriorities: Int32Array = new Int32Array(LISTS_PER_REGION)
  #cursorLists = 0

  constructor(table: SlotTable) {
    this.#table = table
  }

  /** Forgets all entries; the table forgets them by itself. */
  clear(): void {
    for (const numbers of [this.#occupied, this.#clocks, this.#counts, this.#weights]) numbers.fill(0)
  }

  /** Entries in all regions. */
  get totalCount(): number {
    return this.#counts[0] as number
  }

  get totalWeight(): number {
    return this.#weights[0] as number
  }

  count(region: Region): number {
    return this.#counts[region] as number
  }

  weight(region: Region): number {
    return this.#weights[region] as number
  }

  clock(region: Region): number {
    return this.#clocks[region] as number
  }

  setClock(region: Region, clock: number): void {
    this.#clocks[region] = clock
  }

  regionOf(slot: number): number {
    return this.#table.list(slot) >> 5
  }

  /** Puts an entry that is in no list where its value belongs. `value` is an integer from 1 to MAX_VALUE. */
  insert(slot: number, region: Region, value: number): void {
    const priority = ((this.#clocks[region] as number) + value) | 0
    this.insertAt(slot, region * LISTS_PER_REGION + (31 - Math.clz32(value)), priority)
  }

  /** The same with list and priority given, as a snapshot does. */
  insertAt(slot: number, list: number, priority: number): void {
    const region = list >> 5
    this.#table.append(slot, list, priority)
    this.#occupied[region] = (this.#occupied[region] as number) | (1 << (list & 31))
    this.#account(region, 1, this.#table.weight(slot))
  }

  remove(slot: number): void {
    const list = this.#table.list(slot)
    const region = list >> 5
    if (this.#table.unlink(slot)) this.#occupied[region] = (this.#occupied[region] as number) & ~(1 << (list & 31))
    this.#account(region, -1, -this.#table.weight(slot))
  }

  /** A touch: a new place within the entry's region; counts and weights stay. */
  touch(slot: number, value: number): void {
    const list = this.#table.list(slot)
    const region = list >> 5
    const index = 31 - Math.clz32(value)
    const priority = ((this.#clocks[region] as number) + value) | 0
    if ((list & 31) === index && ((priority - this.#table.priority(slot)) | 0) < value >> LEAST_RISE_SHIFT) return
    if (this.#table.unlink(slot)) this.#occupied[region] = (this.#occupied[region] as number) & ~(1 << (list & 31))
    this.#table.append(slot, (region << 5) | index, priority)
    this.#occupied[region] = (this.#occupied[region] as number) | (1 << index)
  }

  /** What is left of the value that the entry had when it was touched; at or below 0 it is the next to go. */
  remaining(slot: number): number {
    return (this.#table.priority(slot) - (this.#clocks[this.regionOf(slot)] as number)) | 0
  }

  /** The entry's list within its region: the power of two of the values there. */
  levelOf(slot: number): number {
    return this.#table.list(slot) & 31
  }

  /** How much must be left of the value for an entry to be in the last part of its stay: half of its list's least value. */
  lastPart(slot: number): number {
    return (1 << this.levelOf(slot)) >> 1
  }

  /** Whether as much is left of the entry's value as the least value of its list. */
  isFresh(slot: number): boolean {
    return this.remaining(slot) >= 1 << this.levelOf(slot)
  }

  /** Moves the region's clock to the priority of an entry that goes. It never runs back. */
  advanceClock(region: Region, slot: number): void {
    const clock = this.#clocks[region] as number
    const priority = this.#table.priority(slot)
    if (((priority - clock) | 0) > 0) this.#clocks[region] = priority
  }

  /** The entry with the least priority; 0 when the region is empty. */
  least(region: Region): number {
    const clock = this.#clocks[region] as number
    let lists = this.#occupied[region] as number
    if (lists === 0) return 0
    let least = 0
    let leastRemaining = 0
    while (lists !== 0) {
      const index = 31 - Math.clz32(lists)
      lists &= ~(1 << index)
      const list = (region << 5) | index
      const remaining = (this.#table.priority(list) - clock) | 0
      if (least !== 0 && remaining >= leastRemaining) continue
      least = list
      leastRemaining = remaining
    }
    return this.#table.next(least)
  }

  /** Begins a walk over a region in the order of eviction. One walk at a time; the region must not change meanwhile. */
  startWalk(region: Region): void {
    this.#cursorLists = this.#occupied[region] as number
    for (let lists = this.#cursorLists; lists !== 0;) {
      const index = 31 - Math.clz32(lists)
      lists &= ~(1 << index)
      const list = (region << 5) | index
      this.#cursors[index] = this.#table.next(list)
      this.#cursorPriorities[index] = this.#table.priority(list)
    }
  }

  /** The walk's next entry; 0 at the end. */
  walk(region: Region): number {
    if (this.#cursorLists === 0) return 0
    const clock = this.#clocks[region] as number
    let leastIndex = -1
    let leastRemaining = 0
    for (let lists = this.#cursorLists; lists !== 0;) {
      const index = 31 - Math.clz32(lists)
      lists &= ~(1 << index)
      const remaining = ((this.#cursorPriorities[index] as number) - clock) | 0
      if (leastIndex >= 0 && remaining >= leastRemaining) continue
      leastIndex = index
      leastRemaining = remaining
    }
    const least = this.#cursors[leastIndex] as number
    this.#stepCursor(leastIndex, this.#table.next(least))
    return least
  }

  #account(region: number, entries: number, weight: number): void {
    this.#counts[region] = (this.#counts[region] as number) + entries
    this.#weights[region] = (this.#weights[region] as number) + weight
    this.#counts[0] = (this.#counts[0] as number) + entries
    this.#weights[0] = (this.#weights[0] as number) + weight
  }

  #stepCursor(index: number, next: number): void {
    this.#cursors[index] = next
    this.#cursorPriorities[index] = this.#table.priority(next)
    if (next < LIST_COUNT) this.#cursorLists &= ~(1 << index)
  }
}

/**
 * All slots of a region of this table, list by list from the lowest value, each list from its oldest entry. The table must
 * not change meanwhile.
 */
export function* slotsOf(table: SlotTable, region: Region): Generator<number, void, void> {
  for (let index = 0; index < LISTS_PER_REGION; index++) {
    const list = (region << 5) | index
    for (let slot = table.next(list); slot !== list; slot = table.next(slot)) yield slot
  }
}
