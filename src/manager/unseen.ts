/**
 * Records by the hash that names their file, of which a walk over the disk takes out what it comes across. There may be all
 * of a hundred thousand in it: chains of positions, outside V8's heap, instead of a Map of lists by 64 digits each, which
 * live just long enough for V8 to make twice the room for new objects, and to keep it.
 */
import type { StoredResponse } from '../stored-response.ts'

const LEAST_CHAINS = 1_024

export class Unseen {
  readonly #hashOf: (record: StoredResponse) => string
  /** Undefined in the place of those that were taken. */
  readonly #records: (StoredResponse | undefined)[] = []
  /** By the hash's first digits, one more than the position of the last record that has them; 0 for none. */
  readonly #last: Int32Array
  /** By position, the same of the one before in its chain. */
  #before: Int32Array = new Int32Array(LEAST_CHAINS)

  /** `expected`: of about so many records; with more it is slower. */
  constructor(expected: number, hashOf: (record: StoredResponse) => string) {
    this.#hashOf = hashOf
    this.#last = new Int32Array(2 ** Math.ceil(Math.log2(Math.max(LEAST_CHAINS, expected))))
  }

  /** A record whose hash is this. */
  add(record: StoredResponse, hash: string): void {
    const position = this.#records.push(record) - 1
    if (position === this.#before.length) {
      const shorter = this.#before
      this.#before = new Int32Array(2 * shorter.length)
      this.#before.set(shorter)
    }
    const chain = this.#chainOf(hash)
    this.#before[position] = this.#last[chain] as number
    this.#last[chain] = position + 1
  }

  /** Takes out all records of this file. */
  take(hash: string): StoredResponse[] {
    const taken: StoredResponse[] = []
    let link = this.#last[this.#chainOf(hash)] as number
    for (; link > 0; link = this.#before[link - 1] as number) {
      const record = this.#records[link - 1]
      if (record === undefined || this.#hashOf(record) !== hash) continue
      this.#records[link - 1] = undefined
      taken.push(record)
    }
    return taken
  }

  /** What was not taken. */
  *rest(): Generator<StoredResponse, void, void> {
    for (const record of this.#records) if (record !== undefined) yield record
  }

  /** What is no hash, as somebody may have named a file, is in the first chain. */
  #chainOf(hash: string): number {
    return Number.parseInt(hash.slice(0, 8), 16) & (this.#last.length - 1)
  }
}
