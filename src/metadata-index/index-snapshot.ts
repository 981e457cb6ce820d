/**
 * A snapshot of the index that is read while the index goes on: taking it copies typed arrays and an array of references,
 * and nothing is walked over before somebody asks for the values, one by one.
 */
import { PLACE_WORDS, writeSnapshot } from './snapshot.ts'
import type { PlacedSlots, PolicyState } from './w-tinylfu.ts'

export class IndexSnapshot<V> {
  readonly #policy: PolicyState
  readonly #slots: PlacedSlots
  /** By slot. */
  readonly #values: readonly (V | undefined)[]
  readonly #places: Int32Array

  constructor(policy: PolicyState, slots: PlacedSlots, values: readonly (V | undefined)[], entryCount: number) {
    this.#policy = policy
    this.#slots = slots
    this.#values = values
    this.#places = new Int32Array(entryCount * PLACE_WORDS)
  }

  /** Everything held, in the order of `entries()`. */
  *values(): Generator<V, void, void> {
    let at = 0
    for (const slot of this.#slots) {
      this.#places[at++] = this.#slots.placeOf(slot)
      this.#places[at++] = this.#slots.priorityOf(slot)
      yield this.#values[slot] as V
    }
  }

  /** All else, for `restore`; to be asked for when all values have been read. */
  state(): Uint8Array<ArrayBuffer> {
    return writeSnapshot({ ...this.#policy, places: this.#places })
  }
}
