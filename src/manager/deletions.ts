/** What lies on disk and is not held, until it has been removed, by key: it stays for the sake of who stores there meanwhile. */
export class Deletions {
  readonly #counts = new Map<string | undefined, number>()

  get size(): number {
    return this.#counts.size
  }

  has(key: string): boolean {
    return this.#counts.has(key)
  }

  /**
   * Removes, by `remove`, which says whether that is done; where it is not, `remove` has to see to it that what it is given
   * is called again. The key is undefined where nobody knows it.
   */
  async run(key: string | undefined, remove: (again: () => Promise<boolean>) => Promise<boolean>): Promise<boolean> {
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1)
    const attempt = async (): Promise<boolean> => {
      const isDone = await remove(attempt)
      if (isDone) this.#end(key)
      return isDone
    }
    return await attempt()
  }

  #end(key: string | undefined): void {
    const left = (this.#counts.get(key) ?? 0) - 1
    if (left > 0) this.#counts.set(key, left)
    else this.#counts.delete(key)
  }
}
