/**
 * W-TinyLFU as in its papers: a window of 1 %, main with probation and protected (80 %), a candidate against the victims
 * that it would push out by the sum of their frequencies (the AV rule), the sketch as exact counts that are halved.
 *
 *   Einziger, Friedman, Manes: "TinyLFU: A Highly Efficient Cache Admission Policy" (2017)
 *   Einziger, Eytan, Friedman, Manes: "Lightweight Robust Size Aware Cache Management" (2022)
 */
import type { Policy, PolicySource } from './policy.ts'

const WINDOW_SHARE = 0.01
const PROTECTED_SHARE = 0.8
const MAX_FREQUENCY = 15
/** Requests between two halvings for each mean entry that fits. */
const SAMPLE_FACTOR = 10

export const wTinyLfu: PolicySource = {
  name: 'W-TinyLFU 1 %',
  create: (capacity, { objectCount, sizes }) => new StaticWTinyLfu(capacity, objectCount, sizes),
}

class Segment {
  /** Least recently used first. */
  readonly sizes = new Map<number, number>()
  held = 0

  add(object: number, size: number): void {
    this.sizes.set(object, size)
    this.held += size
  }

  take(object: number): number | undefined {
    const size = this.sizes.get(object)
    if (size === undefined) return undefined
    this.sizes.delete(object)
    this.held -= size
    return size
  }

  oldest(): number | undefined {
    return this.sizes.keys().next().value
  }
}

class StaticWTinyLfu implements Policy {
  readonly #window = new Segment()
  readonly #probation = new Segment()
  readonly #protected = new Segment()
  readonly #counts: Uint8Array
  readonly #sampleSize: number
  readonly #windowSize: number
  readonly #mainSize: number
  #sampled = 0

  constructor(capacity: number, objectCount: number, sizes: Uint32Array) {
    let total = 0
    for (const size of sizes) total += size
    this.#counts = new Uint8Array(objectCount)
    this.#sampleSize = SAMPLE_FACTOR * Math.max(16, (capacity / total) * objectCount)
    this.#windowSize = Math.max(1, Math.floor(capacity * WINDOW_SHARE))
    this.#mainSize = capacity - this.#windowSize
  }

  held(): number {
    return this.#window.held + this.#probation.held + this.#protected.held
  }

  request(object: number, size: number): boolean {
    this.#count(object)
    if (this.#hit(object)) return true
    this.#window.add(object, size)
    while (this.#window.held > this.#windowSize) {
      const candidate = this.#window.oldest() as number
      this.#offer(candidate, this.#window.take(candidate) as number)
    }
    return false
  }

  #hit(object: number): boolean {
    const inWindow = this.#window.take(object)
    if (inWindow !== undefined) {
      this.#window.add(object, inWindow)
      return true
    }
    const size = this.#probation.take(object) ?? this.#protected.take(object)
    if (size === undefined) return false
    this.#protected.add(object, size)
    while (this.#protected.held > this.#mainSize * PROTECTED_SHARE) {
      const demoted = this.#protected.oldest() as number
      this.#probation.add(demoted, this.#protected.take(demoted) as number)
    }
    return true
  }

  #offer(candidate: number, size: number): void {
    const missing = this.#probation.held + this.#protected.held + size - this.#mainSize
    const victims: number[] = []
    let freed = 0
    let sum = 0
    for (const segment of [this.#probation, this.#protected]) {
      for (const [victim, victimSize] of segment.sizes) {
        if (freed >= missing) break
        victims.push(victim)
        freed += victimSize
        sum += this.#counts[victim] as number
      }
    }
    if (freed < missing || (missing > 0 && (this.#counts[candidate] as number) <= sum)) return
    for (const victim of victims) if (this.#probation.take(victim) === undefined) this.#protected.take(victim)
    this.#probation.add(candidate, size)
  }

  #count(object: number): void {
    this.#counts[object] = Math.min(MAX_FREQUENCY, (this.#counts[object] as number) + 1)
    if (++this.#sampled < this.#sampleSize) return
    this.#sampled = 0
    for (let at = 0; at < this.#counts.length; at++) this.#counts[at] = (this.#counts[at] as number) >> 1
  }
}
