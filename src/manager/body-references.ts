/**
 * How many need each body. Nearly every body is needed once: of those only the name is kept, since a number beside each
 * of a hundred thousand names would take half as much again.
 */
export class BodyReferences {
  readonly #needed = new Set<string>()
  /** How often beyond once. */
  readonly #further = new Map<string, number>()

  has(sha256: string): boolean {
    return this.#needed.has(sha256)
  }

  retain(sha256: string): void {
    if (this.#needed.has(sha256)) this.#further.set(sha256, (this.#further.get(sha256) ?? 0) + 1)
    else this.#needed.add(sha256)
  }

  release(sha256: string): void {
    const further = this.#further.get(sha256)
    if (further === undefined) this.#needed.delete(sha256)
    else if (further > 1) this.#further.set(sha256, further - 1)
    else this.#further.delete(sha256)
  }

  /** Each as often as it was retained. */
  *all(): Generator<string, void, void> {
    for (const sha256 of this.#needed)
      for (let count = this.#further.get(sha256) ?? 0; count >= 0; count--) yield sha256
  }
}
