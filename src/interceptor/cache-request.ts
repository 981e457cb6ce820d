/** From what a caller dispatches to what the cache understands: method, key, fields. Callers use every form there is. */
import { stringify, type ParsedUrlQueryInput } from 'node:querystring'
import { cacheKey } from '../policy/cache-key.ts'
import type { CacheMode } from '../policy/cache-mode.ts'
import type { CacheRequest, LaidDown, RequestFields } from '../policy/cache-request.ts'
import type { ReceivedOptions } from './dispatch.ts'
import { areOrdinary, readHeaders, text, type RequestHeaders } from './request-headers.ts'

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

/** The last one, and what it is normalised: most clients ask one origin for long. */
let lastOrigin: string | undefined
let lastNormalised: string | undefined

function normalisedOrigin(origin: string): string | undefined {
  if (origin === lastOrigin) return lastNormalised
  lastNormalised = lookedUp(origin)
  lastOrigin = origin
  return lastNormalised
}

function lookedUp(origin: string): string | undefined {
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

/** What a caller has dispatched, as the cache sees it. Its fields are read when somebody wants them: most hits want none. */
export class IncomingRequest implements CacheRequest {
  readonly method: string
  readonly key: string
  readonly mode: CacheMode
  readonly isPlain: boolean
  readonly laidDown: LaidDown | undefined
  readonly #source: unknown
  #headers: RequestHeaders | undefined
  #fields: RequestFields | undefined

  private constructor(
    method: string,
    key: string,
    mode: CacheMode,
    isPlain: boolean,
    source: unknown,
    laidDown?: LaidDown,
  ) {
    this.method = method
    this.key = key
    this.mode = mode
    this.isPlain = isPlain
    this.#source = source
    this.laidDown = laidDown
  }

  /**
   * Undefined where the headers are malformed. `partition` keeps apart what is stored for some from what is stored for
   * others: see the option.
   */
  static from(method: string, uri: string, headers: unknown, partition: string): IncomingRequest | undefined {
    if (areOrdinary(headers))
      return new IncomingRequest(method, keyOf(method, uri, undefined, partition), 'default', true, headers)
    const read = readHeaders(headers)
    if (read === undefined) return undefined
    const fields = fieldsOf(read)
    const request = new IncomingRequest(
      method,
      keyOf(method, uri, fields['host'], partition),
      'default',
      false,
      headers,
    )
    request.#headers = read
    request.#fields = fields
    return request
  }

  /** What the caller wrote. */
  get headers(): RequestHeaders {
    // Those of an ordinary object are never malformed.
    return (this.#headers ??= readHeaders(this.#source) ?? {})
  }

  get fields(): RequestFields {
    // Where they have not been read, they are an ordinary object, which need not be read twice.
    return (this.#fields ??= fieldsOf(this.#headers ?? this.#source ?? {}))
  }

  /** Reads what the caller wrote now: once `dispatch` has returned, he may use his headers for something else. */
  keep(): this {
    void this.headers
    return this
  }

  /** A request of the cache's own in the place of this one: for what is stored under that key, with these headers. */
  inItsPlace(method: string, key: string, headers: RequestHeaders): IncomingRequest {
    const request = new IncomingRequest(method, key, this.mode, this.isPlain, headers, this.laidDown)
    request.#fields = this.fields
    return request
  }

  /** The same request with what is laid down for it. */
  steered(key: string, mode: CacheMode, laidDown: LaidDown | undefined): IncomingRequest {
    const request = new IncomingRequest(this.method, key, mode, this.isPlain, this.#source, laidDown)
    request.#headers = this.#headers
    request.#fields = this.#fields
    return request
  }
}

/** Of headers that were read, or of an ordinary object. */
function fieldsOf(headers: object): RequestFields {
  const fields: Record<string, string> = Object.create(null)
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || value === null) continue
    const lower = name.toLowerCase()
    const joined = Array.isArray(value) ? value.map(String).join(', ') : text(value)
    fields[lower] = fields[lower] === undefined ? joined : `${fields[lower]}, ${joined}`
  }
  return fields
}

/** The cache key of a request for this target. */
export function keyOf(method: string, uri: string, host: string | undefined, partition: string): string {
  return cacheKey(method, uri + hostSuffix(uri, host) + partitionSuffix(partition))
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
