/**
 * How often keys were asked for lately, held or not, in a few bits each: a count-min sketch with 4-bit counters that
 * are halved once a sample, so that what was popular once is forgotten.
 *
 *   [1] Cormode, Muthukrishnan: "An Improved Data Stream Summary: The Count-Min Sketch and its Applications" (2005)
 *   [2] Einziger, Friedman, Manes: "TinyLFU: A Highly Efficient Cache Admission Policy" (2017): 4 bits, halving
 *   [3] Putze, Sanders, Singler: "Cache-, Hash- and Space-Efficient Bloom Filters" (2007): one cache line per key
 *
 * A key owns one block of 64 bytes; each of the four rows has a quarter of it, 32 counters, and the key one counter in
 * each row. Its estimate is the smallest of the four: never too low but for halving, sometimes too high.
 *
 *   block   | row 0: 4 words | row 1: 4 words | row 2: 4 words | row 3: 4 words |     a word holds 8 counters
 *
 * The table follows the number of entries held. To double it the table is copied behind itself: a key's block number
 * gains one bit, and in either half it finds the counts that it had. Halving goes in stripes, a few blocks a request,
 * since a whole pass over 8 MB would stop the event loop for milliseconds.
 */
import { mix } from './key-hash.ts'

export const MAX_FREQUENCY = 15

const WORDS_PER_BLOCK = 16
const COUNTERS_PER_BLOCK = 128
/** Counters for each entry held: 8 bytes. Twice as many gained 0.1 points on small caches, nothing on large ones. */
const COUNTERS_PER_ENTRY = 16
/** 32 KiB: below 4,096 entries accuracy is nearly free, and worth 0.5 points of hit ratio on unit-sized traces. */
const LEAST_BLOCKS = 512
/** Requests in a sample for each entry held. TinyLFU [2] leaves it open; 8 to 30 were within 0.3 points. */
const SAMPLE_FACTOR = 15
/** A sample is never shorter than this many entries' worth, or tiny caches would forget at once. */
const LEAST_SAMPLED_ENTRIES = 64
/** Blocks halved with each request while aging is under way: 4 KiB, about a microsecond. */
const STRIPE_BLOCKS = 64
/** Two spare rotations of the mixed hash choose the counters; multiplying decorrelates them from the block number. */
const COUNTER_SALT = 0x5bd1_e995 | 0

export interface SketchState {
  readonly additions: number
  /** The next block to halve; the number of blocks when no aging is under way. */
  readonly agingBlock: number
}

export class FrequencySketch {
  #table: Int32Array = new Int32Array(LEAST_BLOCKS * WORDS_PER_BLOCK)
  #blockMask: number = LEAST_BLOCKS - 1
  #additions = 0
  #agingBlock: number = LEAST_BLOCKS
  #sampleSize: number = SAMPLE_FACTOR * LEAST_SAMPLED_ENTRIES

  get blockCount(): number {
    return this.#blockMask + 1
  }

  /** The counters, for the snapshot. */
  get table(): Int32Array {
    return this.#table
  }

  get state(): SketchState {
    return { additions: this.#additions, agingBlock: this.#agingBlock }
  }

  /** Counts one request, and returns the estimate with it: 1 to 15. Ages one stripe if aging is due. */
  increment(hash: number): number {
    if (this.#agingBlock <= this.#blockMask) this.#ageStripe()
    else if (++this.#additions >= this.#sampleSize) this.#startAging()
    const table = this.#table
    const block = (hash & this.#blockMask) * WORDS_PER_BLOCK
    let bits = mix(hash ^ COUNTER_SALT)
    let least = MAX_FREQUENCY
    for (let row = 0; row < 4; row++) {
      const word = block + row * 4 + (bits & 3)
      const shift = bits & 0b1_1100
      const counters = table[word] as number
      const count = (counters >>> shift) & MAX_FREQUENCY
      if (count < MAX_FREQUENCY) {
        table[word] = counters + (1 << shift)
        if (count < least) least = count + 1
      }
      bits >>>= 5
    }
    return least
  }

  /** Requests counted, 0 to 15. */
  estimate(hash: number): number {
    const table = this.#table
    const block = (hash & this.#blockMask) * WORDS_PER_BLOCK
    let bits = mix(hash ^ COUNTER_SALT)
    let least = MAX_FREQUENCY
    for (let row = 0; row < 4; row++) {
      const count = ((table[block + row * 4 + (bits & 3)] as number) >>> (bits & 0b1_1100)) & MAX_FREQUENCY
      if (count < least) least = count
      bits >>>= 5
    }
    return least
  }

  /** Fits the table and the sample to the number of entries held. The table never shrinks. */
  fit(entryCount: number): void {
    this.#sampleSize = SAMPLE_FACTOR * Math.max(entryCount, LEAST_SAMPLED_ENTRIES)
    while ((this.#blockMask + 1) * COUNTERS_PER_BLOCK < entryCount * COUNTERS_PER_ENTRY) this.#double()
  }

  clear(): void {
    this.#reset(new Int32Array(LEAST_BLOCKS * WORDS_PER_BLOCK))
  }

  /** Takes over counters and progress from a snapshot. False, and nothing changed, if they make no sense. */
  restore(table: Int32Array, state: SketchState): boolean {
    const blocks = table.length / WORDS_PER_BLOCK
    if (!Number.isInteger(blocks) || blocks < LEAST_BLOCKS || (blocks & (blocks - 1)) !== 0) return false
    this.#reset(table)
    this.#additions = state.additions
    this.#agingBlock = Math.min(state.agingBlock, blocks)
    return true
  }

  #reset(table: Int32Array): void {
    this.#table = table
    this.#blockMask = table.length / WORDS_PER_BLOCK - 1
    this.#agingBlock = this.#blockMask + 1
    this.#additions = 0
  }

  #startAging(): void {
    this.#agingBlock = 0
    this.#additions = 0
  }

  #ageStripe(): void {
    const table = this.#table
    const end = Math.min(this.#agingBlock + STRIPE_BLOCKS, this.#blockMask + 1)
    const last = end * WORDS_PER_BLOCK
    for (let word = this.#agingBlock * WORDS_PER_BLOCK; word < last; word++) {
      table[word] = ((table[word] as number) >>> 1) & 0x7777_7777
    }
    this.#agingBlock = end
  }

  /** Finishes aging first: half-aged blocks would be copied as if they were whole. */
  #double(): void {
    while (this.#agingBlock <= this.#blockMask) this.#ageStripe()
    const doubled = new Int32Array(this.#table.length * 2)
    doubled.set(this.#table, 0)
    doubled.set(this.#table, this.#table.length)
    this.#table = doubled
    this.#blockMask = this.#blockMask * 2 + 1
    this.#agingBlock = this.#blockMask + 1
  }
}
