/**
 * How often keys were asked for lately, in a few bits each: a count-min sketch with 4-bit counters that are halved
 * every so often, so that what was popular once is forgotten.
 *
 *   Cormode, Muthukrishnan: "An Improved Data Stream Summary: The Count-Min Sketch and its Applications" (2005)
 *   Einziger, Friedman, Manes: "TinyLFU: A Highly Efficient Cache Admission Policy" (2017), the halving
 *
 * Two counters share a byte. Four rows; a key's estimate is the smallest of its four counters. The hash is seeded, so
 * that nobody outside can choose keys that collide.
 */

const ROWS = 4
const MAX_COUNT = 15
/** Increments between two halvings, as a multiple of the counters in a row: TinyLFU's sample size. */
const SAMPLE_FACTOR = 10

export class FrequencySketch {
  readonly #counters: Uint8Array
  readonly #mask: number
  readonly #seed: number
  #additions = 0

  /** Sized for `capacity` keys. `seed` is any 32-bit number. */
  constructor(capacity: number, seed: number) {
    const width = 2 ** Math.ceil(Math.log2(Math.max(64, Math.min(capacity, 2 ** 24))))
    this.#counters = new Uint8Array((width * ROWS) / 2)
    this.#mask = width - 1
    this.#seed = seed | 0
  }

  /** Counts one request for the key. */
  increment(key: string): void {
    const hash = this.#hash(key)
    let added = false
    for (let row = 0; row < ROWS; row++) {
      const slot = this.#slot(hash, row)
      const count = this.#read(slot)
      if (count === MAX_COUNT) continue
      this.#counters[slot >> 1] = (this.#counters[slot >> 1] as number) + ((slot & 1) === 0 ? 1 : 16)
      added = true
    }
    if (added && ++this.#additions >= SAMPLE_FACTOR * (this.#mask + 1)) this.#halve()
  }

  /** Requests counted for the key, 0 to 15; never too low but for halving, sometimes too high. */
  estimate(key: string): number {
    const hash = this.#hash(key)
    let least = MAX_COUNT
    for (let row = 0; row < ROWS; row++) least = Math.min(least, this.#read(this.#slot(hash, row)))
    return least
  }

  #halve(): void {
    for (let i = 0; i < this.#counters.length; i++) {
      this.#counters[i] = ((this.#counters[i] as number) >> 1) & 0b0111_0111
    }
    this.#additions >>= 1
  }

  #read(slot: number): number {
    const pair = this.#counters[slot >> 1] as number
    return (slot & 1) === 0 ? pair & 15 : pair >> 4
  }

  #slot(hash: number, row: number): number {
    let mixed = Math.imul(hash ^ (row + 1), 0x9e37_79b1)
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x85eb_ca6b)
    return row * (this.#mask + 1) + ((mixed ^ (mixed >>> 13)) & this.#mask)
  }

  #hash(key: string): number {
    let hash = this.#seed
    for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x0100_0193)
    return hash ^ (hash >>> 16)
  }
}
