/** Two bounds at once, entries and bytes: of the whole, and of the window, which may have a share of each. */
import type { Adaptation } from './adaptation.ts'
import { WINDOW } from './regions.ts'
import type { Region, Regions } from './regions.ts'
import { MAX_WEIGHT } from './slot-table.ts'

export class Bounds {
  readonly #regions: Regions
  readonly #adaptation: Adaptation
  #maxEntries = 0
  #maxWeight = 0

  constructor(regions: Regions, adaptation: Adaptation) {
    this.#regions = regions
    this.#adaptation = adaptation
  }

  get maxEntries(): number {
    return this.#maxEntries
  }

  get maxWeight(): number {
    return this.#maxWeight
  }

  set(maxEntries: number, maxWeight: number): void {
    this.#maxEntries = maxEntries
    this.#maxWeight = maxWeight
  }

  get count(): number {
    return this.#regions.totalCount
  }

  get weight(): number {
    return this.#regions.totalWeight
  }

  /** Whether an entry of this weight could be held if it were alone. */
  fitsAlone(weight: number): boolean {
    return this.#maxEntries >= 1 && weight <= this.#maxWeight
  }

  /** Places missing for what is held; at or below 0 none is. */
  get missingPlaces(): number {
    return this.count - this.#maxEntries
  }

  get missingBytes(): number {
    return this.weight - this.#maxWeight
  }

  get isOver(): boolean {
    return this.missingPlaces > 0 || this.missingBytes > 0
  }

  get windowWeight(): number {
    return this.#adaptation.windowShare * this.#maxWeight
  }

  get isWindowOver(): boolean {
    return this.wouldWindowBeOver(0, 0)
  }

  /** Whether the window would have more than its share with so much more in it. */
  wouldWindowBeOver(places: number, bytes: number): boolean {
    return (
      this.#regions.count(WINDOW) + places > this.#adaptation.windowShare * this.#maxEntries ||
      this.#regions.weight(WINDOW) + bytes > this.windowWeight
    )
  }

  /** Whether places run out before bytes. */
  get isByCount(): boolean {
    return this.count / this.#maxEntries > this.weight / this.#maxWeight
  }

  /** How full the cache is, by the bound that binds: 0 to 1. NaN when that bound is 0. */
  get fill(): number {
    return Math.max(this.count / this.#maxEntries, this.weight / this.#maxWeight)
  }

  /** The share that a region has of what is held, by the bound that binds, one entry's at least. */
  shareOf(region: Region): number {
    const count = Math.max(1, this.count)
    const share = this.isByCount ? this.#regions.count(region) / count : this.#regions.weight(region) / this.weight
    return Math.max(share, 1 / count)
  }
}

/** Weight 0 counts as 1: an entry without bytes still takes room. */
export function checkedWeight(weight: number): number {
  if (!Number.isSafeInteger(weight) || weight < 0 || weight > MAX_WEIGHT) {
    throw new RangeError(`Expected \`weight\` to be an integer from 0 to ${MAX_WEIGHT}, got ${weight}`)
  }
  return weight === 0 ? 1 : weight
}

export function checkBound(name: 'maxEntries' | 'maxWeight', bound: number): void {
  if (bound === Infinity || (Number.isSafeInteger(bound) && bound >= 0)) return
  throw new RangeError(`Expected \`${name}\` to be a safe integer from 0 up or Infinity, got ${bound}`)
}
