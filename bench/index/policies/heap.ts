/** The object with the least priority, by a binary heap that leaves out-of-date places behind and skips them later. */
export class LazyHeap {
  readonly #priorities: number[] = []
  readonly #objects: number[] = []
  readonly #current = new Map<number, number>()

  set(object: number, priority: number): void {
    this.#current.set(object, priority)
    this.#objects.push(object)
    this.#priorities.push(priority)
    this.#up(this.#objects.length - 1)
  }

  delete(object: number): void {
    this.#current.delete(object)
  }

  /** Takes out the object with the least priority. */
  shift(): { object: number; priority: number } | undefined {
    while (this.#objects.length > 0) {
      const object = this.#objects[0] as number
      const priority = this.#priorities[0] as number
      this.#dropFirst()
      if (this.#current.get(object) !== priority) continue
      this.#current.delete(object)
      return { object, priority }
    }
    return undefined
  }

  #dropFirst(): void {
    const object = this.#objects.pop() as number
    const priority = this.#priorities.pop() as number
    if (this.#objects.length === 0) return
    this.#objects[0] = object
    this.#priorities[0] = priority
    this.#down(0)
  }

  #up(from: number): void {
    for (let at = from; at > 0;) {
      const parent = (at - 1) >> 1
      if (!this.#isLess(at, parent)) return
      this.#swap(at, parent)
      at = parent
    }
  }

  #down(from: number): void {
    for (let at = from; ;) {
      let least = at
      for (const child of [at * 2 + 1, at * 2 + 2]) {
        if (child < this.#objects.length && this.#isLess(child, least)) least = child
      }
      if (least === at) return
      this.#swap(at, least)
      at = least
    }
  }

  #isLess(a: number, b: number): boolean {
    return (this.#priorities[a] as number) < (this.#priorities[b] as number)
  }

  #swap(a: number, b: number): void {
    for (const values of [this.#objects, this.#priorities]) {
      const held = values[a] as number
      values[a] = values[b] as number
      values[b] = held
    }
  }
}
