/**
 * Synchronous calls as long as they are quick. What the system has in its memory it gives to one in a few microseconds, a
 * fifth of what the way through the thread pool costs; what it has to fetch may take milliseconds, in which the event loop
 * must not stand. So after a slow call a number of them are to go through the pool.
 */

/** Calls through the pool after a slow one; twice as many where the next slow one follows soon, up to the most. */
const PATIENT_CALLS = 16
const MOST_PATIENT_CALLS = 1_024

export class Patience {
  readonly #slowMs: number
  #left = 0
  #next = PATIENT_CALLS

  /** A call that takes longer, in milliseconds, is slow. */
  constructor(slowMs: number) {
    this.#slowMs = slowMs
  }

  get isOn(): boolean {
    return this.#left > 0
  }

  /** Whether the next call is to go through the pool: to be asked once for each. */
  isCalledFor(): boolean {
    if (this.#left === 0) return false
    this.#left--
    return true
  }

  /** Makes a call at once. */
  quickly<T>(call: () => T): T {
    const begun = performance.now()
    try {
      return call()
    } finally {
      if (performance.now() - begun > this.#slowMs) {
        this.#left = this.#next
        this.#next = Math.min(this.#next * 2, MOST_PATIENT_CALLS)
      } else this.#next = Math.max(this.#next - 1, PATIENT_CALLS)
    }
  }
}
