/**
 * How often keys that are not held were asked for lately, in a few bits each: a count-min sketch with 4-bit counters
 * that are halved once a sample, so that what was popular once is forgotten. What is held counts for itself
 * (slot-table.ts), and its count is handed back with `raise` when it goes: a hit need not touch the sketch.
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

const MOST = 15

const WORDS_PER_BLOCK = 16
const COUNTERS_PER_BLOCK = 128
/** Counters for each entry held: 8 bytes. Twice as many gained 0.1 points on small caches, nothing on large ones. */
const COUNTERS_PER_ENTRY = 16
/** 128 KiB: below 16,384 entries accuracy is nearly free, and worth 0.05 points of hit ratio over 32 KiB. */
const LEAST_BLOCKS = 2048
/** Requests in a sample for each entry held. TinyLFU [2] leaves it open; 15 cost 0.15 points of byte hits, 60 gained none. */
const SAMPLE_FACTOR = 30
/** A sample is never shorter than this many entries' worth, or tiny caches would forget at once. */
const LEAST_SAMPLED_ENTRIES = 64
/** Blocks halved for each request while aging is under way: 4 KiB, about a microsecond. */
const STRIPE_BLOCKS = 64
/** Two spare rotations of the mixed hash choose the counters; multiplying decorrelates them from the block number. */
const COUNTER_SALT = 0x5bd1_e995 | 0

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

  /** Requests counted since the last aging. */
  get additions(): number {
    return this.#additions
  }

  /** Requests from one aging to the next. */
  get sampleSize(): number {
    return this.#sampleSize
  }

  /** Whether counters are being halved: the caller asks for it with `age`. */
  get isAging(): boolean {
    return this.#agingBlock <= this.#blockMask
  }

  /** Counts requests towards the sample, whoever keeps their keys' counts. */
  pass(requests: number): void {
    if (this.isAging) return
    this.#additions += requests
    if (this.#additions >= this.#sampleSize) this.#startAging()
  }

  /** Raises a key's estimate to a count that was kept elsewhere. */
  raise(hash: number, frequency: number): void {
    const least = frequency < MOST ? frequency : MOST
    const table = this.#table
    const block = (hash & this.#blockMask) * WORDS_PER_BLOCK
    let bits = mix(hash ^ COUNTER_SALT)
    for (let row = 0; row < 4; row++) {
      const word = block + row * 4 + (bits & 3)
      const shift = bits & 0b1_1100
      const counters = table[word] as number
      const count = (counters >>> shift) & MOST
      if (count < least) table[word] = counters + ((least - count) << shift)
      bits >>>= 5
    }
  }

  /** Counts one request, in the least of the key's counters alone [2]: the others count other keys' requests as well. */
  increment(hash: number): void {
    this.pass(1)
    this.raise(hash, this.estimate(hash) + 1)
  }

  /** Requests counted, 0 to 15. */
  estimate(hash: number): number {
    const table = this.#table
    const block = (hash & this.#blockMask) * WORDS_PER_BLOCK
    let bits = mix(hash ^ COUNTER_SALT)
    let least = MOST
    for (let row = 0; row < 4; row++) {
      const count = ((table[block + row * 4 + (bits & 3)] as number) >>> (bits & 0b1_1100)) & MOST
      if (count < least) least = count
      bits >>>= 5
    }
    return least
  }

  /** Fits the table and the sample to the number of entries held. The table never shrinks. */
  fit(entryCount: number): void {
    this.#sampleSize = SAMPLE_FACTOR * Math.max(entryCount, LEAST_SAMPLED_ENTRIES)
    // Half-aged blocks cannot be copied as if they were whole, and finishing them at once would be a pause: it can wait.
    if (this.isAging) return
    while ((this.#blockMask + 1) * COUNTERS_PER_BLOCK < entryCount * COUNTERS_PER_ENTRY) this.#double()
  }

  /** Takes over the counters of a snapshot. False, and nothing changed, if they make no sense. */
  restore(table: Int32Array, additions: number, sampleSize: number): boolean {
    const blocks = table.length / WORDS_PER_BLOCK
    if (!Number.isInteger(blocks) || blocks < LEAST_BLOCKS || (blocks & (blocks - 1)) !== 0) return false
    this.#reset(table)
    this.#additions = additions
    this.#sampleSize = sampleSize
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

  /** Halves so many stripes more. Returns the share that is done: 0 to 1. */
  age(stripes: number): number {
    const table = this.#table
    const end = Math.min(this.#agingBlock + stripes * STRIPE_BLOCKS, this.blockCount)
    const last = end * WORDS_PER_BLOCK
    for (let word = this.#agingBlock * WORDS_PER_BLOCK; word < last; word++) {
      table[word] = ((table[word] as number) >>> 1) & 0x7777_7777
    }
    this.#agingBlock = end
    return end / this.blockCount
  }

  #double(): void {
    const doubled = new Int32Array(this.#table.length * 2)
    doubled.set(this.#table, 0)
    doubled.set(this.#table, this.#table.length)
    this.#table = doubled
    this.#blockMask = this.#blockMask * 2 + 1
    this.#agingBlock = this.#blockMask + 1
  }
}
