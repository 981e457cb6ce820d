/** Bodies that may be needed no more, noted until somebody can tell: by sha256, oldest first. */

/** So many at most: what is over this is left to the sweep. */
const MAX_DOUBTFUL = 100_000

export class DoubtfulBodies {
  readonly #bodies = new Set<string>()

  get size(): number {
    return this.#bodies.size
  }

  add(sha256: string): void {
    this.#bodies.add(sha256)
    if (this.#bodies.size <= MAX_DOUBTFUL) return
    for (const oldest of this.#bodies) {
      this.#bodies.delete(oldest)
      break
    }
  }

  /** All of them, noted no longer. */
  take(): string[] {
    const bodies = [...this.#bodies]
    this.#bodies.clear()
    return bodies
  }
}
