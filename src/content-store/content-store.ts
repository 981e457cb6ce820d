/**
 * Bodies and records on disk: the only door to cacache and to the file system.
 *
 * The directory is cacache's, and what is written here is what cacache would have written; but not by its own calls
 * where they are unsafe beside a running cache. What is ours, and the race that made it necessary:
 *
 * - bodies are written by `BodyWriter` and renamed over whatever is there: `cacache.put` keeps damaged content;
 * - bodies are read by `BodyReader`: `cacache.get.stream` hands out what it has not verified, 64 MiB at a time;
 * - a bucket is replaced whole: `cacache.index.insert` appends without end, `compact` undoes concurrent deletes;
 * - listing is a walk that reads only what changed: `cacache.ls` parses every bucket, at 0.7 ms each;
 * - `cacache.verify` is never called: it removes content and temporary files of whoever is writing.
 *
 * Every write is a new temporary file and a rename, so that a crash leaves the old state or the new one.
 */
import { lstat, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import cacache from 'cacache'
import { DirectoryError } from '../errors.ts'
import type { StoredBody, StoredResponse } from '../stored-response.ts'
import { BodyReader, Reading } from './body-reader.ts'
import { BodyWriter } from './body-writer.ts'
import { currentBoot, isSameBoot } from './boot.ts'
import { formatBucket, integrityOf, isRubbish, parseBucket } from './bucket.ts'
import { Descriptors, type DescriptorLimits } from './descriptors.ts'
import { removeDiscarded } from './discarded.ts'
import { isFolder, moveInto, replaceFile } from './files.ts'
import { KeyedQueue } from './keyed-queue.ts'
import { KnownFolders } from './known-folders.ts'
import { bucketHash, isAbandoned, Layout } from './layout.ts'
import { Looks, type FileState } from './looks.ts'
import { removeEmptyFolders, removeFile } from './removal.ts'
import { Membership } from './membership.ts'
import { livingMembers, type Member } from './presence.ts'
import { assertOurs, makeFolders } from './ownership.ts'
import { SmallBodies } from './small-bodies.ts'
import { appendHistory, readHistory, type Stretch } from './history-file.ts'
import { readSnapshot, writeSnapshot, type Snapshot, type Take } from './snapshot-file.ts'
import { foldersUnchangedSince, walk, type Folders, type FoundFile } from './walk.ts'
import { WaitingBytes, Writing } from './writing.ts'

export interface StoreLimits extends DescriptorLimits {
  /** Bytes of bodies that may wait in memory for a file. */
  readonly maxQueueSize: number
}

export class ContentStore {
  readonly #layout: Layout
  /** By path. */
  readonly #buckets = new KeyedQueue()
  readonly #contents = new KeyedQueue()
  readonly #smallBodies = new SmallBodies()
  readonly #looks = new Looks()
  /** Apart, so that neither slow origins keep hits from the disk nor stalled consumers keep misses from it. */
  readonly #reading: Reading
  readonly #writing: Writing
  readonly #bucketFolders: KnownFolders
  readonly #contentFolders: KnownFolders
  #membership: Membership | undefined

  /** `made`: folders that were not there before. */
  private constructor(layout: Layout, limits: StoreLimits, made: readonly string[] = []) {
    const { maxOpenFiles, maxOpenDelay, maxQueueSize } = limits
    this.#layout = layout
    this.#reading = new Reading(new Descriptors({ maxOpenFiles: Math.ceil(maxOpenFiles / 2), maxOpenDelay }))
    const descriptors = new Descriptors({ maxOpenFiles: Math.floor(maxOpenFiles / 2), maxOpenDelay })
    this.#writing = new Writing(descriptors, new WaitingBytes(maxQueueSize))
    const isAlone = () => this.#membership?.hasCompany === false
    this.#bucketFolders = new KnownFolders(made.includes(layout.index), isAlone)
    this.#contentFolders = new KnownFolders(made.includes(layout.content), isAlone)
  }

  /** Of bodies that are on their way to the disk. */
  get waitingBytes(): WaitingBytes {
    return this.#writing.waitingBytes
  }

  get directory(): string {
    return this.#layout.directory
  }

  /**
   * Makes the directory where it is missing, for its owner alone.
   * @throws {DirectoryError} when that cannot be done
   */
  static async open(directory: string, limits: StoreLimits): Promise<ContentStore> {
    const layout = new Layout(directory)
    try {
      return new ContentStore(layout, limits, await makeFolders(layout.folders))
    } catch (error) {
      throw new DirectoryError(directory, (error as Error).message, error)
    }
  }

  /**
   * The cache that lies in a directory, to be looked at: nothing is made.
   * @throws {DirectoryError} when there is none, or it is not to be trusted
   */
  static async existing(directory: string, limits: StoreLimits): Promise<ContentStore> {
    const layout = new Layout(directory)
    try {
      for (const path of [layout.directory, layout.index]) await assertOurs(path, path === layout.directory)
    } catch (error) {
      throw new DirectoryError(directory, (error as Error).message, error)
    }
    return new ContentStore(layout, limits)
  }

  /**
   * Says in the directory that this manager has it open.
   * @throws {DirectoryError} when that cannot be written, or another has it and the file system is not for sharing
   */
  async join(): Promise<Membership> {
    this.#membership = await Membership.join(this.#layout)
    return this.#membership
  }

  /** Who has it open, the leader first. */
  async members(): Promise<Member[]> {
    return await livingMembers(this.#layout)
  }

  /** A writer for one body. Its result is given to `publish`. */
  createWriter(): BodyWriter {
    return new BodyWriter(this.#layout.temporaryFile(), this.#writing)
  }

  /** Gives a finished body its final name, over whatever is there: a damaged file of that name is repaired by it. */
  async publish(writer: BodyWriter, body: StoredBody): Promise<void> {
    const path = this.#layout.contentFile(body.sha256)
    await this.#contents.run(body.sha256, () => moveInto(writer.path, path, this.#contentFolders))
  }

  /** Writes a small body and gives it its final name: see `publish`. */
  async writeSmall(bytes: Buffer, { sha256 }: StoredBody): Promise<void> {
    const path = this.#layout.contentFile(sha256)
    await this.#contents.run(sha256, () => this.#replace(path, bytes, this.#contentFolders))
  }

  /**
   * Opens a body for reading, from `start` to before `end`, and checks the first chunk of that.
   * @throws {ContentError} when it is missing, short or damaged
   */
  async openBody(body: StoredBody, start?: number, end?: number): Promise<BodyReader> {
    return await BodyReader.open(this.#layout.contentFile(body.sha256), body, this.#reading, start, end)
  }

  /**
   * A body of one chunk at most, checked. Undefined where `openBody` is to be asked, because the disk is slow or
   * descriptors are scarce.
   * @throws {ContentError} when it is missing, short or damaged
   */
  readSmall(body: StoredBody): Buffer | undefined {
    return this.#smallBodies.read(this.#layout.contentFile(body.sha256), body)
  }

  /** Removes a body unless `isWanted` says, at the last moment, that an entry has come to need it. */
  async removeBody(sha256: string, isWanted: () => boolean): Promise<void> {
    await this.#contents.run(sha256, async () => {
      if (isWanted()) return
      const path = this.#layout.contentFile(sha256)
      // It looks whether it is there, and again what it is: six times the work, and only needed where it is no file.
      await removeFile(path, () => cacache.rm.content(this.#layout.directory, integrityOf(sha256)))
      await removeEmptyFolders(path, this.#contentFolders)
    })
  }

  /** All stored variants of a cache key, as they lie on disk. */
  async readBucket(key: string): Promise<StoredResponse[]> {
    const path = this.#layout.bucket(key)
    const bytes = this.#looks.readNow(path) ?? (await this.#writing.descriptors.during(() => readOrEmpty(path)))
    return parseBucket(bytes).filter((record) => record.key === key)
  }

  /** The same once no update of this process is under way for it. */
  async readSettledBucket(key: string): Promise<StoredResponse[]> {
    return await this.#buckets.run(this.#layout.bucket(key), () => this.readBucket(key))
  }

  /**
   * Replaces the variants of a key by what `change` makes of those on disk; without any, the file goes. Nothing is
   * written when nothing changes. Another process may do the same at the same time: the later rename wins, and the
   * notes that follow both (journal.ts) make everybody look at what has become of it. It is not read where all
   * that is on disk `isOfNoUse`.
   */
  async updateBucket(
    key: string,
    change: (records: readonly StoredResponse[]) => readonly StoredResponse[],
    isOfNoUse: () => boolean = () => false,
  ): Promise<void> {
    const path = this.#layout.bucket(key)
    await this.#buckets.run(path, async () => {
      const before = isOfNoUse() ? [] : await this.readBucket(key)
      const records = change(before)
      if (records.length > 0 && records.length === before.length && records.every((each, i) => each === before[i]))
        return
      if (records.length === 0) await this.#removeBucket(path)
      else await this.#replace(path, formatBucket(records), this.#bucketFolders)
    })
  }

  async #replace(path: string, content: string | Buffer, folders: KnownFolders): Promise<void> {
    await this.#writing.replaceFile(path, content, this.#layout.temporaryFile(), folders)
  }

  async #removeBucket(path: string): Promise<void> {
    await removeFile(path)
    await removeEmptyFolders(path, this.#bucketFolders)
  }

  /** Every bucket's file, in no order, but for those in these folders. To tidy up: empty folders go. */
  buckets(passOver?: Folders, isTidying = false): AsyncGenerator<FoundFile, void, void> {
    return walk(this.#layout.index, passOver, isTidying)
  }

  /** Every body's file, in the same way. */
  bodies(passOver?: Folders, isTidying = false): AsyncGenerator<FoundFile, void, void> {
    return walk(this.#layout.content, passOver, isTidying)
  }

  /** Folders of buckets, or of bodies, in which nothing has changed since this time in milliseconds since the epoch. */
  async unchangedSince(which: 'buckets' | 'bodies', time: number): Promise<Folders> {
    return await foldersUnchangedSince(which === 'buckets' ? this.#layout.index : this.#layout.content, time)
  }

  /** When a bucket was last written, in milliseconds since the epoch. */
  async bucketModifiedAt({ hash }: FoundFile): Promise<number | undefined> {
    return (await this.#looks.state(this.#layout.bucketOfHash(hash)))?.modifiedAt
  }

  /** How long a body is, and when it was last written. */
  async bodyState({ hash }: FoundFile): Promise<FileState | undefined> {
    return await this.#looks.state(this.#layout.contentFile(hash))
  }

  /** All records in a bucket file found by `buckets`; one that names a key of another bucket is none. */
  async recordsIn({ hash }: FoundFile): Promise<StoredResponse[]> {
    const bytes = await this.#looks.read(this.#layout.bucketOfHash(hash))
    return parseBucket(bytes ?? '').filter((record) => bucketHash(record.key) === hash)
  }

  /** Removes a bucket file in which nothing is whole, as a power loss leaves them. Not while others may write it. */
  async removeRubbish({ hash }: FoundFile): Promise<void> {
    const path = this.#layout.bucketOfHash(hash)
    await this.#buckets.run(path, async () => {
      if (!isRubbish(await readOrEmpty(path))) return
      await this.#removeBucket(path)
    })
  }

  /** The same, and how many of its lines are no record of this bucket: torn, damaged, foreign, of another version. */
  async examine({ hash }: FoundFile): Promise<{ records: StoredResponse[]; damagedLines: number }> {
    const bytes = await readOrEmpty(this.#layout.bucketOfHash(hash))
    const isOurs = (record: StoredResponse) => bucketHash(record.key) === hash
    const records = parseBucket(bytes).filter(isOurs)
    const lines = bytes.split('\n').filter((line) => line !== '')
    const damaged = lines.length === records.length ? [] : lines.filter((line) => !parseBucket(line).some(isOurs))
    return { records, damagedLines: damaged.length }
  }

  /** Leaves in a bucket file what is whole. Resolves with its records: without any, the file goes. */
  async repairBucket(file: FoundFile): Promise<StoredResponse[]> {
    const records = await this.recordsIn(file)
    const path = this.#layout.bucketOfHash(file.hash)
    if (records.length === 0) await this.#removeBucket(path)
    else await this.#replace(path, formatBucket(records), this.#bucketFolders)
    return records
  }

  /** Whether there is a file for this body. */
  async hasBody(body: Pick<StoredBody, 'sha256'>): Promise<boolean> {
    return (await lstat(this.#layout.contentFile(body.sha256)).catch(() => undefined)) !== undefined
  }

  /** Every record on disk, in no order. */
  async *records(): AsyncGenerator<StoredResponse, void, void> {
    for await (const file of this.buckets()) yield* await this.recordsIn(file)
  }

  /** Removes temporary files whose writer is gone: see `abandoned`. */
  async removeAbandoned(runs: ReadonlySet<string>, isNewBoot: boolean): Promise<void> {
    for (const name of await this.abandoned(runs, isNewBoot))
      await rm(join(this.#layout.temporary, name), { force: true, recursive: true })
  }

  /** Bytes on disk of the snapshot, as it lies there. */
  async snapshotSize(): Promise<number> {
    const stats = await lstat(this.#layout.snapshot).catch(() => undefined)
    // In blocks of 512 bytes, whatever the file system's are; of systems that do not tell, the length.
    return stats === undefined ? 0 : Math.max(stats.size, (stats.blocks ?? 0) * 512)
  }

  /** Tries again to remove temporary files that the disk would not let go. */
  async removeDiscarded(): Promise<void> {
    await removeDiscarded()
  }

  /**
   * Names of temporary files whose writer is gone: `runs` are those that are known to live, whatever their pid says; after
   * the machine was started again no others do, even where their pid is given to somebody else.
   */
  async abandoned(runs: ReadonlySet<string>, isNewBoot = false): Promise<string[]> {
    const names = await readdir(this.#layout.temporary)
    return names.filter((name) => (isNewBoot || isAbandoned(name)) && !runs.has(name.split('-')[1] ?? ''))
  }

  /** Undefined where there is none that is whole, or `mayGoOn` has said no before it was read. */
  async readSnapshot(mayGoOn: () => boolean): Promise<Snapshot | undefined> {
    return await readSnapshot(this.#layout, mayGoOn)
  }

  async writeSnapshot(take: Take): Promise<void> {
    await writeSnapshot(this.#layout, take)
  }

  /** Notes counts for later: `mayShorten` where nobody else is to keep the file small. */
  async appendHistory(stretch: Stretch, mayShorten: boolean): Promise<void> {
    await appendHistory(this.#layout, stretch, mayShorten)
  }

  async readHistory(): Promise<Stretch[]> {
    return await readHistory(this.#layout)
  }

  /** Whether the machine has been started since `noteBoot` was last called, or nobody knows. */
  async isNewBoot(): Promise<boolean> {
    const noted = await readFile(this.#layout.boot, 'utf8').catch(() => '')
    return !isSameBoot(noted, await currentBoot())
  }

  async noteBoot(): Promise<void> {
    await replaceFile(this.#layout.boot, await currentBoot(), this.#layout.temporaryFile())
  }

  /** Removes the directory and all in it. */
  async destroy(): Promise<void> {
    await rm(this.#layout.directory, { recursive: true, force: true })
  }
}

async function readOrEmpty(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || isFolder(error)) return ''
    throw error
  }
}
