/**
 * A cache directory looked at from outside, beside whoever has it open or by itself: nothing is written, nothing swept,
 * nobody joined. For the command line: a manager, even one that is only asked, takes the directory over when it is alone.
 *
 * Records are those on disk, as fresh as the last snapshot says: what a running process has freshened since then shows
 * with its next one.
 */
import { resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { ContentStore } from '../content-store/content-store.ts'
import type { Stretch } from '../content-store/history-file.ts'
import type { Member } from '../content-store/presence.ts'
import type { Snapshot } from '../content-store/snapshot-file.ts'
import { MetadataIndex, type RankedEntry } from '../metadata-index/metadata-index.ts'
import { cacheKey } from '../policy/cache-key.ts'
import { entryKey, type StoredResponse } from '../stored-response.ts'
import { survey, type Watch } from './audit.ts'
import { diskSize } from './disk-use.ts'
import { resolveManagerOptions } from './options.ts'
import { normalisedKey } from './streaming-manager.ts'
import { toCachedResponse } from './views.ts'

export type { Stretch } from '../content-store/history-file.ts'
export type { RankedEntry } from '../metadata-index/metadata-index.ts'

export class Inspection {
  readonly store: ContentStore
  readonly #snapshot: Snapshot | undefined
  readonly #known: ReadonlyMap<string, StoredResponse>

  private constructor(store: ContentStore, snapshot: Snapshot | undefined) {
    this.store = store
    this.#snapshot = snapshot
    const records = (snapshot?.records ?? []).filter((record) => record !== undefined)
    this.#known = new Map(records.map((record) => [entryKey(record.key, record.variant), record]))
  }

  /** @throws {DirectoryError} when there is no cache in the directory, or it is not to be trusted */
  static async open(directory: string): Promise<Inspection> {
    const store = await ContentStore.existing(resolve(directory), resolveManagerOptions())
    return new Inspection(store, await store.readSnapshot(() => true))
  }

  get directory(): string {
    return this.store.directory
  }

  /** Who has it open, the leader first. */
  async members(): Promise<Member[]> {
    return await this.store.members()
  }

  /** What the cache was worth over time, as far as processes have noted it. */
  async history(): Promise<Stretch[]> {
    return await this.store.readHistory()
  }

  /** Everything stored, in no order. Rejects when the signal aborts it. */
  async records(watch: Watch): Promise<StoredResponse[]> {
    const { records } = await survey(this.store, watch)
    return records.map((record) => this.#freshest(record))
  }

  /**
   * What is stored for a URL, or under a key of an entry: all variants, its HEAD answer, and what was stored for other
   * hosts or partitions.
   * @throws {InvalidOptionError} when it is no absolute URL
   */
  async find(url: string, watch: Watch): Promise<StoredResponse[]> {
    const key = normalisedKey(url)
    const keys = key.includes(' ') ? [key] : [key, cacheKey('HEAD', key)]
    const found = (await Promise.all(keys.map((each) => this.store.readBucket(each)))).flat()
    if (found.length > 0) return found.map((record) => this.#freshest(record))
    const isMeant = (record: StoredResponse) =>
      keys.some((each) => record.key.startsWith(`${each}#`)) || entryKey(record.key, record.variant) === key
    return (await this.records(watch)).filter(isMeant)
  }

  /**
   * The body in checked chunks.
   * @throws {ContentError} when it is missing, short, or damaged at its beginning
   */
  async body(record: StoredResponse): Promise<Readable> {
    return toCachedResponse(record, await this.store.openBody(record.body)).body
  }

  /**
   * These records by what they stand on, in the order in which they would go. What came after the last snapshot counts
   * as a newcomer. Undefined where there is no snapshot: the order is in the memory of whoever has the directory open.
   */
  ranking(records: readonly StoredResponse[]): RankedEntry<StoredResponse>[] | undefined {
    const snapshot = this.#snapshot
    if (snapshot === undefined) return undefined
    const left = new Map(records.map((record) => [entryKey(record.key, record.variant), record]))
    const index = new MetadataIndex<StoredResponse>({ maxEntries: Infinity, maxWeight: Infinity })
    const entryAt = (position: number) => {
      const known = snapshot.records[position]
      if (known === undefined) return undefined
      const key = entryKey(known.key, known.variant)
      const value = left.get(key)
      left.delete(key)
      return value && { key, value, weight: diskSize(value) }
    }
    if (!index.restore(snapshot.index, entryAt)) return undefined
    for (const [name, record] of left) index.set(name, record, diskSize(record))
    return [...index.ranking()]
  }

  /** Freshening is in memory and snapshot only. */
  #freshest(record: StoredResponse): StoredResponse {
    const known = this.#known.get(entryKey(record.key, record.variant))
    const isNewer = known?.body.sha256 === record.body.sha256 && known.responseTime >= record.responseTime
    return isNewer ? known : record
  }
}
