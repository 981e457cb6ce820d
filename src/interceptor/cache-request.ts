/** From what a caller dispatches to what the cache understands: method, key, fields. Callers use every form there is. */
import { stringify, type ParsedUrlQueryInput } from 'node:querystring'
import { cacheKey } from '../policy/cache-key.ts'
import type { CacheMode } from '../policy/cache-mode.ts'
import type { CacheRequest } from '../policy/cache-request.ts'
import type { ReceivedOptions } from './dispatch.ts'

/** Request headers by name as the caller wrote it; arrays are several lines. */
export type RequestHeaders = Record<string, string | string[]>

/**
 * The target origin as a key has it, or undefined when the cache must let the request pass because nobody can tell:
 * `bound` is the dispatcher's own word (undici 8.10.2 and later) and goes before the caller's claim.
 */
export function targetOrigin(options: ReceivedOptions, bound: string | null | undefined): string | undefined {
  const origin = bound === undefined ? options.origin : bound
  return origin === null || origin === undefined ? undefined : normalisedOrigin(String(origin))
}

/** Requests name the same few origins again and again: parsing a URL costs more than the rest of a look-up. */
const knownOrigins = new Map<string, string | null>()
const MAX_KNOWN_ORIGINS = 1_000

function normalisedOrigin(origin: string): string | undefined {
  const known = knownOrigins.get(origin)
  if (known !== undefined) return known ?? undefined
  const url = URL.parse(origin)
  const normalised = url !== null && /^https?:$/.test(url.protocol) ? url.origin : undefined
  if (knownOrigins.size >= MAX_KNOWN_ORIGINS) knownOrigins.clear()
  knownOrigins.set(origin, normalised ?? null)
  return normalised
}

/**
 * The target URI: origin, path and query, byte for byte. Undefined for forms that have none: an absolute URL in the
 * place of the path, or a `#` in it, which no target URI has.
 */
export function targetUri(origin: string, options: ReceivedOptions): string | undefined {
  const { path, query } = options
  if (typeof path !== 'string' || !path.startsWith('/') || path.includes('#')) return undefined
  if (query === null || query === undefined || typeof query !== 'object') return origin + path
  const search = stringify(query as ParsedUrlQueryInput)
  return search === '' ? origin + path : `${origin}${path}?${search}`
}

/** `partition` keeps apart what is stored for some from what is stored for others: see the option. */
export function toCacheRequest(
  method: string,
  uri: string,
  headers: RequestHeaders,
  mode: CacheMode = 'default',
  partition = '',
): CacheRequest {
  const fields: Record<string, string> = Object.create(null)
  for (const [name, value] of Object.entries(headers)) {
    const lower = name.toLowerCase()
    const joined = Array.isArray(value) ? value.join(', ') : value
    fields[lower] = fields[lower] === undefined ? joined : `${fields[lower]}, ${joined}`
  }
  return {
    method,
    key: cacheKey(method, uri + hostSuffix(uri, fields['host']) + partitionSuffix(partition)),
    fields,
    mode,
  }
}

/**
 * A Host other than the target's selects another site on the same server (RFC 9110 section 7.2): its answers must not
 * be given for the target itself.
 */
function hostSuffix(uri: string, host: string | undefined): string {
  if (host === undefined) return ''
  const own = URL.parse(uri)?.host
  return host.toLowerCase() === own ? '' : `#host=${encodeURIComponent(host.toLowerCase())}`
}

/** A target URI has no fragment, so that none can be written to look like this. */
function partitionSuffix(partition: string): string {
  return partition === '' ? '' : `#partition=${encodeURIComponent(partition)}`
}

/** Headers in any form that undici takes: object, flat array, list of pairs, Headers, Map. Undefined where malformed. */
export function readHeaders(headers: unknown): RequestHeaders | undefined {
  if (headers === null || headers === undefined) return {}
  if (typeof headers !== 'object') return undefined
  const pairs = toPairs(headers)
  if (pairs === undefined) return undefined
  const read: RequestHeaders = Object.create(null)
  for (const [name, value] of pairs) {
    if (value === undefined || value === null) continue
    const lines = Array.isArray(value) ? value.map(String) : [text(value)]
    const known = read[name]
    read[name] = known === undefined && lines.length === 1 ? (lines[0] as string) : [...[known ?? []].flat(), ...lines]
  }
  return read
}

/**
 * Headers that can be read again. Of an iterator, such as `Headers.entries()`, the cache would leave nothing for the
 * network.
 */
export function rereadable(headers: unknown): unknown {
  if (typeof headers !== 'object' || headers === null || !('next' in headers && Symbol.iterator in headers))
    return headers
  const pairs = [...(headers as Iterable<unknown>)]
  return { [Symbol.iterator]: () => pairs.values() }
}

function toPairs(headers: object): [string, unknown][] | undefined {
  if (Array.isArray(headers) && headers.every((part) => !Array.isArray(part))) {
    if (headers.length % 2 !== 0) return undefined
    return Array.from({ length: headers.length / 2 }, (_, i) => [text(headers[2 * i]), headers[2 * i + 1]])
  }
  if (!(Symbol.iterator in headers)) return Object.entries(headers)
  const pairs: [string, unknown][] = []
  for (const pair of headers as Iterable<unknown>) {
    if (!Array.isArray(pair) || pair.length !== 2) return undefined
    pairs.push([text(pair[0]), pair[1]])
  }
  return pairs
}

function text(part: unknown): string {
  return Buffer.isBuffer(part) ? part.toString('latin1') : String(part)
}
