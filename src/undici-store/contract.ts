/** What undici asks of a cache store, as types of our own: the package compiles without undici. */
import type { Readable } from 'node:stream'

/** The request that a response is looked for or stored for. */
export interface CacheKey {
  readonly origin: string
  readonly method: string
  readonly path: string
  /** Request fields by lower-case name. */
  readonly headers?: Record<string, string | string[]>
}

/** Directives of Cache-Control as undici reads them. */
export interface CacheControlDirectives {
  'max-stale'?: number
  'min-fresh'?: number
  'max-age'?: number
  's-maxage'?: number
  'stale-while-revalidate'?: number
  'stale-if-error'?: number
  public?: true
  private?: true | string[]
  'no-store'?: true
  'no-cache'?: true | string[]
  'must-revalidate'?: true
  'proxy-revalidate'?: true
  immutable?: true
  'no-transform'?: true
  'must-understand'?: true
  'only-if-cached'?: true
}

/** What undici knows of a response without its body. */
export interface CacheValue {
  readonly statusCode: number
  readonly statusMessage: string
  readonly headers: Record<string, string | string[]>
  /** Values of the request for the fields that Vary nominates; null where it had none. */
  readonly vary?: Record<string, string | string[] | null>
  readonly etag?: string
  readonly cacheControlDirectives?: CacheControlDirectives
  /** Times in milliseconds since the epoch. */
  readonly cachedAt: number
  readonly staleAt: number
  readonly deleteAt: number
}

/** What a look-up brings. The fields may be written to: they are made for each. */
export interface GetResult {
  statusCode: number
  statusMessage: string
  headers: Record<string, string | string[]>
  vary?: Record<string, string | string[] | null>
  etag?: string
  /** The bytes that are in memory, or a stream of checked chunks: to be read to its end or destroyed. */
  body: Readable | Buffer[]
  cacheControlDirectives: CacheControlDirectives
  cachedAt: number
  staleAt: number
  deleteAt: number
}

/** @throws {TypeError} as undici's own stores do */
export function assertKey(key: CacheKey): void {
  if (typeof key !== 'object' || key === null) throw new TypeError(`expected key to be object, got ${typeof key}`)
  for (const property of ['origin', 'method', 'path'] as const) {
    if (typeof key[property] !== 'string')
      throw new TypeError(`expected key.${property} to be string, got ${typeof key[property]}`)
  }
  if (key.headers !== undefined && typeof key.headers !== 'object')
    throw new TypeError(`expected key.headers to be object, got ${typeof key.headers}`)
}

/** @throws {TypeError} as undici's own stores do */
export function assertValue(value: CacheValue): void {
  if (typeof value !== 'object' || value === null)
    throw new TypeError(`expected value to be object, got ${typeof value}`)
  for (const property of ['statusCode', 'cachedAt', 'staleAt', 'deleteAt'] as const) {
    if (typeof value[property] !== 'number')
      throw new TypeError(`expected value.${property} to be number, got ${typeof value[property]}`)
  }
  if (typeof value.statusMessage !== 'string')
    throw new TypeError(`expected value.statusMessage to be string, got ${typeof value.statusMessage}`)
  for (const property of ['headers', 'vary'] as const) {
    if (typeof (value[property] ?? {}) !== 'object')
      throw new TypeError(`expected value.${property} to be object, got ${typeof value[property]}`)
  }
  if (value.etag !== undefined && typeof value.etag !== 'string')
    throw new TypeError(`expected value.etag to be string, got ${typeof value.etag}`)
}
