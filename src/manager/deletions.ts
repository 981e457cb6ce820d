/** What lies on disk and is not held, until it has been removed, by key: it stays for the sake of who stores there meanwhile. */
export class Deletions {
  readonly #counts = new Map<string | undefined, number>()

  get size(): number {
    return this.#counts.size
  }

  has(key: string): boolean {
    return this.#counts.has(key)
  }

  /** Returns what is to be called at its end. The key is undefined where nobody knows it. */
  begin(key: string | undefined): () => void {
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1)
    return () => {
      const left = (this.#counts.get(key) ?? 0) - 1
      if (left > 0) this.#counts.set(key, left)
      else this.#counts.delete(key)
    }
  }
}
