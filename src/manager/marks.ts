/**
 * What is remembered by name for a while, so many names at most: the oldest go first. For what may be forgotten sooner,
 * since a name that is said again and again takes its place in each slice.
 *
 * Names that come one after the other make a slice, and a slice goes as a whole, by its time or to make room.
 * `TTLCache` by itself goes through a list for each millisecond in which some of its keys expire whenever one has to make room:
 * 300 µs of 10,000 that have come in two minutes.
 */
import { TTLCache } from '@isaacs/ttlcache'

interface Mark<V> {
  readonly value: V
  /** By `performance.now()`. */
  readonly until: number
  /** Number of the slice with which it goes. */
  readonly slice: number
}

/** Slices of the names that there may be. */
const SLICES = 32
/** Slices of the time: so many fewer that the last name of one is there for all of its time. */
const TIMES = SLICES - 2

export class Marks<V> {
  readonly #ms: number
  readonly #most: number
  readonly #marks = new Map<string, Mark<V>>()
  readonly #slices: TTLCache<number, string[]>
  #names: string[] = []
  #slice = 0
  #sliceEnds = -Infinity

  /** `max` names, for so many milliseconds. */
  constructor(max: number, ms: number) {
    this.#ms = ms
    this.#most = Math.ceil(max / SLICES)
    this.#slices = new TTLCache({
      max: SLICES,
      ttl: Math.ceil(ms + ms / TIMES),
      dispose: (names, slice) => this.#forget(names, slice),
    })
  }

  /** From now on, whatever was said before; for fewer milliseconds where they are given. */
  set(name: string, value: V, ms: number = this.#ms): void {
    const now = performance.now()
    if (now >= this.#sliceEnds || this.#names.length >= this.#most) this.#begin(now)
    const known = this.#marks.get(name)
    if (known?.slice !== this.#slice) this.#names.push(name)
    this.#marks.set(name, { value, until: now + ms, slice: this.#slice })
  }

  get(name: string): V | undefined {
    const mark = this.#marks.get(name)
    return mark === undefined || performance.now() >= mark.until ? undefined : mark.value
  }

  has(name: string): boolean {
    return this.get(name) !== undefined
  }

  /** True when there was one. */
  delete(name: string): boolean {
    const isThere = this.has(name)
    this.#marks.delete(name)
    return isThere
  }

  clear(): void {
    this.#slices.clear()
    this.#marks.clear()
    this.#sliceEnds = -Infinity
  }

  /** No timer is left. */
  close(): void {
    this.#slices.cancelTimer()
  }

  #begin(now: number): void {
    this.#names = []
    this.#slice++
    this.#sliceEnds = now + this.#ms / TIMES
    this.#slices.set(this.#slice, this.#names)
  }

  #forget(names: readonly string[], slice: number): void {
    for (const name of names) if (this.#marks.get(name)?.slice === slice) this.#marks.delete(name)
  }
}
