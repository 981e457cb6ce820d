/**
 * What an entry is worth. Greedy-dual with frequency prices an entry by frequency times benefit over cost [1, 2]; here
 *
 *     value = frequency ^ exponent  x  benefit / cost
 *
 *   [1] Cherkasova: "Improving WWW Proxies Performance with Greedy-Dual-Size-Frequency Caching Policy" (1998)
 *   [2] Arlitt, Cherkasova, Dilley, Friedrich, Jin: "Evaluating Content Management Techniques for Web Proxy Caches"
 *       (1999): GDSF for object hits, LFU with aging for byte hits
 *   [3] Cherkasova, Ciardo: "Role of Aging, Frequency, and Size in Web Cache Replacement Policies" (2001): exponents
 *
 * The benefit of a hit is a mixture of the two hit ratios, each measured in mean requests: one object, and so many
 * bytes. Mixing benefits keeps what a power of the size (GDSF with size^-alpha) loses: at the same object hit ratio it
 * was 0.6 points better in bytes on the traces of the bench.
 *
 *     benefit = share x 1 + (1 - share) x weight / mean weight of a request
 *
 * The cost is what the entry uses up of the bound that binds: its bytes; or, while places run out before bytes, its place,
 * which is worth maxWeight / maxEntries, if its bytes are not more than that.
 */
import { MAX_VALUE } from './regions.ts'
import { MAX_FREQUENCY } from './slot-table.ts'

/** Which hit ratio to favour: how many requests are answered, how many bytes, or both alike. */
export type Goal = 'objects' | 'balanced' | 'bytes'

/**
 * How much of the benefit is one object. `bytes` keeps a little of it: among large and small entries that give the
 * same byte hits for their bytes, the many small ones are the better bet (measured: 0.1 points of byte hits over 0).
 */
const OBJECT_SHARE: Readonly<Record<Goal, number>> = { objects: 1, balanced: 0.52, bytes: 0.1 }

/** The value of an entry of mean weight asked for once: leaves room for a 1,000th of it and for a million times it. */
const UNIT = 1024
/** Requests that the running means look back on. 1,000 to 100,000 made no difference. */
const MEAN_SPAN = 65_536
/** Requests taken into the means at a time: a hit then pays three additions and no division. */
const BATCH = 64

export interface PricingState {
  readonly requests: number
  readonly meanWeight: number
  readonly meanCost: number
  readonly placeCost: number
}

export class Pricing {
  readonly #objectShare: number
  /** frequency ^ exponent, by frequency. */
  readonly #powers: Float64Array = new Float64Array(MAX_FREQUENCY + 1)
  #placeCost = 0
  #requests = 0
  #meanWeight = 0
  #meanCost = 0
  #batchCount = 0
  #batchWeight = 0
  #batchCost = 0
  /** The value's two terms, made ready: `(#perCost + #perWeight x weight) / cost`. */
  #perCost = 0
  #perWeight = 0

  constructor(goal: Goal, exponent: number) {
    this.#objectShare = OBJECT_SHARE[goal]
    this.setExponent(exponent)
  }

  /** Ends the batch first, so that what is restored goes on as this does. */
  save(): PricingState {
    this.#fold()
    return {
      requests: this.#requests,
      meanWeight: this.#meanWeight,
      meanCost: this.#meanCost,
      placeCost: this.#placeCost,
    }
  }

  restore(state: PricingState): void {
    this.#requests = state.requests
    this.#meanWeight = state.meanWeight
    this.#meanCost = state.meanCost
    this.#placeCost = state.placeCost
    this.#emptyBatch()
    this.#prepare()
  }

  /** What a place costs, in bytes; 0 while bytes run out before places. */
  setPlaceCost(placeCost: number): void {
    if (placeCost === this.#placeCost) return
    this.#fold()
    this.#placeCost = placeCost
    this.#meanCost = this.cost(this.#meanWeight)
    this.#prepare()
  }

  setExponent(exponent: number): void {
    for (let frequency = 1; frequency <= MAX_FREQUENCY; frequency++) this.#powers[frequency] = frequency ** exponent
  }

  /** Takes one request's weight into the means, from the next batch on. */
  observe(weight: number): void {
    this.#batchWeight += weight
    this.#batchCost += weight > this.#placeCost ? weight : this.#placeCost
    if (++this.#batchCount >= BATCH || this.#requests < BATCH) this.#fold()
  }

  cost(weight: number): number {
    return weight > this.#placeCost ? weight : this.#placeCost
  }

  /** An entry's value for greedy-dual: an integer from 1 to MAX_VALUE, UNIT for the mean entry asked for once. */
  value(weight: number, frequency: number): number {
    const cost = weight > this.#placeCost ? weight : this.#placeCost
    const value = ((this.#powers[frequency] as number) * (this.#perCost + this.#perWeight * weight)) / cost
    if (value < 1) return 1
    return value < MAX_VALUE ? value | 0 : MAX_VALUE
  }

  /** What the entry is worth as a whole, for admission: the value times the cost, in no unit. */
  worth(weight: number, frequency: number): number {
    return (this.#powers[frequency] as number) * this.benefit(weight)
  }

  /** What one hit on the entry is worth. */
  benefit(weight: number): number {
    return this.#objectShare + ((1 - this.#objectShare) * weight) / this.#meanWeight
  }

  #fold(): void {
    const count = this.#batchCount
    if (count === 0) return
    this.#requests = Math.min(this.#requests + count, MEAN_SPAN)
    this.#meanWeight += (this.#batchWeight - this.#meanWeight * count) / this.#requests
    this.#meanCost += (this.#batchCost - this.#meanCost * count) / this.#requests
    this.#emptyBatch()
    this.#prepare()
  }

  #emptyBatch(): void {
    this.#batchCount = 0
    this.#batchWeight = 0
    this.#batchCost = 0
  }

  #prepare(): void {
    this.#perCost = UNIT * this.#meanCost * this.#objectShare
    this.#perWeight = (UNIT * this.#meanCost * (1 - this.#objectShare)) / this.#meanWeight
  }
}
