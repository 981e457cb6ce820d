/** Why the last answers were not stored, by key, for who asks why something is not there. */

/** Keys of one generation; there are two, so that the latest so many are always known. */
const REMEMBERED = 1_000

export class LastRefusals {
  #young = new Map<string, string>()
  #old = new Map<string, string>()

  note(key: string, reason: string): void {
    if (this.#young.size >= REMEMBERED) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(key, reason)
  }

  forget(key: string): void {
    this.#young.delete(key)
    this.#old.delete(key)
  }

  of(key: string): string | undefined {
    return this.#young.get(key) ?? this.#old.get(key)
  }
}
