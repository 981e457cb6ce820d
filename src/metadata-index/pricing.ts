/**
 * What an entry is worth. Greedy-dual with frequency prices an entry by its density, frequency times benefit over cost
 * [1, 2]; here
 *
 *     value = (frequency x benefit / cost) ^ exponent, in units of the mean entry asked for once
 *
 *   [1] Cherkasova: "Improving WWW Proxies Performance with Greedy-Dual-Size-Frequency Caching Policy" (1998)
 *   [2] Arlitt, Cherkasova, Dilley, Friedrich, Jin: "Evaluating Content Management Techniques for Web Proxy Caches"
 *       (1999): GDSF for object hits, LFU with aging for byte hits
 *   [3] Cherkasova, Ciardo: "Role of Aging, Frequency, and Size in Web Cache Replacement Policies" (2001): exponents
 *   [4] Schraudolph: "A Fast, Compact Approximation of the Exponential Function" (1999): powers by a float's bits
 *
 * The benefit of a hit is a mixture of the two hit ratios, each measured in mean requests: one object, and so many
 * bytes. Mixing benefits keeps what a power of the size (GDSF with size^-alpha) loses: at the same object hit ratio it
 * was 0.6 points better in bytes on the traces of the bench.
 *
 *     benefit = share x 1 + (1 - share) x weight / mean weight of a request
 *
 * The cost is what the entry uses up of the bound that binds: its bytes; or, while places run out before bytes, its place,
 * which is worth maxWeight / maxEntries, if its bytes are not more than that.
 *
 * The exponent is how far the good may outlive the mediocre: adaptation.ts has it follow the workload. It takes the whole
 * density, not the frequency alone as in [3]: 0.4 points of object hits and 0.1 of byte hits.
 */
import { MAX_VALUE } from './regions.ts'
import { MAX_FREQUENCY } from './slot-table.ts'
import type { SlotTable } from './slot-table.ts'

/** Which hit ratio to favour: how many requests are answered, how many bytes, or both alike. */
export type Goal = 'objects' | 'balanced' | 'bytes'

/**
 * How much of the benefit is one object. `bytes` keeps a little of it: among large and small entries that give the
 * same byte hits for their bytes, the many small ones are the better bet (measured: 0.1 points of byte hits over 0).
 */
const OBJECT_SHARE: Readonly<Record<Goal, number>> = { objects: 1, balanced: 0.32, bytes: 0.05 }

/** The value of the mean entry asked for once: leaves room below for a 4,000th of it, above for a quarter million times. */
const UNIT = 4096
/** No exponent makes a value within bounds of a density beyond these, and no power of those between overflows. */
const LEAST_DENSITY: number = 2 ** -40
const MOST_DENSITY: number = 2 ** 40
/** A float's bits grow like its logarithm, from 0 at 1: so many bits of fraction, below the exponent's bias of 127. */
const BITS_OF_ONE: number = 127 << 23
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
  readonly #table: SlotTable
  readonly #objectShare: number
  #exponent = 1
  /** frequency ^ exponent, by frequency. */
  readonly #powers: Float64Array = new Float64Array(MAX_FREQUENCY + 1)
  #placeCost = 0
  #requests = 0
  #meanWeight = 0
  #meanCost = 0
  #batchCount = 0
  #batchWeight = 0
  #batchCost = 0
  /** The density's two terms, made ready: `(#perCost + #perWeight x weight) / cost`. */
  #perCost = 0
  #perWeight = 0

  /** One number, seen as a float and as its bits. */
  readonly #float: Float32Array = new Float32Array(1)
  readonly #bits: Int32Array = new Int32Array(this.#float.buffer)

  constructor(table: SlotTable, goal: Goal, exponent: number) {
    this.#table = table
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
    this.#exponent = exponent
    for (let frequency = 1; frequency <= MAX_FREQUENCY; frequency++) this.#powers[frequency] = frequency ** exponent
  }

  /** Takes the weight of so many requests for an entry into the means, from the next batch on. */
  observe(weight: number, requests: number): void {
    this.#batchWeight += weight * requests
    this.#batchCost += (weight > this.#placeCost ? weight : this.#placeCost) * requests
    this.#batchCount += requests
    if (this.#batchCount >= BATCH || this.#requests < BATCH) this.#fold()
  }

  cost(weight: number): number {
    return weight > this.#placeCost ? weight : this.#placeCost
  }

  /** The value of what is in a slot. At least one request: it was asked for, though aging may have forgotten it. */
  valueAt(slot: number): number {
    return this.value(this.#table.weight(slot), this.#table.frequency(slot) || 1)
  }

  /** An entry's value for greedy-dual: an integer from 1 to MAX_VALUE, UNIT for the mean entry asked for once. */
  value(weight: number, frequency: number): number {
    const cost = weight > this.#placeCost ? weight : this.#placeCost
    const density = (this.#perCost + this.#perWeight * weight) / cost
    const value = UNIT * (this.#powers[frequency] as number) * this.#power(density)
    if (value < 1) return 1
    return value < MAX_VALUE ? value | 0 : MAX_VALUE
  }

  worthAt(slot: number): number {
    return this.worth(this.#table.weight(slot), this.#table.frequency(slot) || 1)
  }

  /** What the entry is worth as a whole, for admission: not for each byte, and in no unit. */
  worth(weight: number, frequency: number): number {
    return (this.#powers[frequency] as number) * this.benefit(weight)
  }

  /** What one hit on the entry is worth. */
  benefit(weight: number): number {
    return this.#objectShare + ((1 - this.#objectShare) * weight) / this.#meanWeight
  }

  /** density ^ exponent, off by a quarter at most: values in one list differ by more. See [4]. */
  #power(density: number): number {
    this.#float[0] = density < LEAST_DENSITY ? LEAST_DENSITY : density < MOST_DENSITY ? density : MOST_DENSITY
    this.#bits[0] = BITS_OF_ONE + this.#exponent * ((this.#bits[0] as number) - BITS_OF_ONE)
    return this.#float[0]
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
    this.#perCost = this.#meanCost * this.#objectShare
    this.#perWeight = (this.#meanCost * (1 - this.#objectShare)) / this.#meanWeight
  }
}
