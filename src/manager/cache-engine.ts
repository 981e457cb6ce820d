/**
 * What the interceptor and the manager's public methods work on: look up, open, store, freshen, invalidate.
 * Nothing here throws for a fault of the disk: it is counted, published, and the request goes on.
 */
import type { BodyReader } from '../content-store/body-reader.ts'
import type { ContentStore } from '../content-store/content-store.ts'
import { isOutOfDescriptors } from '../content-store/descriptors.ts'
import type { Membership } from '../content-store/membership.ts'
import { isMissing } from '../content-store/opening.ts'
import { keyOfGet } from '../policy/cache-key.ts'
import type { CacheRequest, PolicySettings } from '../policy/cache-request.ts'
import { mayReuse } from '../policy/reuse.ts'
import type { StoredHead } from '../policy/storing.ts'
import { entryKey, type StoredResponse } from '../stored-response.ts'
import type { Catalogue, Selection } from './catalogue.ts'
import { Committer } from './committer.ts'
import { Freshening } from './freshening.ts'
import { HitForMiss } from './hit-for-miss.ts'
import { Holdings } from './holdings.ts'
import { Invalidations, isOfGroups } from './invalidations.ts'
import type { Lookup } from './lookup.ts'
import { Marks } from './marks.ts'
import { MemoryTier, SMALL_BODY } from './memory-tier.ts'
import type { ResolvedManagerOptions } from './options.ts'
import type { PendingStore } from './pending-store.ts'
import { QuickLookup } from './quick-lookup.ts'
import { Statistics } from './statistics.ts'
import { synchronise } from './synchronise.ts'

/** Keys that were looked for on disk in vain: how many are remembered, and for how long. */
const ABSENT_KEYS = 10_000
const ABSENT_MS = 1_000
/** Keys whose responses say no-cache and have no validator, so that storing them helps nobody: as above. */
const VALIDATED_KEYS = 10_000
const VALIDATED_MS = 3_600_000

export class CacheEngine {
  readonly options: ResolvedManagerOptions
  readonly statistics: Statistics = new Statistics()
  readonly holdings: Holdings
  readonly freshening: Freshening
  readonly memory: MemoryTier
  readonly hitForMiss: HitForMiss = new HitForMiss()
  readonly #invalidations = new Invalidations()
  readonly #committer: Committer
  readonly #quickLookup: QuickLookup
  #limits: Pick<ResolvedManagerOptions, 'maxEntries' | 'maxSize'>
  #closed = false
  readonly #revalidating = new Set<string>()
  readonly #validatedAlways = new Marks<true>(VALIDATED_KEYS, VALIDATED_MS)
  readonly #absent = new Marks<true>(ABSENT_KEYS, ABSENT_MS)

  constructor(store: ContentStore, membership: Membership, options: ResolvedManagerOptions) {
    this.options = options
    this.#limits = options
    this.memory = new MemoryTier(options.maxMemory)
    this.holdings = new Holdings(store, membership, this.statistics, options, (stored) => this.memory.remove(stored))
    this.freshening = new Freshening(this.holdings, this.statistics, options)
    this.#committer = new Committer(this.holdings, this.#invalidations, this.statistics, options)
    this.#quickLookup = new QuickLookup(this.memory, this.holdings, this.#committer)
  }

  get catalogue(): Catalogue {
    return this.holdings.catalogue
  }

  get isClosed(): boolean {
    return this.#closed
  }

  get limits(): Pick<ResolvedManagerOptions, 'maxEntries' | 'maxSize'> {
    return { maxEntries: this.#limits.maxEntries, maxSize: this.#limits.maxSize }
  }

  /** To be remembered when a request is sent: what is invalidated after it is not stored by its answer. */
  get generation(): number {
    return this.#invalidations.generation
  }

  /** Whether something was invalidated after this generation that a response with these fields would answer for. */
  isInvalidatedSince(generation: number, response: Pick<StoredResponse, 'key' | 'fields'>): boolean {
    return this.#invalidations.concern(response, generation)
  }

  /**
   * Synchronous: index by cache key, variant by Vary, policy on top. `isAgain` when the same request has been looked up
   * before: it counts once.
   */
  lookup(request: CacheRequest, settings: PolicySettings, isAgain = false): Lookup {
    const now = this.options.clock()
    if (request.method === 'HEAD') {
      // "The HEAD method is identical to GET except that the server MUST NOT send content": a stored GET answers it.
      const byGet = this.#lookupKey(keyOfGet(request.key), request, settings, now, isAgain)
      if (byGet.outcome === 'hit' || byGet.outcome === 'pending') return byGet
    } else if (!isAgain) {
      const hit = this.#quickLookup.find(request, settings, now)
      if (hit !== undefined) return hit
    }
    return this.#lookupKey(request.key, request, settings, now, isAgain)
  }

  #lookupKey(key: string, request: CacheRequest, settings: PolicySettings, now: number, isAgain: boolean): Lookup {
    const commit = this.#committer.underWay(key)
    if (commit !== undefined) return { outcome: 'pending', ready: commit }
    const selection = this.#select(key, request, settings, now)
    const { stored, varies } = selection
    if (stored === undefined && this.#mayLieOnDisk(key)) return { outcome: 'pending', ready: this.#load(key) }
    if (!isAgain) this.catalogue.countRequest(selection)
    const { name } = selection
    const because = varies ? 'vary-miss' : 'uri-miss'
    if (stored === undefined) return { outcome: 'miss', because, name }
    const reuse = mayReuse(stored, request, now, settings)
    if (reuse.use === 'serve') {
      const { age, ttl, revalidate } = reuse
      return { outcome: 'hit', stored, hot: this.memory.get(stored), age, ttl, revalidate }
    }
    if (reuse.use === 'validate') return { outcome: 'validate', stored, because: reuse.because, name }
    return { outcome: 'miss', because, name }
  }

  /** What is stored under the key, or, where nothing is, what says that it answers this key as well and may do so now. */
  #select(key: string, request: CacheRequest, settings: PolicySettings, now: number): Selection {
    const own = this.catalogue.select(key, request)
    if (own.stored !== undefined || !settings.noVarySearch) return own
    for (const equivalent of this.catalogue.equivalents(key)) {
      const selection = this.catalogue.select(equivalent, request)
      const isUsable = selection.stored && mayReuse(selection.stored, request, now, settings).use === 'serve'
      if (isUsable) return selection
    }
    return own
  }

  /** The most recent stored response of a key, once what is under way for it has ended. */
  async newest(key: string): Promise<StoredResponse | undefined> {
    await this.#committer.underWay(key)
    if (this.catalogue.variants(key).length === 0 && this.#mayLieOnDisk(key)) {
      await this.#load(key)
      this.#absent.delete(key)
    }
    return this.catalogue.newest(key)
  }

  /** Whether the disk has to be asked about a key of which what is wanted is not in memory. */
  #mayLieOnDisk(key: string): boolean {
    if (this.holdings.isWhole || this.#closed) return false
    // Another process may store it at any time: that it was not there is good for one lookup.
    if (this.holdings.membership.hasCompany) return !this.#absent.delete(key)
    return !this.#absent.has(key) && this.catalogue.variants(key).length === 0
  }

  async #load(key: string): Promise<void> {
    try {
      for (const record of await this.holdings.store.readBucket(key)) this.adopt(record)
    } catch (error) {
      this.statistics.fault('read', error, key)
    }
    this.#absent.set(key, true)
  }

  /** Takes a record found on disk; what was invalidated after it was requested is removed there instead. */
  adopt(record: StoredResponse): void {
    if (this.#closed) return
    if (this.isOutdated(record)) this.holdings.eraseKey(record.key, this.isOutdated)
    else this.holdings.adopt(record)
  }

  /** Whether it was requested before something that makes it void. */
  readonly isOutdated = (record: StoredResponse): boolean => this.#invalidations.outdate(record, this.options.clock())

  /**
   * A stored body of one chunk at most, all of it. Undefined where `openBody` is to be asked: it is larger, or the disk
   * is slow.
   */
  readSmall(stored: StoredResponse): Buffer | 'damaged' | undefined {
    if (stored.body.size > SMALL_BODY) return undefined
    const unwritten = this.holdings.unwritten.bodyOf(stored)
    if (unwritten !== undefined) {
      this.memory.add(stored, unwritten)
      return unwritten
    }
    try {
      const body = this.holdings.store.readSmall(stored.body)
      if (body !== undefined) this.memory.add(stored, body)
      return body
    } catch (error) {
      this.dropDamaged(stored, error)
      return 'damaged'
    }
  }

  /**
   * Opens a stored body, all of it or a part. When it is missing or damaged, the record goes too, and the request is a
   * miss; when there is no descriptor for it, it stays: the store is `busy`.
   */
  async openBody(stored: StoredResponse, start?: number, end?: number): Promise<BodyReader | 'damaged' | 'busy'> {
    try {
      if (this.holdings.unwritten.has(stored)) await this.holdings.unwritten.flush()
      return await this.holdings.store.openBody(stored.body, start, end)
    } catch (error) {
      if (isOutOfDescriptors(error)) {
        this.statistics.fault('read', error, stored.key)
        return 'busy'
      }
      this.dropDamaged(stored, error)
      return 'damaged'
    }
  }

  dropDamaged(stored: StoredResponse, error: unknown): void {
    // The leader may have evicted it, or this process after the snapshot was written: that is no fault.
    if (this.holdings.isWhole || !isMissing(error)) this.statistics.fault('read', error, stored.key)
    // Freshening may have put another record over the same body meanwhile.
    const current = this.catalogue.current(stored)
    if (current?.body.sha256 === stored.body.sha256) this.holdings.remove(current)
  }

  /** Begins to store a response: see `Committer.begin`. */
  beginStore(head: StoredHead, declaredSize: number | undefined, generation: number): PendingStore | undefined {
    return this.#committer.begin(head, declaredSize, generation)
  }

  /** Notes whether the last response for a key is not stored, and would have to be validated for each use if it were. */
  noteValidatedAlways(key: string, isSo: boolean): void {
    if (isSo) this.#validatedAlways.set(key, true)
    else this.#validatedAlways.delete(key)
  }

  isValidatedAlways(key: string): boolean {
    return this.#validatedAlways.has(key)
  }

  /**
   * The right to validate a stored response in the background: undefined when somebody has it already. The function
   * gives it back.
   */
  claimRevalidation(stored: StoredResponse): (() => void) | undefined {
    const name = entryKey(stored.key, stored.variant)
    if (this.#closed || this.#revalidating.has(name)) return undefined
    this.#revalidating.add(name)
    return () => void this.#revalidating.delete(name)
  }

  /** RFC 9111 section 4.4: everything stored for the key goes, and what is being fetched for it is not stored. */
  invalidate(key: string): void {
    const time = this.options.clock()
    this.holdings.membership.note({ note: 'invalidated', key, time })
    for (const each of this.#mark(key, time)) {
      this.holdings.removeKey(each)
      if (!this.holdings.isWhole) this.holdings.eraseKey(each, this.isOutdated)
    }
  }

  /** Another process has done so at this time: what was requested later stays. */
  invalidateUntil(key: string, time: number): void {
    for (const each of this.#mark(key, time)) this.holdings.removeKey(each, this.isOutdated)
  }

  /** What answers for this URI though it is stored for another would outlive the change. */
  #mark(key: string, time: number): string[] {
    const keys = [key, ...this.catalogue.equivalents(key)]
    for (const each of keys) {
      this.#invalidations.mark(each, time)
      this.holdings.snapshots.restoration?.noteInvalidation(each)
    }
    return keys
  }

  /**
   * RFC 9875: what belongs to one of these groups goes, of the origin, host and partition of this key only. A walk over
   * the index: such invalidations are rare, and so is the field that asks for them.
   */
  invalidateGroups(target: string, groups: ReadonlySet<string>): void {
    if (groups.size === 0) return
    const time = this.options.clock()
    this.holdings.membership.note({ note: 'groups', uri: target, groups: [...groups], time })
    for (const key of this.#markGroups(target, groups, time)) this.invalidate(key)
  }

  /** Another process has done so at this time. */
  invalidateGroupsUntil(target: string, groups: ReadonlySet<string>, time: number): void {
    for (const key of this.#markGroups(target, groups, time)) this.invalidateUntil(key, time)
  }

  /** Keys of what is held and meant; what only the disk knows is judged when it is found. */
  #markGroups(target: string, groups: ReadonlySet<string>, time: number): string[] {
    if (!this.holdings.isWhole) this.#invalidations.markGroups(target, groups, time)
    this.holdings.snapshots.restoration?.noteGroups()
    return [...this.catalogue.records()].filter((each) => isOfGroups(each, target, groups)).map(({ key }) => key)
  }

  clear(): void {
    const time = this.options.clock()
    this.#invalidations.markAll(time)
    this.holdings.snapshots.restoration?.makeVoid()
    this.holdings.membership.note({ note: 'cleared', time })
    this.holdings.removeAll()
    if (this.holdings.isWhole) return
    const erased = this.holdings.eraseAll(this.isOutdated)
    this.holdings.tasks.add(erased.catch((error) => this.statistics.fault('delete', error)))
  }

  /** Another process has done so at this time. */
  clearUntil(time: number): void {
    this.#invalidations.markAll(time)
    this.holdings.snapshots.restoration?.makeVoid()
    for (const stored of [...this.catalogue.records()]) if (this.isOutdated(stored)) this.holdings.remove(stored)
  }

  /**
   * Another process has changed the bucket of this key: the leader looks at what has become of it, others let go of
   * what they hold, and look when they are asked for it.
   */
  async noticeChange(key: string): Promise<void> {
    this.#absent.delete(key)
    if (this.holdings.membership.isLeader) await synchronise(this.holdings, key, (record) => this.adopt(record))
    else for (const stored of this.catalogue.variants(key)) this.holdings.forget(stored)
  }

  /** What the others did is not known any more: what is held is not to be trusted, nor what is being fetched. */
  startOver(): void {
    this.#invalidations.markAll()
    this.#absent.clear()
    for (const stored of [...this.catalogue.records()]) this.holdings.forget(stored)
    this.holdings.markUnreconciled()
  }

  resize(maxEntries: number, maxSize: number): void {
    this.#limits = { maxEntries, maxSize }
    this.holdings.resize(maxEntries, maxSize)
  }

  /** Stops storing, ends what is being written, and resolves when the disk is as it is to stay. */
  async close(): Promise<void> {
    this.#closed = true
    this.#committer.close()
    await this.holdings.tasks.settled()
    await this.holdings.unwritten.flush()
    await this.holdings.tasks.settled()
    this.#absent.close()
    this.#validatedAlways.close()
    this.hitForMiss.close()
  }
}
