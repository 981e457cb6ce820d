/**
 * What was worked out of a text, where the same few come again and again: two generations of a Map, so that a value of its
 * own in each response does not push out what many say.
 */

/** Texts in one generation. */
const MAX_TEXTS = 1_000
/** Characters of a text that is worth it, unless another number is given. */
const MAX_TEXT = 512

export class RememberedByText<V> {
  #young = new Map<string, V>()
  #old = new Map<string, V>()
  readonly #maxText: number

  constructor(maxText: number = MAX_TEXT) {
    this.#maxText = maxText
  }

  get(text: string): V | undefined {
    const known = this.#young.get(text)
    if (known !== undefined) return known
    const older = this.#old.get(text)
    if (older !== undefined) this.set(text, older)
    return older
  }

  set(text: string, value: V): V {
    if (text.length > this.#maxText) return value
    if (this.#young.size >= MAX_TEXTS) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(text, value)
    return value
  }
  forget(text: string): void {
    this.#young.delete(text)
    this.#old.delete(text)
  }
}
