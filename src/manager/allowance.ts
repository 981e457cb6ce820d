/**
 * How much a follower may store before the leader, which evicts for all, has heard of it: without a bound a leader that
 * is slow, or dead and not replaced yet, would let the directory outgrow its limits. What is over it is not stored.
 */
import type { ResolvedManagerOptions } from './options.ts'

/** The share of each limit that one follower may be ahead; a single response may be larger. */
const SHARE = 1 / 16
/** After so many milliseconds a store counts as heard of: the leader may have changed, and looks at all that is there. */
const HEARD_MS = 5_000

interface Store {
  readonly size: number
  readonly at: number
}

export class Allowance {
  readonly #maxEntries: number
  readonly #maxSize: number
  /** By sha256 of the body, oldest first. */
  readonly #unheard = new Map<string, Store>()
  #size = 0

  constructor({ maxEntries, maxSize }: Pick<ResolvedManagerOptions, 'maxEntries' | 'maxSize'>) {
    this.#maxEntries = maxEntries * SHARE
    this.#maxSize = maxSize * SHARE
  }

  /** Whether so many bytes on disk may be stored now. */
  allows(size: number): boolean {
    const before = performance.now() - HEARD_MS
    for (const [sha256, { at }] of this.#unheard) {
      if (at > before) break
      this.heard(sha256)
    }
    if (this.#unheard.size === 0) return true
    return this.#unheard.size < this.#maxEntries && this.#size + size <= this.#maxSize
  }

  stored(sha256: string, size: number): void {
    this.heard(sha256)
    this.#unheard.set(sha256, { size, at: performance.now() })
    this.#size += size
  }

  heard(sha256: string): void {
    this.#size -= this.#unheard.get(sha256)?.size ?? 0
    this.#unheard.delete(sha256)
  }
}
