/**
 * Memory and disk in step: what enters or leaves the catalogue enters or leaves the directory.
 *
 * Invariants:
 * - a record in the catalogue has its bucket line and its content on disk, or is found out at its first hit and dropped;
 * - a body's file goes with the last record that needs it, and never while one is about to be added;
 * - a fault of the disk is counted and published, and thrown to nobody.
 *
 * With other processes on the directory (membership.ts) the leader's catalogue is the whole of it: it alone evicts and
 * removes bodies. A follower's holds what it has come across: what it evicts stays on disk, and the leader is told of bodies
 * that it needs no more. Everybody erases what is void or damaged from its bucket, and tells so.
 */
import type { ContentStore } from '../content-store/content-store.ts'
import type { Membership } from '../content-store/membership.ts'
import type { StoredResponse } from '../stored-response.ts'
import { Allowance } from './allowance.ts'
import { Catalogue, type CatalogueOptions, type Removed } from './catalogue.ts'
import { diskSize } from './disk-use.ts'
import { DoubtfulBodies } from './doubtful-bodies.ts'
import type { ResolvedManagerOptions } from './options.ts'
import { Postponed } from './postponed.ts'
import { Snapshots } from './snapshots.ts'
import type { Statistics } from './statistics.ts'
import { TaskSet } from './task-set.ts'
import { WriteBehind } from './write-behind.ts'
import { writeOut } from './write-out.ts'

/** For how long, in milliseconds, what other processes write may be unknown here. */
const LAG_MS = 10_000

export class Holdings {
  readonly catalogue: Catalogue
  readonly store: ContentStore
  readonly membership: Membership
  readonly tasks: TaskSet = new TaskSet()
  /** What may be stored before the leader has heard of it. */
  readonly allowance: Allowance
  /** What is held and not on disk yet. */
  readonly unwritten: WriteBehind
  readonly snapshots: Snapshots
  readonly #statistics: Statistics
  readonly #postponed = new Postponed()
  #isReconciled = false
  /** Records of which the bucket is being written, before the catalogue has them. */
  #additions = 0
  /** Bodies that may be needed no more, until the catalogue is whole and can tell; of a follower, should it come to lead. */
  readonly doubtful: DoubtfulBodies = new DoubtfulBodies()

  /** `onGone` is told of each record that is held no more. */
  constructor(
    store: ContentStore,
    membership: Membership,
    statistics: Statistics,
    options: CatalogueOptions & Pick<ResolvedManagerOptions, 'maxUnwritten' | 'flushInterval'>,
    onGone: (stored: StoredResponse) => void,
  ) {
    this.store = store
    this.membership = membership
    this.#statistics = statistics
    this.allowance = new Allowance(options)
    this.catalogue = new Catalogue(options, onGone)
    this.unwritten = new WriteBehind(options, (unwritten) => writeOut(this, unwritten, statistics))
    this.snapshots = new Snapshots(membership.isLeader)
  }

  /** The catalogue has been compared with the whole disk. */
  get isReconciled(): boolean {
    return this.#isReconciled
  }

  /** The catalogue knows all that is on disk, now: what it does not hold is not stored. */
  get isWhole(): boolean {
    return this.#isReconciled && !this.membership.hasCompany
  }

  /** What is stored here is not weighed yet against all the rest: the leader has to hear of it, or to look around first. */
  get isProvisional(): boolean {
    return !this.membership.isLeader || (this.membership.hasCompany && !this.#isReconciled)
  }

  markReconciled(): void {
    this.#isReconciled = true
    this.removeDoubtful(this.doubtful.take())
  }

  /** To be called when all is known that others had stored when these were taken. */
  removeDoubtful(doubtful: Iterable<string>): void {
    for (const sha256 of doubtful) {
      if (this.catalogue.isReferenced(sha256)) continue
      if (!this.#isReconciled) this.doubtful.add(sha256)
      else void this.#delete(undefined, () => this.store.removeBody(sha256, () => this.catalogue.isReferenced(sha256)))
    }
  }

  /** Does this when the disk takes something again, after so many milliseconds at least: see `Postponed`. */
  postpone(work: () => Promise<boolean>, delay: number): void {
    this.#postponed.add(work, delay)
  }

  /** To be called when the disk has taken something: what it refused before is tried again. */
  doPostponed(): void {
    this.tasks.add(this.#postponed.run())
  }

  /** What other processes have done meanwhile is not known: the catalogue has to be compared again. */
  markUnreconciled(): void {
    this.#isReconciled = false
    this.snapshots.noteDoubt()
    this.snapshots.restoration?.makeVoid()
  }

  /** Takes a record found on disk into the catalogue, unless one as new is there. What the old snapshot lacks, `takeIn` sees. */
  adopt(record: StoredResponse): void {
    const current = this.catalogue.current(record)
    if (current !== undefined && current.responseTime >= record.responseTime) return
    if (this.snapshots.restoration === undefined) this.snapshots.noteChange()
    void this.#release(this.catalogue.add(record))
  }

  /**
   * Takes in what a snapshot held, but for what has been done away with since the start. Records that it had room for and
   * today's limits have not are `left`.
   */
  takeIn(restored: Catalogue, left: readonly StoredResponse[], isOutdated: (record: StoredResponse) => boolean): void {
    const outdated = this.snapshots.restoration?.apply(restored, isOutdated) ?? []
    const isNews = (record: StoredResponse) => restored.current(record)?.responseTime !== record.responseTime
    if (outdated.length > 0 || this.catalogue.records().some(isNews)) this.snapshots.noteChange()
    const removed = this.catalogue.absorb(restored)
    this.snapshots.endRestoration()
    for (const { key } of outdated) this.eraseKey(key, isOutdated)
    void this.#release([...removed, ...left.map((stored) => ({ stored, reason: 'size' as const }))])
  }

  /**
   * Writes a record whose body has its final name, then holds it. Resolves with whether it is stored; rejects when the
   * disk does not take it.
   */
  async add(record: StoredResponse): Promise<boolean> {
    const { key, variant } = record
    this.#additions++
    try {
      await this.store.updateBucket(key, (records) => [...records.filter((each) => each.variant !== variant), record])
    } finally {
      this.#additions--
    }
    this.doPostponed()
    this.snapshots.noteChange()
    void this.#release(this.catalogue.add(record))
    this.membership.note({ note: 'stored', key: record.key, bodies: [record.body.sha256] })
    if (this.isProvisional) this.allowance.stored(record.body.sha256, diskSize(record))
    // What a follower does not hold is stored all the same, for the leader to judge.
    return !this.membership.isLeader || this.catalogue.holds(record)
  }

  /** Holds a record with a small body that is written in the background. Says whether it is held. */
  addUnwritten(record: StoredResponse, body: Buffer): boolean {
    const before = this.catalogue.current(record)
    const wasUnwritten = before !== undefined && this.unwritten.has(before)
    const isOverDisk = before === undefined ? this.#mayBeOnDisk(record) : !this.unwritten.drop(before)
    this.snapshots.noteChange()
    const removed = this.catalogue.add(record)
    // Of the one before it, the disk has not heard either.
    void this.#release(wasUnwritten && !isOverDisk ? removed.filter(({ reason }) => reason !== 'replaced') : removed)
    const isHeld = this.catalogue.holds(record)
    if (isHeld) this.unwritten.add({ record, body, isOverDisk })
    return isHeld
  }

  /** Whether something of the name of a record that is not held may lie on disk, until it has been removed at least. */
  #mayBeOnDisk(record: StoredResponse): boolean {
    return !this.isWhole || this.snapshots.deletions.has(record.key) || this.unwritten.isWriting(record)
  }

  /**
   * Whether nothing that lies on disk under this key is to stay, now that this is written: the catalogue knows of all that
   * does. Then the bucket need not be read to be changed.
   */
  isToBeReplaced(key: string, written?: StoredResponse): boolean {
    return this.isWhole && this.#additions === 0 && this.catalogue.variants(key).every((each) => each === written)
  }

  /** Another record over the same body in the place of this one: in memory only, the bucket is not written. */
  update(before: StoredResponse, after: StoredResponse): void {
    this.catalogue.update(before, after)
    this.snapshots.noteChange()
  }

  /** Takes out this very record, if it is held. */
  remove(stored: StoredResponse): boolean {
    const removed = this.catalogue.remove(stored)
    if (removed === undefined) return false
    this.snapshots.noteChange()
    void this.#release(removed)
    if (!this.unwritten.drop(stored)) void this.#delete(stored.key, () => this.#eraseRecord(stored))
    return true
  }

  /** Takes out this record, held or not. */
  discard(stored: StoredResponse): void {
    if (!this.remove(stored)) void this.#delete(stored.key, () => this.#eraseRecord(stored))
  }

  /** Takes out all variants of a key that are like this; by default all. */
  removeKey(key: string, isVoid: (stored: StoredResponse) => boolean = () => true): void {
    for (const stored of this.catalogue.variants(key)) if (isVoid(stored)) this.remove(stored)
  }

  /** Takes out what only the disk may know of a key, as far as it is void. */
  eraseKey(key: string, isVoid: (stored: StoredResponse) => boolean): void {
    const isToGo = (record: StoredResponse) => isVoid(record) && this.catalogue.current(record) === undefined
    void this.#delete(key, () => this.#erase(key, isToGo))
  }

  removeAll(): void {
    for (const stored of [...this.catalogue.records()]) this.remove(stored)
  }

  /** The same for what only the disk may know. */
  async eraseAll(isVoid: (stored: StoredResponse) => boolean): Promise<void> {
    for await (const file of this.store.buckets()) {
      for (const { key } of await this.store.recordsIn(file)) this.eraseKey(key, isVoid)
    }
  }

  /** Lets go of a record in memory: the disk is another's affair. */
  forget(stored: StoredResponse): void {
    const removed = this.catalogue.remove(stored)
    if (removed === undefined) return
    this.snapshots.noteChange()
    void this.#release(removed)
    this.unwritten.drop(stored)
    this.doubtful.add(stored.body.sha256)
  }

  resize(maxEntries: number, maxSize: number): void {
    void this.#release(this.catalogue.resize(maxEntries, maxSize))
  }

  /** While `work` runs, this record's body counts as needed: nothing removes it between its publication and the record's. */
  async guarding<T>({ key, body }: Pick<StoredResponse, 'key' | 'body'>, work: () => Promise<T>): Promise<T> {
    // What is held, and so what there is room for, is not known before.
    await this.snapshots.restoration?.wait()
    this.catalogue.retain(body.sha256)
    try {
      const result = work()
      this.tasks.add(result.catch(() => {}))
      return await result
    } catch (error) {
      // The body may lie there without a record.
      this.snapshots.noteDoubt()
      if (!this.membership.isLeader) this.membership.note({ note: 'erased', key, bodies: [body.sha256] })
      throw error
    } finally {
      this.catalogue.release(body.sha256)
      // Of what a follower has stored, the leader knows.
      if (this.membership.isLeader) void this.#removeUnneeded(body.sha256, key)
    }
  }

  /** Writes the snapshot if anything has changed since the last one. The leader's, which is of the whole directory. */
  async writeSnapshot(): Promise<void> {
    if (!this.membership.isLeader) return
    const isWritten = await this.snapshots.write(this.store, this.catalogue, this.#statistics, () => ({
      isWhole: this.isWhole && this.doubtful.size === 0,
      // What is under way may leave something behind in a folder that it has changed already.
      lag: Math.max(this.membership.hasCompany ? LAG_MS : 0, this.tasks.longest),
      unwritten: this.unwritten.bodies(),
    }))
    if (!isWritten) return
    await this.store.removeDiscarded()
    await this.#postponed.run()
    await this.makeRoomForSnapshot()
  }

  /** The snapshot on disk counts towards `maxSize`: something may have to go for it, and is gone when this resolves. */
  async makeRoomForSnapshot(): Promise<void> {
    await this.#release(this.catalogue.makeRoom(await this.store.snapshotSize()))
  }

  /** What had to go from the catalogue goes from the disk, in the background. Resolves when it has, and never rejects. */
  async #release(removed: readonly Removed[]): Promise<void> {
    if (removed.length === 0) return
    this.snapshots.noteChange()
    if (!this.membership.isLeader) return
    const work = removed.map(async ({ stored, reason }) => {
      // What waits to be written is known by its body: with the same one it is the successor's.
      const isSucceeded = this.catalogue.current(stored)?.body.sha256 === stored.body.sha256
      const isUnwritten = !isSucceeded && this.unwritten.drop(stored)
      if (reason === 'replaced')
        return isUnwritten ? undefined : await this.#removeUnneeded(stored.body.sha256, stored.key)
      this.#statistics.evicted({ key: stored.key, reason, size: diskSize(stored) })
      if (!isUnwritten) await this.#delete(stored.key, () => this.#eraseRecord(stored))
    })
    await Promise.all(work)
  }

  /** Removes a record from the disk, and its body. A newer response of the same name may have come: it stays. */
  async #eraseRecord(stored: StoredResponse): Promise<void> {
    this.snapshots.restoration?.noteRemoval(stored)
    const isToGo = (record: StoredResponse) =>
      record.variant === stored.variant &&
      record.responseTime <= stored.responseTime &&
      this.catalogue.current(record) === undefined
    await this.#erase(stored.key, isToGo, stored.body.sha256)
  }

  async #erase(key: string, isToGo: (record: StoredResponse) => boolean, ...unneeded: string[]): Promise<void> {
    const bodies = new Set(unneeded)
    const change = (records: readonly StoredResponse[]) =>
      records.filter((record) => {
        const goes = isToGo(record)
        if (goes) bodies.add(record.body.sha256)
        return !goes
      })
    await this.store.updateBucket(key, change, () => this.isToBeReplaced(key))
    if (bodies.size > 0) this.membership.note({ note: 'erased', key, bodies: [...bodies] })
    for (const sha256 of bodies) await this.#removeBody(sha256)
  }

  async #removeUnneeded(sha256: string, key: string): Promise<void> {
    if (!this.catalogue.isReferenced(sha256)) await this.#delete(key, () => this.#removeBody(sha256))
  }

  /** At once where nobody else can need it; else when it is known what others have stored. */
  async #removeBody(sha256: string): Promise<void> {
    if (this.catalogue.isReferenced(sha256)) return
    if (this.isWhole) await this.store.removeBody(sha256, () => this.catalogue.isReferenced(sha256))
    else {
      this.doubtful.add(sha256)
      if (this.membership.isLeader && this.#isReconciled) await this.membership.poll()
    }
  }

  /** In the background, and again later where the disk refuses it. Resolves with whether it is done; never rejects. */
  #delete(key: string | undefined, work: () => Promise<void>): Promise<boolean> {
    const removal = this.snapshots.deletions.run(key, async (attempt) => {
      try {
        await work()
        return true
      } catch (error) {
        this.snapshots.noteDoubt()
        this.#statistics.fault('delete', error, key)
        this.#postponed.add(attempt)
        return false
      }
    })
    this.tasks.add(removal)
    return removal
  }
}
