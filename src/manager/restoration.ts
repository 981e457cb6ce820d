/**
 * The time from the start until the snapshot has been taken in. Hits are served from what the disk says meanwhile, and
 * what is done away with must not come back with the snapshot: it is noted here.
 */
import { entryKey, type StoredResponse } from '../stored-response.ts'
import type { Catalogue } from './catalogue.ts'

export class Restoration {
  /** Resolves when the snapshot has been taken in, or it is known that it will not be. */
  readonly ended: Promise<void>
  readonly end: () => void
  #isAwaited = false
  #isVoid = false
  /** By name, the newest record of it that was removed. */
  readonly #gone = new Map<string, StoredResponse>()
  /** Keys of which all that the disk has is held. */
  readonly #looked = new Set<string>()
  readonly #invalidated = new Set<string>()
  #hasInvalidatedGroups = false

  constructor() {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.ended = promise
    this.end = resolve
  }

  /** Somebody waits for the end, or something was done away with: the old snapshot cannot stay as it is. */
  get isDue(): boolean {
    const isAnythingGone = this.#gone.size > 0 || this.#invalidated.size > 0 || this.#hasInvalidatedGroups
    return this.#isAwaited || this.#isVoid || isAnythingGone
  }

  /** Nothing of what the snapshot says can be trusted any more. */
  get isVoid(): boolean {
    return this.#isVoid
  }

  async wait(): Promise<void> {
    this.#isAwaited = true
    await this.ended
  }

  makeVoid(): void {
    this.#isVoid = true
  }

  noteRemoval(record: StoredResponse): void {
    const name = entryKey(record.key, record.variant)
    const before = this.#gone.get(name)
    if (before === undefined || before.responseTime < record.responseTime) this.#gone.set(name, record)
  }

  /** What lies on disk for this key is held from now on. */
  noteLook(key: string): void {
    this.#looked.add(key)
  }

  noteInvalidation(key: string): void {
    this.#invalidated.add(key)
  }

  noteGroups(): void {
    this.#hasInvalidatedGroups = true
  }

  /** Takes out of what a snapshot has brought what was removed since the start, or is void. Returns what is void. */
  apply(restored: Catalogue, isOutdated: (record: StoredResponse) => boolean): StoredResponse[] {
    for (const record of this.#gone.values()) {
      const found = restored.current(record)
      if (found !== undefined && found.responseTime <= record.responseTime) restored.remove(found)
    }
    for (const key of this.#looked) for (const record of restored.variants(key)) restored.remove(record)
    const invalidated = [...this.#invalidated].flatMap((key) => [key, ...restored.equivalents(key)])
    const suspects = this.#hasInvalidatedGroups
      ? [...restored.records()]
      : [...new Set(invalidated)].flatMap((key) => restored.variants(key))
    const outdated = suspects.filter(isOutdated)
    for (const record of outdated) restored.remove(record)
    return outdated
  }
}
