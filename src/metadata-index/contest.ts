/**
 * Admission: a candidate for main against those that would have to go for it.
 *
 *   [1] Einziger, Friedman, Manes: "TinyLFU: A Highly Efficient Cache Admission Policy" (2017): one against one
 *   [2] Einziger, Eytan, Friedman, Manes: "Lightweight Robust Size Aware Cache Management" (2022): one against several
 *
 * What is held counts its requests itself, from the sketch's estimate on: see w-tinylfu.ts.
 */
import type { Pricing } from './pricing.ts'
import { MAIN } from './regions.ts'
import type { Regions } from './regions.ts'
import { SlotList } from './slot-list.ts'
import type { SlotTable } from './slot-table.ts'

/**
 * A candidate asked for at least so often enters main against the rule once in so many times: an attacker who makes a
 * victim look hot by collisions in the sketch cannot guard it for ever. Caffeine has the same two numbers.
 */
const WARM_FREQUENCY = 6
const WARM_CHANCE = 1 / 128
/** From so many victims on, a contest that is being lost at their average worth is lost: none walks half of main. */
const VICTIMS_BEFORE_ESTIMATE = 64

export class Contest {
  /** Those that stood against the last candidate, in their order. */
  readonly victims: SlotList = new SlotList()
  readonly #table: SlotTable
  readonly #regions: Regions
  readonly #pricing: Pricing
  readonly #random: () => number

  constructor(table: SlotTable, regions: Regions, pricing: Pricing, random: () => number) {
    this.#table = table
    this.#regions = regions
    this.#pricing = pricing
    this.#random = random
  }

  /** Whether the candidate may enter main, where so much is missing, in the place of `victims`. */
  isWon(candidate: number, missingPlaces: number, missingBytes: number): boolean {
    const isLucky = this.#table.frequency(candidate) >= WARM_FREQUENCY && this.#random() < WARM_CHANCE
    return this.isWorth(isLucky ? Infinity : this.#pricing.worthAt(candidate), missingPlaces, missingBytes)
  }

  /**
   * Whether `worth` is more than that of the entries of main that would have to go for it, in their order. Of the last
   * one counts only the part that is needed: the rest of its room is free for others.
   */
  isWorth(worth: number, missingPlaces: number, missingBytes: number): boolean {
    const { victims } = this
    victims.clear()
    let places = missingPlaces
    let bytes = missingBytes
    let sum = 0
    while (places > 0 || bytes > 0) {
      const victim = this.#nextVictim()
      if (victim === 0) return false
      victims.push(victim)
      const weight = this.#table.weight(victim)
      const needed = places > 0 ? 1 : Math.min(1, bytes / weight)
      sum += needed * this.#pricing.worthAt(victim)
      if (sum >= worth) return false
      places--
      bytes -= weight
      if (victims.length >= VICTIMS_BEFORE_ESTIMATE && isLosing(worth, sum, missingBytes, bytes)) return false
    }
    return true
  }

  /** The least of main, and so on. Most contests are decided by the first, for which no walk need be prepared. */
  #nextVictim(): number {
    const { length } = this.victims
    if (length === 0) return this.#regions.least(MAIN)
    if (length === 1) {
      this.#regions.startWalk(MAIN)
      this.#regions.walk(MAIN)
    }
    return this.#regions.walk(MAIN)
  }
}

/** Victims come in the order of their value, so that those to come are worth at least as much for each byte. */
function isLosing(worth: number, sum: number, missingBytes: number, bytesLeft: number): boolean {
  return bytesLeft > 0 && sum * missingBytes >= worth * (missingBytes - bytesLeft)
}
