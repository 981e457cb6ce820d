/**
 * From undici's key and value to a record of the engine, and back.
 *
 * What undici stores is kept apart from what the package's own interceptor stores, by a partition that no option can name:
 * undici decided by its rules, and only undici may answer with it. What the record has no place for (undici's times,
 * directives and entity tag) is its metadata. Of the request nothing is kept but the digest of what Vary
 * nominates: who selects a response has the values, or it would not have been selected.
 */
import { cacheKey } from '../policy/cache-key.ts'
import type { CacheRequest, RequestFields } from '../policy/cache-request.ts'
import { fieldsByName } from '../policy/field-lines.ts'
import type { StoredHead } from '../policy/storing.ts'
import { MAX_VARY_NAMES, variantOf } from '../policy/vary.ts'
import { NO_VARY, type StoredResponse } from '../stored-response.ts'
import type { CacheControlDirectives, CacheKey, CacheValue, GetResult } from './contract.ts'

/** A value of the option `partition` is percent-encoded: none of them is this. */
const PARTITION = '#partition=@undici'

type Fields = Record<string, string | string[] | null>
type Unrecorded = Pick<CacheValue, 'cachedAt' | 'staleAt' | 'deleteAt' | 'etag'> &
  Pick<GetResult, 'cacheControlDirectives'>

/** The engine's key, or undefined for what has no target URI, such as `OPTIONS *`. */
export function engineKey({ origin, path }: CacheKey, method: string): string | undefined {
  const url = URL.parse(origin)
  const isTarget = url !== null && /^https?:$/.test(url.protocol) && path.startsWith('/') && !path.includes('#')
  return isTarget ? cacheKey(method, url.origin + path + PARTITION) : undefined
}

/** A look-up that asks for whatever is stored: undici judges by its own rules whether it may be used. */
export function toRequest(key: CacheKey): CacheRequest | undefined {
  const name = engineKey(key, key.method)
  // As a GET, so that the engine does not answer a HEAD by what is stored for a GET: undici keeps them apart.
  return name === undefined
    ? undefined
    : { method: 'GET', key: name, fields: joined(key.headers ?? {}), mode: 'ignore-rules', isPlain: false }
}

/** The record, or undefined for what must not be on disk: field lines that would split a response, odd numbers. */
export function toHead(key: CacheKey, value: CacheValue, now: number): StoredHead | undefined {
  const name = engineKey(key, key.method)
  const { statusCode, statusMessage, cachedAt, staleAt, deleteAt, etag, cacheControlDirectives = {} } = value
  const vary = value.vary == null ? NO_VARY : Object.keys(value.vary).toSorted()
  const fields = toFieldLines(value.headers ?? {})
  const isSound =
    Number.isInteger(statusCode) &&
    statusCode >= 200 &&
    statusCode < 600 &&
    [cachedAt, staleAt, deleteAt].every(Number.isFinite) &&
    vary.length <= MAX_VARY_NAMES &&
    vary.every(isFieldName)
  if (name === undefined || fields === undefined || !isSound) return undefined
  const unrecorded: Unrecorded = {
    cachedAt,
    staleAt,
    deleteAt,
    ...(etag === undefined ? {} : { etag }),
    cacheControlDirectives,
  }
  return {
    key: name,
    variant: variantOf(vary, joined(value.vary ?? {})),
    vary,
    statusCode,
    statusMessage,
    fields,
    metadata: JSON.stringify(unrecorded),
    // Never anything else than an answer to the store.
    scope: 'private',
    requestTime: now,
    responseTime: now,
  }
}

/** What is stored as undici has it, or undefined when the record does not say what it must. */
export function toResult(stored: StoredResponse, request: CacheKey): Omit<GetResult, 'body'> | undefined {
  const unrecorded = parse(stored.metadata)
  if (unrecorded === undefined) return undefined
  const { statusCode, statusMessage, vary, staleFrom = Infinity } = stored
  const varying = vary.map((name) => [name, request.headers?.[name] ?? null])
  return {
    statusCode,
    statusMessage,
    headers: fieldsByName(stored.fields),
    ...(vary.length === 0 ? {} : { vary: Object.fromEntries(varying) as Fields }),
    ...unrecorded,
    // A soft purge: undici validates it before its next use.
    staleAt: Math.min(unrecorded.staleAt, staleFrom),
  }
}

function joined(fields: Readonly<Fields>): RequestFields {
  const values: Record<string, string> = Object.create(null)
  for (const [name, value] of Object.entries(fields)) {
    if (value === null || value === undefined) continue
    values[name.toLowerCase()] = Array.isArray(value) ? value.join(', ') : value
  }
  return values
}

function toFieldLines(headers: CacheValue['headers']): string[] | undefined {
  const lines: string[] = []
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) continue
    for (const line of [value].flat()) {
      if (!isFieldName(name) || !isFieldValue(line)) return undefined
      lines.push(name, line)
    }
  }
  return lines
}

function isFieldName(name: string): boolean {
  return /^[\w!#$%&'*+.^`|~-]+$/.test(name)
}

function isFieldValue(value: unknown): boolean {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  return typeof value === 'string' && !/[\r\n\0]/.test(value)
}

/** What is read may have been damaged or planted. */
function parse(json: string | undefined): Unrecorded | undefined {
  let value: unknown
  try {
    value = JSON.parse(json ?? 'null')
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const { cachedAt, staleAt, deleteAt, etag, cacheControlDirectives } = value as Partial<Unrecorded>
  if (!isTime(cachedAt) || !isTime(staleAt) || !isTime(deleteAt) || !isDirectives(cacheControlDirectives))
    return undefined
  return { cachedAt, staleAt, deleteAt, ...(typeof etag === 'string' ? { etag } : {}), cacheControlDirectives }
}

function isTime(value: unknown): value is number {
  return Number.isFinite(value)
}

function isDirectives(value: unknown): value is CacheControlDirectives {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return Object.values(value).every(
    (argument: unknown) =>
      argument === true ||
      typeof argument === 'number' ||
      (Array.isArray(argument) && argument.every((name) => typeof name === 'string')),
  )
}
