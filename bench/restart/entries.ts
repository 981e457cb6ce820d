/** What is stored, and what is told of a start. */
import type { cacheStores } from 'undici'

export const BODY_BYTES = 1024

export type Who = 'undici-streaming-cache' | 'SqliteCacheStore' | 'MemoryCacheStore'

/** Milliseconds but for the last four. */
export interface Start {
  readonly open: number
  readonly firstHit: number
  readonly known: number
  readonly compared: number
  /** The most of the processor's time that one turn of the event loop took. */
  readonly longest: number
  /** Megabytes when all was known, when it was compared, and what is left of them after a collection. */
  readonly atOnce: number
  readonly resident: number
  readonly settled: number
  /** Bytes. */
  readonly entry: number
}

/** The nth entry: the eight header fields that nginx gives a file, a body of its own. */
export function entryOf(n: number): { url: string; headers: Record<string, string>; body: Buffer } {
  return {
    url: `https://example.com/articles/${String(n).padStart(8, '0')}`,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'content-length': String(BODY_BYTES),
      'cache-control': 'public, max-age=86400',
      etag: `"${n.toString(16)}"`,
      'last-modified': new Date(1.7e12 + n * 1000).toUTCString(),
      date: new Date(1.79e12 + n * 50).toUTCString(),
      server: 'nginx/1.24.0',
      'accept-ranges': 'bytes',
    },
    body: Buffer.alloc(BODY_BYTES, `body ${n} `),
  }
}

/** The nth entry as undici's stores take it: `store.createWriteStream(key, value)?.end(body)`. */
export function peerEntryOf(n: number): { key: PeerKey; value: PeerValue; body: Buffer } {
  const { url, headers, body } = entryOf(n)
  const { origin, pathname: path } = new URL(url)
  const now = Date.now()
  const times = { cachedAt: now, staleAt: now + 86_400_000, deleteAt: now + 864_000_000 }
  const cacheControlDirectives = { 'max-age': 86_400 }
  const value = { statusCode: 200, statusMessage: 'OK', headers, cacheControlDirectives, ...times }
  return { key: { origin, path, method: 'GET', headers: {} }, value, body }
}

type Write = InstanceType<typeof cacheStores.MemoryCacheStore>['createWriteStream']
type PeerKey = Parameters<Write>[0]
type PeerValue = Parameters<Write>[1]
