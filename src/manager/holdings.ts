/**
 * Memory and disk in step: what enters or leaves the catalogue enters or leaves the directory.
 *
 * Invariants:
 * - a record in the catalogue has its bucket line and its content on disk, or is found out at its first hit and dropped;
 * - a body's file goes with the last record that needs it, and never while one is about to be added;
 * - a fault of the disk is counted and published, and thrown to nobody.
 */
import type { ContentStore } from '../content-store/content-store.ts'
import type { Snapshot } from '../content-store/snapshot-file.ts'
import { entryKey, type StoredResponse } from '../stored-response.ts'
import { Catalogue, diskSize, type CatalogueOptions, type Removed } from './catalogue.ts'
import type { Statistics } from './statistics.ts'
import { TaskSet } from './task-set.ts'

export class Holdings {
  readonly catalogue: Catalogue
  readonly store: ContentStore
  readonly tasks: TaskSet = new TaskSet()
  readonly #statistics: Statistics
  /** Changed since the last snapshot. */
  #isDirty = false

  constructor(store: ContentStore, statistics: Statistics, options: CatalogueOptions) {
    this.store = store
    this.#statistics = statistics
    this.catalogue = new Catalogue(options)
  }

  /** Takes a record found on disk into the catalogue, unless one as new is there. */
  adopt(record: StoredResponse): void {
    const current = this.catalogue.current(record)
    if (current === undefined || current.responseTime < record.responseTime) this.#release(this.catalogue.add(record))
  }

  /** Takes in what a snapshot holds, in the order and with the history that it had. */
  restore(snapshot: Snapshot): void {
    const records = new Map(snapshot.records.map((record) => [entryKey(record.key, record.variant), record]))
    if (this.catalogue.restore(snapshot.index, records)) {
      // The limits may be smaller than those of before.
      const left = Array.from(records.values()).filter((record) => !this.catalogue.holds(record))
      this.#release(left.map((stored) => ({ stored, reason: 'size' })))
    } else for (const record of records.values()) this.adopt(record)
  }

  /** Writes a record whose body has its final name, then holds it. Rejects when the disk does not take it. */
  async add(record: StoredResponse): Promise<void> {
    await this.store.updateBucket(record.key, (records) => [...withoutVariant(records, record), record])
    this.#isDirty = true
    this.#release(this.catalogue.add(record))
  }

  /** Another record over the same body in the place of this one: in memory only, the bucket is not written. */
  update(before: StoredResponse, after: StoredResponse): void {
    this.catalogue.update(before, after)
    this.#isDirty = true
  }

  /** Takes out this very record, if it is held. */
  remove(stored: StoredResponse): boolean {
    if (!this.catalogue.remove(stored)) return false
    this.#isDirty = true
    this.#background('delete', stored.key, this.#erase(stored.key, stored))
    return true
  }

  /** Takes out all variants of a key. */
  removeKey(key: string): boolean {
    const held = this.catalogue.variants(key)
    for (const stored of held) this.remove(stored)
    return held.length > 0
  }

  /** Takes out what only the disk may know of a key. */
  eraseKey(key: string): void {
    this.#background('delete', key, this.#erase(key))
  }

  removeAll(): void {
    for (const stored of [...this.catalogue.records()]) this.remove(stored)
  }

  resize(maxEntries: number, maxSize: number): void {
    this.#release(this.catalogue.resize(maxEntries, maxSize))
  }

  /** While `work` runs, this body counts as needed: nothing removes it between its publication and its record's. */
  async guarding<T>(sha256: string, work: () => Promise<T>): Promise<T> {
    this.catalogue.retain(sha256)
    try {
      return await work()
    } finally {
      this.catalogue.release(sha256)
      this.#removeUnneeded(sha256)
    }
  }

  /** Writes the snapshot if anything has changed since the last one. */
  async writeSnapshot(): Promise<void> {
    if (!this.#isDirty) return
    this.#isDirty = false
    try {
      await this.store.writeSnapshot(this.catalogue.records(), this.catalogue.snapshot())
    } catch (error) {
      this.#isDirty = true
      this.#statistics.fault('snapshot', error)
    }
  }

  #release(removed: readonly Removed[]): void {
    for (const { stored, reason } of removed) {
      this.#isDirty = true
      if (reason === 'replaced') this.#removeUnneeded(stored.body.sha256)
      else {
        this.#statistics.evicted({ key: stored.key, reason, size: diskSize(stored) })
        this.#background('delete', stored.key, this.#erase(stored.key, stored))
      }
    }
  }

  /** Removes from the disk what the catalogue does not hold: one record, or all of a key, and their bodies. */
  async #erase(key: string, only?: StoredResponse): Promise<void> {
    const erased = new Set(only === undefined ? [] : [only.body.sha256])
    await this.store.updateBucket(key, (records) =>
      records.filter((record) => {
        // A newer response of the same name may have come: it stays.
        const stays =
          (only !== undefined && record.variant !== only.variant) || this.catalogue.current(record) !== undefined
        if (!stays) erased.add(record.body.sha256)
        return stays
      }),
    )
    for (const sha256 of erased) await this.#removeBody(sha256)
  }

  #removeUnneeded(sha256: string): void {
    if (!this.catalogue.isReferenced(sha256)) this.#background('delete', undefined, this.#removeBody(sha256))
  }

  async #removeBody(sha256: string): Promise<void> {
    if (this.catalogue.isReferenced(sha256)) return
    await this.store.removeBody(sha256, () => this.catalogue.isReferenced(sha256))
  }

  #background(operation: string, key: string | undefined, work: Promise<unknown>): void {
    this.tasks.add(work.catch((error) => this.#statistics.fault(operation, error, key)))
  }
}

function withoutVariant(records: readonly StoredResponse[], { variant }: StoredResponse): StoredResponse[] {
  return records.filter((record) => record.variant !== variant)
}
