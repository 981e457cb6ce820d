/**
 * What is stored, in memory: the metadata index, the variants that requests lead to by Vary, and how many
 * entries need each body. The three change together, here, so that they never differ.
 */
import { MetadataIndex, type Evicted, type EvictionReason } from '../metadata-index/metadata-index.ts'
import type { CacheRequest, PolicySettings } from '../policy/cache-request.ts'
import { compareRecency } from '../policy/freshness.ts'
import type { PlainUse } from '../policy/reuse.ts'
import type { StoredHead } from '../policy/storing.ts'
import { entryKey, type StoredBody, type StoredResponse } from '../stored-response.ts'
import { BodyReferences } from './body-references.ts'
import { diskSize, diskSizeWith, roomFor, sharedSize } from './disk-use.ts'
import type { ResolvedManagerOptions } from './options.ts'
import { PlainUses } from './plain-uses.ts'
import { SearchRules } from './search-rules.ts'
import { Tags } from './tags.ts'
import { Variants } from './variants.ts'

/** What a request selects: a stored response, or none, and then whether other variants of the URL are stored. */
export interface Selection {
  /** Entry key of what is selected, or of what would be. */
  readonly name: string
  readonly stored: StoredResponse | undefined
  readonly varies: boolean
}

export interface Removed {
  readonly stored: StoredResponse
  readonly reason: EvictionReason
}

/**
 * "Some resources mistakenly omit the Vary header field from their default response": it must not stand before what the
 * request's own preferences lead to.
 */
function isPreferred(stored: StoredResponse, other: StoredResponse): boolean {
  return other.variant === '' || compareRecency(stored, other) >= 0
}

export type CatalogueOptions = Pick<ResolvedManagerOptions, 'maxEntries' | 'maxSize' | 'maxVariants' | 'goal'>

export class Catalogue {
  #index: MetadataIndex<StoredResponse>
  #variants = new Variants()
  #references = new BodyReferences()
  #searches = new SearchRules()
  #tags = new Tags()
  readonly #uses = new PlainUses()
  readonly #maxVariants: number
  #maxSize: number
  #snapshotSize = 0
  readonly #onGone: (stored: StoredResponse) => void

  constructor(
    { maxEntries, maxSize, maxVariants, goal }: CatalogueOptions,
    onGone: (stored: StoredResponse) => void = () => {},
  ) {
    this.#onGone = onGone
    this.#maxVariants = maxVariants
    this.#maxSize = maxSize
    this.#index = new MetadataIndex({ maxEntries, maxWeight: roomFor(0, maxSize, 0), goal })
  }

  get entryCount(): number {
    return this.#index.entryCount
  }

  /** Bytes on disk of what is held, with its folders. */
  get size(): number {
    return this.#index.weight + sharedSize(this.entryCount)
  }

  /**
   * The stored response that a request selects (RFC 9111 section 4.1). Of several the most recent by its Date, but "the
   * most recent … stored response with a valid Vary field value" goes before one without: see `isPreferred`.
   * Counts nothing: see `countRequest`.
   */
  select(key: string, request: CacheRequest): Selection {
    let selection: Selection = { name: key, stored: this.#index.peek(key), varies: false }
    for (const name of this.#variants.selectable(key, request.fields)) {
      const stored = this.#index.peek(name)
      const other = selection.stored
      if (other === undefined || (stored !== undefined && isPreferred(stored, other)))
        selection = { name, stored, varies: true }
    }
    return selection
  }

  /** Other keys whose stored responses may answer this one by their No-Vary-Search. */
  equivalents(key: string): string[] {
    return this.#searches.equivalents(key)
  }

  /** All stored responses with this tag. */
  tagged(tag: string): StoredResponse[] {
    return this.#tags
      .namesOf(tag)
      .map((name) => this.#index.peek(name))
      .filter((stored) => stored !== undefined)
  }

  /** All stored responses that a request could select: without Vary one, and one for each set of names that it has. */
  matching(key: string, request: CacheRequest): StoredResponse[] {
    const names = [key, ...this.#variants.selectable(key, request.fields)]
    return names.map((name) => this.#index.peek(name)).filter((stored) => stored !== undefined)
  }

  /** The most recent stored response of a key, or the one of exactly this entry key. */
  newest(key: string): StoredResponse | undefined {
    return this.variants(key).toSorted((a, b) => compareRecency(b, a))[0] ?? this.#index.peek(key)
  }

  /** All stored responses of a cache key. */
  variants(key: string): StoredResponse[] {
    const names = [key, ...this.#variants.of(key).map((variant) => entryKey(key, variant))]
    return names.map((name) => this.#index.peek(name)).filter((stored) => stored !== undefined)
  }

  /** One request for what is selected, whether or not it is held: TinyLFU's one increment. */
  countRequest({ name, stored }: Selection): void {
    this.#index.get(name)
    if (stored !== undefined) this.#variants.use(stored)
  }

  /** Where the record of this entry key is held: for `at` and `countAt`. 0 where none is. */
  placeOf(name: string): number {
    return this.#index.slotOf(name)
  }

  /** The record in this place now. */
  at(place: number): StoredResponse | undefined {
    return this.#index.at(place)
  }

  /** The same as `countRequest` for what is held in this place. */
  countAt(place: number, stored: StoredResponse): void {
    this.#index.hit(place)
    this.#variants.use(stored)
  }

  /** What the record in this place answers to requests that ask for nothing special. */
  useAt(place: number, stored: StoredResponse, settings: PolicySettings): PlainUse {
    return this.#uses.of(place, stored, settings)
  }

  /** The entry key of what a request selects, if anything; undefined where that depends on what is stored. */
  nameOf(request: CacheRequest): string | undefined {
    return this.#variants.nameOf(request)
  }

  /** Whether a response with a body of so many bytes would be held now. */
  wouldAdmit(head: StoredHead, bodySize: number): boolean {
    return this.#index.wouldAdmit(entryKey(head.key, head.variant), diskSizeWith(head, bodySize))
  }

  /** Holds a response. Returns what had to go, which may be this one. */
  add(stored: StoredResponse): Removed[] {
    this.#note(stored)
    const name = entryKey(stored.key, stored.variant)
    const removed = this.#removed(this.#index.set(name, stored, diskSize(stored)))
    this.#uses.forget(this.placeOf(name))
    return [...removed, ...this.#evictVariants(stored), ...this.#fit()]
  }

  /** Takes out the least recently used variants of the key that are over the limit, but not the one just added. */
  #evictVariants({ key, variant }: StoredResponse): Removed[] {
    const variants = this.#variants.of(key)
    let over = variants.length - this.#maxVariants
    const removed: Removed[] = []
    for (const each of variants) {
      if (over <= 0) break
      const victim = each === variant ? undefined : this.#index.peek(entryKey(key, each))
      if (victim === undefined) continue
      this.remove(victim)
      removed.push({ stored: victim, reason: 'count' })
      over--
    }
    return removed
  }

  /** Puts freshened metadata in the place of a record with the same body and the same variant. */
  update(before: StoredResponse, after: StoredResponse): void {
    const name = entryKey(before.key, before.variant)
    const place = this.placeOf(name)
    if (this.at(place) !== before) return
    this.#index.update(name, after)
    this.#uses.forget(place)
    this.#searches.forget(before)
    this.#searches.note(after)
    this.#tags.forget(before)
    this.#tags.note(after)
  }

  /** Whether this very record is held: not an older or newer one of the same name. */
  holds(stored: StoredResponse): boolean {
    return this.#index.peek(entryKey(stored.key, stored.variant)) === stored
  }

  /** The record held under the name of this one, if any. */
  current(stored: Pick<StoredResponse, 'key' | 'variant'>): StoredResponse | undefined {
    return this.#index.peek(entryKey(stored.key, stored.variant))
  }

  /**
   * Takes a record out. Returns what had to go with it, since others may share their folders with fewer now; undefined when
   * it is not this very one that is held.
   */
  remove(stored: StoredResponse): Removed[] | undefined {
    if (!this.holds(stored)) return undefined
    this.#index.delete(entryKey(stored.key, stored.variant))
    this.#forget(stored)
    return this.#fit()
  }

  resize(maxEntries: number, maxSize: number): Removed[] {
    this.#maxSize = maxSize
    return [...this.#removed(this.#index.resize({ maxEntries })), ...this.#fit()]
  }

  /** Leaves room for a snapshot of so many bytes. Returns what had to go for it. */
  makeRoom(snapshotSize: number): Removed[] {
    this.#snapshotSize = snapshotSize
    return this.#fit()
  }

  /** Each entry needs folders, which leave less for the others: what is over the limit goes. */
  #fit(): Removed[] {
    const removed: Removed[] = []
    for (;;) {
      const room = roomFor(this.entryCount, this.#maxSize, this.#snapshotSize)
      if (room === this.#index.maxWeight) return removed
      removed.push(...this.#removed(this.#index.resize({ maxWeight: room })))
    }
  }

  /**
   * All records, and, once they have been read, what the index has learned and in which order it holds them. In the place
   * of those with one of these bodies stands undefined.
   */
  snapshot(without: ReadonlySet<StoredBody>): {
    records: Iterable<StoredResponse | undefined>
    index: () => Uint8Array
  } {
    const snapshot = this.#index.snapshot()
    const records = snapshot.values().map((record) => (without.has(record.body) ? undefined : record))
    return { records, index: () => snapshot.state() }
  }

  /**
   * Holds these records as the catalogue did of which they are a snapshot, in steps of a fraction of a millisecond;
   * until the last one this catalogue is good for nothing else. False, and nothing changed, when the index's part is of
   * another version. What does not fit the bounds of today is left out.
   */
  *restoring(records: readonly (StoredResponse | undefined)[], index: Uint8Array): Generator<void, boolean, void> {
    this.#index.resize({ maxWeight: roomFor(records.length, this.#maxSize, this.#snapshotSize) })
    const isRestored = yield* this.#index.restoring(index, (position) => {
      const value = records[position]
      return value && { key: entryKey(value.key, value.variant), value, weight: diskSize(value) }
    })
    if (!isRestored) return false
    for (const record of records) {
      if (record !== undefined && this.holds(record)) this.#note(record)
      yield
    }
    this.#fit()
    return true
  }

  /**
   * Takes over what another catalogue holds, which is of no use then. What is held here stays, unless the other has
   * newer metadata over the same body. Returns what had to go.
   */
  absorb(other: Catalogue): Removed[] {
    const own = [...this.records()]
    const { maxEntries } = this.#index
    for (const record of own) {
      this.#index.delete(entryKey(record.key, record.variant))
      this.#unnote(record)
    }
    // What is still referred to is about to be added.
    for (const sha256 of this.#references.all()) other.retain(sha256)
    this.#index = other.#index
    this.#variants = other.#variants
    this.#references = other.#references
    this.#searches = other.#searches
    this.#tags = other.#tags
    this.#uses.forgetAll()
    const removed = this.resize(maxEntries, this.#maxSize)
    for (const record of own) {
      // It was asked for, or it would not be held.
      this.#index.get(entryKey(record.key, record.variant))
      const known = this.current(record)
      const hasSameBody = known?.body.sha256 === record.body.sha256
      if (hasSameBody && known.responseTime > record.responseTime) continue
      // Of what is replaced by its like nothing has to go.
      removed.push(...this.add(record).filter(({ stored }) => stored !== known || !hasSameBody))
    }
    return removed
  }

  /** All records, coldest first. */
  *records(): Generator<StoredResponse, void, void> {
    for (const { value } of this.#index.entries()) yield value
  }

  /** Marks a body as needed by something that is about to be added. */
  retain(sha256: string): void {
    this.#references.retain(sha256)
  }

  release(sha256: string): void {
    this.#references.release(sha256)
  }

  /** Whether any entry needs this body. */
  isReferenced(sha256: string): boolean {
    return this.#references.has(sha256)
  }

  #removed(evicted: readonly Evicted<StoredResponse>[]): Removed[] {
    return evicted.map(({ value, reason }) => {
      this.#forget(value)
      return { stored: value, reason }
    })
  }

  #note(stored: StoredResponse): void {
    this.retain(stored.body.sha256)
    this.#searches.note(stored)
    this.#tags.note(stored)
    this.#variants.note(stored)
  }

  #forget(stored: StoredResponse): void {
    this.#onGone(stored)
    this.#unnote(stored)
  }

  #unnote(stored: StoredResponse): void {
    this.release(stored.body.sha256)
    this.#searches.forget(stored)
    // Its successor may have the same.
    this.#tags.forget(stored)
    const successor = this.current(stored)
    if (successor !== undefined) this.#tags.note(successor)
    // A replaced record leaves its name to its successor.
    else this.#variants.forget(stored)
  }
}
