/** Stores to try: ours, and undici's own, by which it is known that the tests are right. */
import { Readable, type Writable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import type { TestContext } from 'node:test'
import { cacheStores as cacheStores8 } from 'undici'
import { cacheStores as cacheStores7 } from 'undici7'
import { StreamingManager, type ManagerOptions } from '../../src/index.ts'
import { DiskCacheStore, type CacheKey, type CacheValue } from '../../src/undici-store/disk-cache-store.ts'
import { temporaryDirectory } from '../helpers/directory.ts'

/** Any store, as undici declares it: what a look-up brings has the same fields in all. */
export interface AnyStore {
  get(key: CacheKey): unknown
  createWriteStream(key: CacheKey, value: CacheValue): Writable | undefined
  delete(key: CacheKey): unknown
}

export interface Kind {
  readonly name: string
  /** Bytes of the largest body that it takes. */
  readonly largest: number
  open(t: TestContext): Promise<AnyStore>
}

export async function openManager(
  t: TestContext,
  options: ManagerOptions = {},
  directory?: string,
): Promise<StreamingManager> {
  // A busy machine's disk must not decide what a test finds stored.
  const limits = { maxStoreDelay: 60_000, ...options }
  const manager = await StreamingManager.open(directory ?? (await temporaryDirectory()), limits)
  t.after(async () => await manager.close())
  return manager
}

export const OURS: Kind = {
  name: 'DiskCacheStore',
  largest: 100 * 1024 ** 2,
  open: async (t) => new DiskCacheStore(await openManager(t)),
}

/** All of its bodies go by the disk, and are streams. */
export const OURS_UNBUFFERED: Kind = {
  name: 'DiskCacheStore without memory',
  largest: 100 * 1024 ** 2,
  open: async (t) => {
    const manager = await openManager(t, { maxMemory: 0, flushInterval: 0 })
    const store = new DiskCacheStore(manager)
    return {
      get: async (key) => {
        await manager.runPendingTasks()
        return await store.get(key)
      },
      createWriteStream: (key, value) => store.createWriteStream(key, value),
      delete: (key) => store.delete(key),
    }
  },
}

const MEMORY_LIMIT = 5 * 1024 ** 2

export const KINDS: readonly Kind[] = [
  OURS,
  OURS_UNBUFFERED,
  {
    name: 'MemoryCacheStore of undici 8',
    largest: MEMORY_LIMIT,
    open: async () => new cacheStores8.MemoryCacheStore(),
  },
  {
    name: 'MemoryCacheStore of undici 7',
    largest: MEMORY_LIMIT,
    open: async () => new cacheStores7.MemoryCacheStore(),
  },
  {
    name: 'SqliteCacheStore of undici 8',
    largest: MEMORY_LIMIT,
    open: async (t) => {
      const store = new cacheStores8.SqliteCacheStore()
      t.after(() => store.close())
      return store
    },
  },
]

/** A look-up with its body read. */
export interface Found extends CacheValue {
  readonly text: string
  readonly bytes: Buffer
}

export async function read(store: AnyStore, key: CacheKey): Promise<Found | undefined> {
  const result = (await store.get(key)) as (CacheValue & { body?: Iterable<Buffer> | Readable }) | undefined
  if (result === undefined) return undefined
  const { body = [], ...value } = result
  const bytes = Buffer.isBuffer(body) ? body : body instanceof Readable ? await buffer(body) : Buffer.concat([...body])
  return { ...value, bytes, text: bytes.toString() }
}

/** Writes a body in pieces. Resolves when the stream is closed, stored or not. */
export async function write(
  store: AnyStore,
  key: CacheKey,
  value: CacheValue,
  ...chunks: readonly (string | Buffer)[]
): Promise<void> {
  const stream = store.createWriteStream(key, value)
  if (stream === undefined) return
  const closed = new Promise<void>((resolve) => stream.once('close', resolve))
  stream.on('error', () => {})
  for (const chunk of chunks) {
    if (stream.destroyed) break
    if (!stream.write(chunk))
      await Promise.race([closed, new Promise<void>((resolve) => stream.once('drain', resolve))])
  }
  stream.end()
  await closed
}

export function keyOf(path: string, more: Partial<CacheKey> = {}): CacheKey {
  return { origin: 'http://localhost:1', method: 'GET', path, headers: {}, ...more }
}

/** Fresh for a minute, to be kept for two. */
export function valueOf(more: Partial<CacheValue> = {}): CacheValue {
  const now = Date.now()
  return {
    statusCode: 200,
    statusMessage: 'OK',
    headers: { 'content-type': 'text/plain', 'cache-control': 'max-age=60' },
    cacheControlDirectives: { 'max-age': 60 },
    cachedAt: now,
    staleAt: now + 60_000,
    deleteAt: now + 120_000,
    ...more,
  }
}
