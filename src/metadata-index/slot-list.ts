/** Slots in a row, to be filled and emptied again and again: emptying an array by its length costs more than an eviction. */
export class SlotList {
  readonly #slots: number[] = []
  #length = 0

  get length(): number {
    return this.#length
  }

  at(index: number): number {
    return this.#slots[index] as number
  }

  push(slot: number): void {
    this.#slots[this.#length++] = slot
  }

  clear(): void {
    this.#length = 0
  }
}
