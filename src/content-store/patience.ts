/**
 * Synchronous calls, in slices of the event loop's time, as long as they are quick. What the system has in its memory it
 * gives to one in a few microseconds, and what is written it takes there as soon: a fifth of what the way through the thread
 * pool costs. What it has to fetch, or to make room for, may take milliseconds, in which the event loop must not stand. So
 * after a slow call a number of them are to go through the pool.
 */
import { Pace } from './pace.ts'

/** Calls through the pool after a slow one; twice as many where the next slow one follows soon, up to the most. */
const PATIENT_CALLS = 16
const MOST_PATIENT_CALLS = 1_024

export class Patience {
  readonly pace: Pace = new Pace()
  /** Milliseconds that slow calls have taken, all together. */
  blockedMs = 0
  readonly #slowMs: number
  #left = 0
  #next = PATIENT_CALLS

  /** A call that takes longer, in milliseconds, is slow. */
  constructor(slowMs: number) {
    this.#slowMs = slowMs
  }

  /** Calls go through the pool now. */
  get isOn(): boolean {
    return this.#left > 0
  }

  /** Whether the next call is to go through the pool: to be asked once for each. */
  isCalledFor(): boolean {
    if (this.#left === 0) return false
    this.#left--
    return true
  }

  /** Makes a call at once as long as such calls are quick. */
  async call<T>(now: () => T, patiently: () => Promise<T>): Promise<T> {
    if (this.isCalledFor()) return await patiently()
    if (this.pace.isOver) await this.pace.rest()
    return this.quickly(now)
  }

  /** Makes a call at once. */
  quickly<T>(call: () => T): T {
    const begun = performance.now()
    try {
      return call()
    } finally {
      const took = performance.now() - begun
      if (took > this.#slowMs) {
        this.blockedMs += took
        this.#left = this.#next
        this.#next = Math.min(this.#next * 2, MOST_PATIENT_CALLS)
      } else this.#next = Math.max(this.#next - 1, PATIENT_CALLS)
    }
  }
}
