/**
 * Marks of what cannot be shared ("hit-for-miss"): the last answer was uncacheable, so that the next callers need not wait
 * for one another's to find out that it still is. A storable answer takes the mark away.
 */
import { Marks } from './marks.ts'

/** Marks at a time; the oldest goes first. */
const MAX_MARKS = 10_000
/** Milliseconds for which an answer counts as uncacheable. Nothing is lost by a mark that stays too long but one wave of callers. */
const UNCACHEABLE_MS = 120_000
/**
 * The same for what says nothing of the next answer: an origin that fails, and is to be spared when it comes back, or a
 * full cache.
 */
const FOR_NOW_MS = 1_000

export class HitForMiss {
  readonly #marks = new Marks<true>(MAX_MARKS, UNCACHEABLE_MS)

  mark(name: string, because: 'uncacheable' | 'for-now'): void {
    this.#marks.set(name, true, because === 'for-now' ? FOR_NOW_MS : UNCACHEABLE_MS)
  }

  unmark(name: string): void {
    this.#marks.delete(name)
  }

  has(name: string): boolean {
    return this.#marks.has(name)
  }

  close(): void {
    this.#marks.close()
  }
}
