/**
 * Who has to go. Expired entries first; then, when the window has more than its share, its candidate or what stands
 * against it in main (contest.ts); else the least of main.
 */
import type { Adaptation } from './adaptation.ts'
import type { Bounds } from './bounds.ts'
import { Contest } from './contest.ts'
import type { Pricing } from './pricing.ts'
import { EXPIRED, MAIN, WINDOW } from './regions.ts'
import type { Region, Regions } from './regions.ts'
import type { SlotList } from './slot-list.ts'
import type { SlotTable } from './slot-table.ts'

/** Why an entry had to go, as far as this file decides it. */
export type Departure = 'size' | 'count' | 'rejected' | 'expired'

/**
 * Entries that move from window to main with one `set` when the window's share has shrunk: of a million entries a step
 * of the adaptation may mean 100,000, which would stop the event loop.
 */
const WINDOW_STEPS = 64

/** What the policy is made of. */
export interface Parts {
  readonly table: SlotTable
  readonly regions: Regions
  readonly bounds: Bounds
  readonly pricing: Pricing
  readonly adaptation: Adaptation
  readonly random: () => number
}

export class Eviction {
  readonly #table: SlotTable
  readonly #regions: Regions
  readonly #bounds: Bounds
  readonly #pricing: Pricing
  readonly #adaptation: Adaptation
  readonly #contest: Contest

  constructor({ table, regions, bounds, pricing, adaptation, random }: Parts) {
    this.#table = table
    this.#regions = regions
    this.#bounds = bounds
    this.#pricing = pricing
    this.#adaptation = adaptation
    this.#contest = new Contest(table, regions, pricing, random)
  }

  /**
   * One step towards both bounds and the window's: names slots that must go, which the caller removes before the next.
   * `set` is the slot that the caller has just put in, or 0; `steps` is how many went before: the bounds must hold, the
   * window's share can wait. Undefined when there was nothing to do.
   */
  evict(set: number, steps: number, gone: SlotList): Departure | undefined {
    const { isOver, isWindowOver } = this.#bounds
    if (!isOver && !(isWindowOver && steps < WINDOW_STEPS)) return undefined
    if (isOver && this.#regions.count(EXPIRED) > 0)
      return this.#goes(EXPIRED, this.#regions.least(EXPIRED), gone, 'expired')
    const reason = this.#bounds.missingPlaces > 0 ? 'count' : 'size'
    if (isWindowOver) return this.#offer(this.#candidate(set), isOver, gone, reason)
    const region = this.#regions.count(MAIN) > 0 ? MAIN : WINDOW
    return this.#goes(region, this.#regions.least(region), gone, reason)
  }

  /** Whether a new entry, asked for so often, would be kept now. Chance is left out, and nothing changes. */
  wouldKeep(weight: number, frequency: number): boolean {
    const missingPlaces = this.#bounds.missingPlaces + 1 - this.#regions.count(EXPIRED)
    const missingBytes = this.#bounds.missingBytes + weight - this.#regions.weight(EXPIRED)
    if (missingPlaces <= 0 && missingBytes <= 0) return true
    if (!this.#wouldLeaveWindow(weight, frequency)) return true
    return this.#contest.isWorth(this.#pricing.worth(weight, frequency), missingPlaces, missingBytes)
  }

  #candidate(set: number): number {
    // What is too heavy for the window as a whole stands for itself at once, or it would flush the window first.
    const isTooHeavy = set !== 0 && this.#table.weight(set) > this.#bounds.windowWeight
    return isTooHeavy && this.#regions.regionOf(set) === WINDOW ? set : this.#regions.least(WINDOW)
  }

  /** Offers the window's candidate to main. Names the side that must go, if any. */
  #offer(candidate: number, isOver: boolean, gone: SlotList, reason: Departure): Departure {
    this.#regions.advanceClock(WINDOW, candidate)
    if (!isOver) {
      this.#move(candidate, MAIN)
      return reason
    }
    const { victims } = this.#contest
    if (this.#contest.isWon(candidate, this.#bounds.missingPlaces, this.#bounds.missingBytes)) {
      for (let i = 0; i < victims.length; i++) this.#goes(MAIN, victims.at(i), gone, reason)
      this.#move(candidate, MAIN)
      return reason
    }
    // Those that stood against it are priced anew, or the same few would stand in the way of every candidate.
    for (let i = 0; i < victims.length; i++) this.#move(victims.at(i), MAIN)
    return this.#goes(WINDOW, candidate, gone, 'rejected')
  }

  #wouldLeaveWindow(weight: number, frequency: number): boolean {
    if (weight > this.#bounds.windowWeight) return true
    if (!this.#bounds.wouldWindowBeOver(1, weight)) return false
    const least = this.#regions.least(WINDOW)
    return least === 0 || this.#pricing.value(weight, frequency) < this.#regions.remaining(least)
  }

  #goes(region: Region, slot: number, gone: SlotList, reason: Departure): Departure {
    if (region !== EXPIRED) {
      const stay = this.#regions.lastPart(slot) * this.#pricing.cost(this.#table.weight(slot))
      this.#adaptation.countEvicted(this.#regions.levelOf(slot), stay)
      this.#regions.advanceClock(region, slot)
    }
    gone.push(slot)
    return reason
  }

  #move(slot: number, region: Region): void {
    this.#regions.remove(slot)
    this.#regions.insert(slot, region, this.#pricing.valueAt(slot))
  }
}
