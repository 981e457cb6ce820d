/**
 * What stored responses answer to requests that ask for nothing special (policy/reuse.ts), worked out at the first such
 * request and kept in two numbers each: to work it out once more, the processor would have to fetch their fields from memory.
 */
import type { PolicySettings } from '../policy/cache-request.ts'
import { areAlike, PlainUse } from '../policy/reuse.ts'
import type { StoredResponse } from '../stored-response.ts'

/** Of each place: the initial age, and the lifetime and one, so that 0 says that nothing is known. */
const NUMBERS = 2
const FIRST_PLACES = 1024

export class PlainUses {
  #numbers = new Float64Array(FIRST_PLACES * NUMBERS)
  /** By which they were worked out: those of the first who asked. Who judges otherwise works out his each time. */
  #settings: PolicySettings | undefined

  /** For the response in this place of the catalogue. */
  of(place: number, stored: StoredResponse, settings: PolicySettings): PlainUse {
    this.#settings ??= settings
    if (!areAlike(this.#settings, settings)) return PlainUse.of(stored, settings)
    const at = place * NUMBERS
    const known = this.#numbers[at + 1] ?? 0
    if (known > 0) return new PlainUse(stored.responseTime, this.#numbers[at] as number, known - 1)
    const use = PlainUse.of(stored, settings)
    this.#makeRoom(at + NUMBERS)
    this.#numbers[at] = use.initialAge
    this.#numbers[at + 1] = use.lifetime + 1
    return use
  }

  /** To be called when another response comes into this place. */
  forget(place: number): void {
    const at = place * NUMBERS + 1
    if (at < this.#numbers.length) this.#numbers[at] = 0
  }

  forgetAll(): void {
    this.#numbers = new Float64Array(FIRST_PLACES * NUMBERS)
  }

  #makeRoom(length: number): void {
    if (length <= this.#numbers.length) return
    const numbers = new Float64Array(Math.max(length, this.#numbers.length * 2))
    numbers.set(this.#numbers)
    this.#numbers = numbers
  }
}
