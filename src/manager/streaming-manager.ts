/** The cache as its owner sees it: open, look in, put, delete, close. The interceptor works on the engine behind it. */
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { ContentStore } from '../content-store/content-store.ts'
import { ClosedError, InvalidOptionError } from '../errors.ts'
import { cacheKey } from '../policy/cache-key.ts'
import type { StoredResponse } from '../stored-response.ts'
import { CacheEngine } from './cache-engine.ts'
import { diskSize } from './disk-use.ts'
import { History } from './history.ts'
import { Neighbours } from './neighbours.ts'
import { resolveManagerOptions, type ManagerOptions } from './options.ts'
import { purge, type PurgeFilter, type PurgeOptions } from './purge.ts'
import { storePut, type PutResponse } from './put.ts'
import { recover } from './recovery.ts'
import type { Counts } from './statistics.ts'
import { describeEntry, toCachedResponse, type CachedEntry, type CachedResponse } from './views.ts'

/** Counts since the manager was opened, and what it holds now: see `entryCount` and `size` of the manager. */
export interface ManagerStats extends Counts {
  readonly entryCount: number
  readonly size: number
  /** Bytes of memory that small bodies take: see `maxMemory`. */
  readonly memory: number
}

/** Bytes of a snapshot that `open` waits for: some thousand entries, and a few hundredths of a second. */
const SMALL_SNAPSHOT = 4 * 1024 ** 2

/** Milliseconds before a large one is read: what was asked for at once is there by then. */
const HEAD_START_MS = 10

const engines = new WeakMap<StreamingManager, CacheEngine>()

/** The engine of a manager, for the interceptor. */
export function engineOf(manager: StreamingManager): CacheEngine {
  const engine = engines.get(manager)
  if (engine === undefined) throw new InvalidOptionError('manager', 'a StreamingManager', manager)
  return engine
}

/**
 * An HTTP cache in a directory. Several interceptors may share one manager; each directory needs one only in a process.
 * Other processes may have the directory open at the same time: one of them, the leader, keeps the limits for all.
 *
 * @example
 * const manager = await StreamingManager.open('./cache', { maxSize: 2 * 1024 ** 3 })
 * setGlobalDispatcher(new Agent().compose(cacheInterceptor(manager)))
 */
export class StreamingManager {
  readonly #engine: CacheEngine
  readonly #isTemporary: boolean
  readonly #neighbours: Neighbours
  readonly #history: History
  #timer: NodeJS.Timeout | undefined
  #closing: Promise<void> | undefined

  private constructor(engine: CacheEngine, isTemporary: boolean) {
    this.#engine = engine
    this.#neighbours = new Neighbours(engine)
    this.#history = new History(engine.holdings.store, engine.statistics, engine.options.clock())
    this.#isTemporary = isTemporary
    engines.set(this, engine)
  }

  /**
   * Opens the cache in a directory, making it where it is missing. What was stored there before hits at once;
   * `entryCount` and `size` follow when the index has been read, in the background.
   *
   * @throws {InvalidOptionError} when an option or the directory is of the wrong type or out of range
   * @throws {DirectoryError} when the directory cannot be made or written, or another process has it open and it is on
   * a file system where they cannot share it, such as NFS
   */
  static async open(directory: string, options?: ManagerOptions): Promise<StreamingManager> {
    if (typeof directory !== 'string' || directory === '') {
      throw new InvalidOptionError('directory', 'the path of a directory', directory)
    }
    return await StreamingManager.#open(directory, options, false)
  }

  /**
   * A cache in a new directory of the system's temporary folder, removed by `close()`.
   *
   * @throws {InvalidOptionError} when an option is of the wrong type or out of range
   * @throws {DirectoryError} when the directory cannot be made
   */
  static async temporary(options?: ManagerOptions): Promise<StreamingManager> {
    resolveManagerOptions(options)
    return await StreamingManager.#open(await mkdtemp(join(tmpdir(), 'undici-streaming-cache-')), options, true)
  }

  static async #open(
    directory: string,
    options: ManagerOptions | undefined,
    isTemporary: boolean,
  ): Promise<StreamingManager> {
    const resolved = resolveManagerOptions(options)
    const store = await ContentStore.open(resolve(directory), resolved)
    const [membership, snapshotSize] = await Promise.all([store.join(), store.snapshotSize()])
    const engine = new CacheEngine(store, membership, resolved)
    const manager = new StreamingManager(engine, isTemporary)
    // A small cache is all there at once, and as fresh as it was; a large one is read meanwhile.
    const isAwaited = resolved.maxRestoreDelay > 0 && snapshotSize <= SMALL_SNAPSHOT
    engine.holdings.tasks.add(recover(engine, isAwaited ? 0 : HEAD_START_MS))
    const { restoration } = engine.holdings.snapshots
    if (restoration !== undefined && isAwaited)
      await Promise.race([restoration.ended, delay(resolved.maxRestoreDelay, undefined, { ref: false })])
    if (resolved.snapshotInterval > 0) {
      manager.#timer = setInterval(() => {
        engine.holdings.tasks.add(engine.holdings.writeSnapshot())
        engine.holdings.tasks.add(manager.#noteHistory())
      }, resolved.snapshotInterval).unref()
    }
    return manager
  }

  /** Absolute path of the cache directory. */
  get directory(): string {
    return this.#engine.holdings.store.directory
  }

  /**
   * Stored responses, variants of one URL counted one by one. Beside other processes, unless this one is the leader: as
   * many of them as it has come across.
   */
  get entryCount(): number {
    return this.#engine.catalogue.entryCount
  }

  /** Bytes on disk of what `entryCount` counts, in blocks of the file system, its folders among them. */
  get size(): number {
    return this.#engine.catalogue.size
  }

  stats(): ManagerStats {
    return {
      ...this.#engine.statistics.counts(),
      entryCount: this.entryCount,
      size: this.size,
      memory: this.#engine.memory.size,
    }
  }

  /**
   * The stored response of a URL (the newest of its variants) or of a key from `entries()`, fresh or stale, with its
   * body as a stream of checked chunks; undefined when there is none, or none that can be read. Read or destroy the body: it holds a descriptor.
   *
   * @throws {ClosedError} after `close()`
   */
  async get(key: string): Promise<CachedResponse | undefined> {
    const stored = await this.#find(key)
    if (stored === undefined) return undefined
    const body = this.#engine.readSmall(stored) ?? (await this.#engine.openBody(stored))
    return typeof body === 'string' ? undefined : toCachedResponse(stored, body)
  }

  /**
   * Stores a response under a URL on the caller's own authority; what RFC 9111 says of storing is not asked, what it
   * says of reuse holds when a request comes. Resolves with whether it was kept: false when the body is over
   * `maxBodySize`, broke off, or would push out what is asked for more often.
   *
   * @throws {InvalidOptionError} when the URL, status or headers are malformed
   * @throws {ClosedError} after `close()`
   */
  async put(key: string, response: PutResponse | Response): Promise<boolean> {
    this.#assertOpen()
    return await storePut(this.#engine, normalisedKey(key), response)
  }

  /**
   * Removes what is stored for a URL, all variants and its HEAD answer; what is being fetched for it is not stored.
   * Resolves with whether anything was stored, once the disk has it no more.
   *
   * @throws {ClosedError} after `close()`
   */
  async delete(key: string): Promise<boolean> {
    const found = (await this.#find(key)) !== undefined
    const normalised = normalisedKey(key)
    this.#engine.invalidate(normalised)
    this.#engine.invalidate(cacheKey('HEAD', normalised))
    await this.#settled()
    return found
  }

  /**
   * Removes what a filter says, with what is being fetched for the same URLs, or marks it stale. Resolves with how many
   * stored responses that concerned, once it has taken effect. By tag in time independent of how much else is stored.
   *
   * @throws {InvalidOptionError} unless there is exactly one filter, of the right type
   * @throws {ClosedError} after `close()`
   *
   * @example
   * await manager.purge({ tag: 'product-17' }, { soft: true })
   */
  async purge(filter: PurgeFilter, options?: PurgeOptions): Promise<number> {
    this.#assertOpen()
    return await purge(this.#engine, filter, options)
  }

  /**
   * Removes everything. Resolves once the disk has it no more.
   * @throws {ClosedError} after `close()`
   */
  async clear(): Promise<void> {
    this.#assertOpen()
    this.#engine.clear()
    await this.#settled()
  }

  /**
   * What is stored, one entry a variant, in no order. While the index is still being read after a start, waits for it.
   * @throws {ClosedError} after `close()`
   */
  async *entries(): AsyncGenerator<CachedEntry, void, void> {
    this.#assertOpen()
    const { holdings, catalogue } = this.#engine
    if (!holdings.isReconciled) await holdings.tasks.settled()
    const records = holdings.isWhole ? [...catalogue.records()] : holdings.store.records()
    for await (const stored of records) yield describeEntry(stored, diskSize(stored))
  }

  /**
   * Other limits from now on, in entries and bytes; what is over them goes. Resolves once it is gone from the disk. Of
   * several processes on a directory the leader's limits are kept: give all the same.
   *
   * @throws {InvalidOptionError} when a limit is out of range
   * @throws {ClosedError} after `close()`
   */
  async resize(limits: Pick<ManagerOptions, 'maxEntries' | 'maxSize'>): Promise<void> {
    this.#assertOpen()
    const { maxEntries, maxSize } = resolveManagerOptions({ ...this.#engine.limits, ...limits })
    this.#engine.resize(maxEntries, maxSize)
    await this.#engine.holdings.tasks.settled()
  }

  /**
   * Resolves when nothing is being written, removed or looked through in the background, with the index on disk, and
   * what other processes had done before the call is done here as well.
   */
  async runPendingTasks(): Promise<void> {
    const { holdings } = this.#engine
    await holdings.membership.poll()
    await holdings.tasks.settled()
    await holdings.unwritten.flush()
    await this.#settled()
    await holdings.writeSnapshot()
  }

  /**
   * Finishes what is being committed, gives up bodies that are still arriving, and writes the index. Requests through
   * an interceptor of this manager then pass to the network as if there were no cache. May be called again.
   */
  async close(): Promise<void> {
    this.#closing ??= this.#close()
    await this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#neighbours.close()
    await this.#engine.close()
    const { holdings } = this.#engine
    if (!this.#isTemporary) {
      await holdings.writeSnapshot()
      await this.#noteHistory()
    }
    await holdings.membership.leave()
    if (this.#isTemporary) await holdings.store.destroy()
  }

  async #noteHistory(): Promise<void> {
    const { options, holdings } = this.#engine
    await this.#history.note(options.clock(), holdings.membership.isLeader)
  }

  async #settled(): Promise<void> {
    await this.#engine.holdings.tasks.settled()
    await this.#engine.holdings.membership.flushed()
  }

  async #find(key: string): Promise<StoredResponse | undefined> {
    this.#assertOpen()
    const exact = this.#engine.catalogue.newest(key)
    return exact ?? (await this.#engine.newest(normalisedKey(key)))
  }

  #assertOpen(): void {
    if (this.#engine.isClosed) throw new ClosedError()
  }
}

/** A URL as requests name it: `https://Example.com` is `https://example.com/`. Keys of `entries()` are kept as they are. */
export function normalisedKey(key: string): string {
  if (typeof key !== 'string') throw new InvalidOptionError('key', 'a URL', key)
  const separator = key.indexOf(' ')
  const method = separator > 0 ? key.slice(0, separator) : 'GET'
  const url = URL.parse(separator > 0 ? key.slice(separator + 1) : key)
  if (url === null) throw new InvalidOptionError('key', 'an absolute URL', key)
  if (!/^#(?:key|vary|host|partition)=/.test(url.hash)) url.hash = ''
  return cacheKey(method, url.href)
}
