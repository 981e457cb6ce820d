/**
 * What is remembered by name for a while, so many names at most: the oldest goes first.
 *
 * `TTLCache` keeps a list of names for each millisecond in which some expire, and goes through all the lists for each name
 * that has to make room: 300 µs of 10,000 that have come one after the other. So they expire together, at one of a few
 * moments, and some are remembered for a little longer than they need be.
 */
import { TTLCache } from '@isaacs/ttlcache'

/** Moments in the time for which a name is remembered. */
const MOMENTS = 32

export class Marks<V> {
  readonly #ms: number
  readonly #values: TTLCache<string, V>

  /** For so many milliseconds, and up to a 32nd part of them longer. */
  constructor(max: number, ms: number) {
    this.#ms = ms
    this.#values = new TTLCache<string, V>({ max, ttl: ms, checkAgeOnGet: true, checkAgeOnHas: true })
  }

  /** From now on, whatever was said before; for another number of milliseconds where one is given. */
  set(name: string, value: V, ms: number = this.#ms): void {
    const now = Math.floor(performance.now())
    const step = Math.max(1, Math.floor(ms / MOMENTS))
    const ttl = Math.ceil((now + ms) / step) * step - now
    // The list that it is in already would be looked through for it.
    const noUpdateTTL = Math.abs(this.#values.getRemainingTTL(name) - ttl) <= 1
    this.#values.set(name, value, { ttl, noUpdateTTL })
  }

  get(name: string): V | undefined {
    return this.#values.size === 0 ? undefined : this.#values.get(name)
  }

  has(name: string): boolean {
    return this.#values.size > 0 && this.#values.has(name)
  }

  /** True when there was one. */
  delete(name: string): boolean {
    return this.#values.size > 0 && this.#values.delete(name)
  }

  clear(): void {
    this.#values.clear()
  }

  /** No timer is left. */
  close(): void {
    this.#values.cancelTimer()
  }
}
