/** A hit ratio over the last minutes: counts in slots of ten seconds, of which the oldest is used again. */

const SLOT_MS = 10_000
/** Five minutes. */
const SLOTS = 30

export class RecentRatio {
  readonly #now: () => number
  readonly #hits = new Uint32Array(SLOTS)
  readonly #all = new Uint32Array(SLOTS)
  /** Number of the slot that was counted in last. */
  #last: number

  /** `now` in milliseconds. Of the clocks there are, the one that is read fastest: each hit does. */
  constructor(now: () => number = Date.now) {
    this.#now = now
    this.#last = Math.floor(now() / SLOT_MS)
  }

  count(isHit: boolean): void {
    const slot = this.#turn() % SLOTS
    this.#all[slot] = (this.#all[slot] as number) + 1
    if (isHit) this.#hits[slot] = (this.#hits[slot] as number) + 1
  }

  /** From 0 to 1; undefined where nothing was asked. */
  get value(): number | undefined {
    this.#turn()
    const all = this.#all.reduce((sum, count) => sum + count, 0)
    return all === 0 ? undefined : this.#hits.reduce((sum, count) => sum + count, 0) / all
  }

  #turn(): number {
    const slot = Math.floor(this.#now() / SLOT_MS)
    if (slot === this.#last) return slot
    // A clock that was set back: nobody knows any more how long ago the others are.
    if (slot < this.#last - 1) this.#last = slot - SLOTS
    for (let passed = Math.max(this.#last + 1, slot - SLOTS + 1); passed <= slot; passed++) {
      this.#hits[passed % SLOTS] = 0
      this.#all[passed % SLOTS] = 0
    }
    this.#last = Math.max(this.#last, slot)
    return this.#last
  }
}
