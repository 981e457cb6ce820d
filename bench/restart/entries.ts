/** What is stored, and what is told of a start. */

export const BODY_BYTES = 1024

export type Who = 'undici-streaming-cache' | 'SqliteCacheStore' | 'MemoryCacheStore'

/** Milliseconds but for the last three. */
export interface Start {
  readonly open: number
  readonly firstHit: number
  readonly known: number
  readonly compared: number
  /** The most of the processor's time that one turn of the event loop took. */
  readonly longest: number
  /** Megabytes, and what is left of them after a collection. */
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
