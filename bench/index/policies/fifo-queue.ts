/** A first-in, first-out queue of object numbers. */
export class FifoQueue {
  #objects: number[] = []
  #head = 0

  push(object: number): void {
    this.#objects.push(object)
  }

  shift(): number | undefined {
    const object = this.#objects[this.#head]
    if (object === undefined) return undefined
    this.#head++
    if (this.#head > 1024 && this.#head * 2 > this.#objects.length) {
      this.#objects = this.#objects.slice(this.#head)
      this.#head = 0
    }
    return object
  }
}
