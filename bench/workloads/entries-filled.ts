/** So many entries of 1 KB with eight ordinary fields, in our index and in MemoryCacheStore, without a request for each. */
import { Agent, interceptors } from 'undici'
import { recordFromJson, recordToJson } from '../../src/content-store/record.ts'
import { cacheInterceptor } from '../../src/interceptor/cache-interceptor.ts'
import { engineOf, StreamingManager } from '../../src/manager/streaming-manager.ts'
import { turn } from '../harness/meter.ts'
import type { Context } from '../harness/workload.ts'
import type { OpenPeer } from '../peers/peer.ts'
import { openMemoryStore } from '../peers/undici.ts'
import { KIB } from './common.ts'
import { DAY_SECONDS, ordinaryHeaders } from './headers.ts'

/** Entries after which the event loop has a turn. */
const AT_A_TIME = 1000

export interface FilledPeer extends OpenPeer {
  /** Bytes of a body in memory, for each entry. */
  readonly bodyBytes: number
}

export async function openFilledIndex({ origin, directory }: Context, count: number): Promise<FilledPeer> {
  const urlOf = (n: number): string => `${origin}/${KIB}/${n}`
  const options = { maxEntries: count + 1, maxSize: 2 ** 40, snapshotInterval: 0 }
  const manager = await StreamingManager.open(`${directory}/${count}`, options)
  await manager.put(urlOf(0), { headers: ordinaryHeaders(0, KIB), body: Buffer.alloc(KIB, 'the one body ') })
  await manager.runPendingTasks()
  const engine = engineOf(manager)
  const first = engine.catalogue.newest(urlOf(0))
  if (first === undefined) throw new Error('The first entry was not stored')
  const json = recordToJson(first)
  for (let n = 1; n < count; n++) {
    const fields = Object.entries(ordinaryHeaders(n, KIB)).flat()
    // Every string is the entry's own, as after a start.
    const record = recordFromJson(JSON.parse(JSON.stringify({ ...json, key: urlOf(n), fields })))
    if (record !== undefined) engine.adopt(record)
    if (n % AT_A_TIME === 0) await turn()
  }
  if (manager.entryCount !== count) throw new Error(`Expected ${count} entries, got ${manager.entryCount}`)
  const agent = new Agent()
  return {
    base: origin,
    bodyBytes: 0,
    dispatcher: agent.compose(cacheInterceptor(manager)),
    // The manager ends with its process: the snapshot that closing writes is of no use, and large.
    close: () => agent.close(),
  }
}

export async function openFilledMemoryStore({ origin }: Context, count: number): Promise<FilledPeer> {
  const store = openMemoryStore()
  const now = Date.now()
  const times = { cachedAt: now, staleAt: now + DAY_SECONDS * 1000, deleteAt: now + DAY_SECONDS * 2000 }
  for (let n = 0; n < count; n++) {
    const key = { origin, method: 'GET', path: `/${KIB}/${n}`, headers: {} }
    const headers = JSON.parse(JSON.stringify(ordinaryHeaders(n, KIB))) as Record<string, string>
    const directives = { public: true, 'max-age': DAY_SECONDS } as const
    const value = {
      statusCode: 200,
      statusMessage: 'OK',
      headers,
      etag: headers['etag'] ?? '',
      cacheControlDirectives: directives,
    }
    store.createWriteStream(key, { ...value, ...times })?.end(Buffer.alloc(KIB, 'a body '))
    if (n % AT_A_TIME === 0) await turn()
  }
  await turn()
  const agent = new Agent()
  return {
    base: origin,
    bodyBytes: KIB,
    dispatcher: agent.compose(interceptors.cache({ store })),
    close: () => agent.close(),
  }
}
