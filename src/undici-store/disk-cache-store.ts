/**
 * `undici-streaming-cache/undici-store`: the disk engine as a store for undici's own `interceptors.cache({ store })`.
 * undici decides what may be stored and used; the engine keeps it, whole and checked, within its limits.
 */
import type { Readable, Writable } from 'node:stream'
import type { BodyReader } from '../content-store/body-reader.ts'
import type { CacheEngine } from '../manager/cache-engine.ts'
import type { Hit, Lookup } from '../manager/lookup.ts'
import { engineOf, type StreamingManager } from '../manager/streaming-manager.ts'
import { toReadable } from '../manager/views.ts'
import type { CacheRequest, PolicySettings } from '../policy/cache-request.ts'
import { entryKey } from '../stored-response.ts'
import { BodySink } from './body-sink.ts'
import { assertKey, assertValue, type CacheKey, type CacheValue, type GetResult } from './contract.ts'
import { engineKey, toHead, toRequest, toResult } from './records.ts'

export type { CacheControlDirectives, CacheKey, CacheValue, GetResult } from './contract.ts'

/** Methods that undici stores responses to. */
const METHODS = ['GET', 'HEAD', 'OPTIONS', 'TRACE']

const SETTINGS: PolicySettings = {
  shared: false,
  cacheByDefault: undefined,
  staleWhenUnreachable: true,
  targets: [],
  noVarySearch: false,
}

/** undici leaves a body unread and forgets it where it cannot store a freshened response. */
const forgotten = new FinalizationRegistry<BodyReader>((reader) => reader.close())

/**
 * Keeps on disk what `interceptors.cache` of undici 7 or 8 stores. The manager may serve others at the same time: what is
 * stored through here answers nobody else. `manager.purge` and the command line see it.
 *
 * @example
 * const manager = await StreamingManager.open('./cache', { maxSize: 2 * 1024 ** 3 })
 * const store = new DiskCacheStore(manager)
 * setGlobalDispatcher(new Agent().compose(interceptors.cache({ store })))
 */
export class DiskCacheStore {
  readonly #manager: StreamingManager
  readonly #engine: CacheEngine
  /** Bodies being written, by key. */
  readonly #writing = new Map<string, Set<BodySink>>()

  /** @throws {InvalidOptionError} when it is no manager */
  constructor(manager: StreamingManager) {
    this.#engine = engineOf(manager)
    this.#manager = manager
  }

  /** Bytes on disk of all that the manager holds. */
  get size(): number {
    return this.#manager.size
  }

  /** Whether what is stored next pushes out something else. */
  isFull(): boolean {
    const { maxEntries, maxSize } = this.#engine.limits
    return this.#manager.entryCount >= maxEntries || this.size >= maxSize
  }

  /** The stored response that the request selects, fresh or stale, unless its `deleteAt` has passed. Never rejects. */
  get(key: CacheKey): GetResult | undefined | Promise<GetResult | undefined> {
    assertKey(key)
    const request = toRequest(key)
    if (request === undefined || this.#engine.isClosed) return undefined
    const lookup = this.#engine.lookup(request, SETTINGS)
    if (lookup.outcome === 'pending') return this.#wait(key, request, lookup)
    // undici lets its caller go on when the response has ended, which may be before the disk has all of it.
    const ending = lookup.outcome === 'miss' ? this.#endingOf(request.key) : []
    return ending.length > 0 ? this.#waitForEnd(key, request, ending) : this.#answer(key, lookup)
  }

  /**
   * A stream for the body, after whose end the response is stored, in the place of what the same request would have
   * selected. Undefined when it is known beforehand that it would not be kept.
   */
  createWriteStream(key: CacheKey, value: CacheValue): Writable | undefined {
    assertKey(key)
    assertValue(value)
    const head = toHead(key, value, this.#engine.options.clock())
    if (head === undefined) return undefined
    const declaredSize = key.method === 'HEAD' ? 0 : declaredLength(value)
    const pending = this.#engine.beginStore(head, declaredSize, this.#engine.generation)
    if (pending === undefined) return undefined
    const sink = new BodySink({
      pending,
      declaredSize,
      maxStoreDelay: this.#engine.options.maxStoreDelay,
      onSettled: (isKept) => {
        this.#forget(head.key, sink)
        if (isKept) this.#replaceOthers(key, entryKey(head.key, head.variant))
      },
    })
    this.#writing.set(head.key, (this.#writing.get(head.key) ?? new Set()).add(sink))
    return sink
  }

  /**
   * Removes what is stored for the URL, whatever its method and variant; what is being written for it is not stored.
   * Resolves once the disk has it no more.
   */
  delete(key: CacheKey): Promise<void> {
    assertKey(key)
    return this.#delete(key)
  }

  /** Closes the manager. */
  async close(): Promise<void> {
    await this.#manager.close()
  }

  async #delete(key: CacheKey): Promise<void> {
    if (this.#engine.isClosed) return
    const { holdings } = this.#engine
    for (const method of METHODS) {
      const name = engineKey(key, method)
      // undici deletes whenever a response may not be stored: what is not there needs no note to other processes.
      if (name !== undefined && this.#mayBeStored(name)) this.#engine.invalidate(name)
    }
    await holdings.tasks.settled()
    await holdings.membership.flushed()
  }

  /** Bodies that have arrived, and are not stored yet. */
  #endingOf(name: string): BodySink[] {
    return [...(this.#writing.get(name) ?? [])].filter((sink) => sink.writableEnded)
  }

  async #waitForEnd(key: CacheKey, request: CacheRequest, ending: readonly BodySink[]): Promise<GetResult | undefined> {
    await Promise.all(ending.map((sink) => sink.settled))
    return this.#engine.isClosed ? undefined : await this.#wait(key, request, this.#engine.lookup(request, SETTINGS))
  }

  async #wait(key: CacheKey, request: CacheRequest, first: Lookup): Promise<GetResult | undefined> {
    let lookup = first
    while (lookup.outcome === 'pending') {
      await lookup.ready
      lookup = this.#engine.lookup(request, SETTINGS)
    }
    return await this.#answer(key, lookup)
  }

  #answer(key: CacheKey, lookup: Lookup): GetResult | undefined | Promise<GetResult | undefined> {
    if (lookup.outcome !== 'hit') return this.#miss(key, lookup)
    const { stored } = lookup
    const result = toResult(stored, key)
    if (result === undefined || result.deleteAt <= this.#engine.options.clock()) {
      // It will answer nobody any more.
      this.#engine.holdings.remove(stored)
      return this.#miss(key, lookup)
    }
    const body = lookup.hot?.body ?? this.#engine.readSmall(stored)
    if (body === undefined) return this.#open(key, lookup, result)
    if (body === 'damaged') return this.#miss(key, lookup)
    const from = lookup.hot === undefined ? 'disk' : 'memory'
    // A copy: who is given it may write in it, and others are given the same.
    return this.#hit(lookup, from, { ...result, body: body.length === 0 ? [] : [Buffer.from(body)] })
  }

  async #open(key: CacheKey, lookup: Hit, result: Omit<GetResult, 'body'>): Promise<GetResult | undefined> {
    const reader = await this.#engine.openBody(lookup.stored)
    if (typeof reader === 'string') return this.#miss(key, lookup)
    const body: Readable = toReadable(reader)
    forgotten.register(body, reader)
    return this.#hit(lookup, 'disk', { ...result, body })
  }

  /** What is found counts as a hit, though undici may validate it before it uses it. */
  #hit({ stored }: Hit, from: 'memory' | 'disk', result: GetResult): GetResult {
    const { statistics, options } = this.#engine
    statistics.hit(stored, Math.floor((result.staleAt - options.clock()) / 1000))
    statistics.served(stored.body.size, from)
    return result
  }

  #miss(key: CacheKey, lookup: Lookup): undefined {
    const name = engineKey(key, key.method) ?? key.path
    this.#engine.statistics.forwarded(name, lookup.outcome === 'miss' ? lookup.because : 'uri-miss')
  }

  /** A response without Vary goes when one with Vary comes in its place, and the other way round. */
  #replaceOthers(key: CacheKey, name: string): void {
    const request = toRequest(key)
    if (request === undefined) return
    for (const stored of this.#engine.catalogue.matching(request.key, request))
      if (entryKey(stored.key, stored.variant) !== name) this.#engine.holdings.remove(stored)
  }

  #mayBeStored(name: string): boolean {
    const { holdings, catalogue } = this.#engine
    if (!holdings.isWhole || this.#writing.has(name)) return true
    return catalogue.variants(name).length > 0
  }

  #forget(name: string, sink: BodySink): void {
    const sinks = this.#writing.get(name)
    sinks?.delete(sink)
    if (sinks?.size === 0) this.#writing.delete(name)
  }
}

/** Content-Length, where it is one number. What came through a decoder has none. */
function declaredLength({ headers }: CacheValue): number | undefined {
  const length = headers?.['content-length']
  return typeof length === 'string' && /^\d+$/.test(length) ? Number(length) : undefined
}
