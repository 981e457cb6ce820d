/** Which stored responses have which tag, so that purging by one does not look at all the others. */
import { entryKey, type StoredResponse } from '../stored-response.ts'

type Tagged = Pick<StoredResponse, 'key' | 'variant' | 'tags'>

export class Tags {
  /** Entry keys by tag. */
  readonly #names = new Map<string, Set<string>>()

  note({ key, variant, tags }: Tagged): void {
    for (const tag of tags ?? []) {
      const names = this.#names.get(tag) ?? new Set()
      this.#names.set(tag, names.add(entryKey(key, variant)))
    }
  }

  forget({ key, variant, tags }: Tagged): void {
    for (const tag of tags ?? []) {
      const names = this.#names.get(tag)
      names?.delete(entryKey(key, variant))
      if (names?.size === 0) this.#names.delete(tag)
    }
  }

  /** Entry keys of all that has this tag. */
  namesOf(tag: string): string[] {
    return [...(this.#names.get(tag) ?? [])]
  }
}
