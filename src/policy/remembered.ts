/**
 * What was worked out about an object, remembered while it is in use and forgotten when others are used more: two
 * generations of a WeakMap, so that a million stored responses do not each carry what only the hot ones need.
 */

/** Objects in one generation. */
const GENERATION = 8_192

export class Remembered<K extends object, V> {
  #young = new WeakMap<K, V>()
  #old = new WeakMap<K, V>()
  #count = 0

  get(key: K): V | undefined {
    const known = this.#young.get(key)
    if (known !== undefined) return known
    const older = this.#old.get(key)
    if (older !== undefined) this.set(key, older)
    return older
  }

  set(key: K, value: V): void {
    if (++this.#count > GENERATION) {
      this.#old = this.#young
      this.#young = new WeakMap()
      this.#count = 1
    }
    this.#young.set(key, value)
  }
}

/** The same for strings, whose results are few or small. */
export class RememberedByText<V> {
  #young = new Map<string, V>()
  #old = new Map<string, V>()

  get(text: string): V | undefined {
    const known = this.#young.get(text)
    if (known !== undefined) return known
    const older = this.#old.get(text)
    if (older !== undefined) this.set(text, older)
    return older
  }

  set(text: string, value: V): V {
    if (text.length > MAX_TEXT) return value
    if (this.#young.size >= MAX_TEXTS) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(text, value)
    return value
  }
}

/** Texts in one generation. */
const MAX_TEXTS = 1_000
/** Characters of a text that is worth it. */
const MAX_TEXT = 512
