/** Looks into a cache with the eyes of a request: what is stored for it, until when, and what would be done, without doing it. */
import { ClosedError, InvalidOptionError } from '../errors.ts'
import type { CacheEngine } from '../manager/cache-engine.ts'
import { diskSize } from '../manager/disk-use.ts'
import { rejectUnknown } from '../manager/options.ts'
import { engineOf, type StreamingManager } from '../manager/streaming-manager.ts'
import { describeEntry, type CachedEntry } from '../manager/views.ts'
import { explainFreshness, explainReuse, type Freshness } from '../policy/explanation.ts'
import { compareRecency } from '../policy/freshness.ts'
import { isSafe } from '../policy/invalidation.ts'
import { isOnlyIfCached, mayReuse, passesBy } from '../policy/reuse.ts'
import type { StoredResponse } from '../stored-response.ts'
import { checkOptions, type RequestCacheOptions } from './cache-options.ts'
import { IncomingRequest, targetUri } from './cache-request.ts'
import { resolveInterceptorOptions, type CacheInterceptorOptions, type ResolvedInterceptorOptions } from './options.ts'
import { Steering } from './steering.ts'

export interface InspectOptions {
  /** Default GET. */
  readonly method?: string
  /** Of the request; they decide which variant it selects, and may ask for validation. Default none. */
  readonly headers?: Readonly<Record<string, string | string[]>>
  /** Options of the interceptor that the request would go through. Default those of `cacheInterceptor(manager)`. */
  readonly interceptor?: CacheInterceptorOptions
  /** Options of the single request: what `withCacheOptions` would be given. Default none. */
  readonly request?: RequestCacheOptions
}

export const INSPECT_DEFAULTS = { method: 'GET', headers: {} } as const

/** One stored response, and what becomes of it. */
export interface InspectedEntry extends CachedEntry {
  /** It is what the request selects. */
  readonly isSelected: boolean
  readonly freshness: Freshness
}

export interface Inspection {
  /** The cache key of the request. */
  readonly key: string
  /**
   * What the cache would do now. `stale`: answered stale and validated in the background. `refuse`: 504, since only what
   * is stored is wanted. `bypass`: past the cache.
   */
  readonly outcome: 'hit' | 'stale' | 'validate' | 'miss' | 'refuse' | 'bypass'
  /** Why, in words, with the sections of the RFC. */
  readonly because: string
  /** Why the last answer for this key was not stored, such as `private`, where that is remembered. */
  readonly lastRefusal: string | undefined
  /** All that is stored for the key, most recent first. */
  readonly stored: readonly InspectedEntry[]
}

/**
 * What is stored for a URL, why it is fresh or stale and until when, and what the cache would do with a request for it:
 * a dry run, which asks nobody, shows in no count, and stores nothing.
 *
 * @throws {InvalidOptionError} when an option or the URL is wrong
 * @throws {ClosedError} after the manager's `close()`
 *
 * @example
 * const { outcome, because } = await inspect(manager, 'https://example.com/')
 */
export async function inspect(
  manager: StreamingManager,
  url: string,
  options: InspectOptions = {},
): Promise<Inspection> {
  const engine = engineOf(manager)
  if (typeof options !== 'object' || options === null) throw new InvalidOptionError('options', 'an object', options)
  rejectUnknown(options, { method: true, headers: true, interceptor: true, request: true })
  const resolved = resolveInterceptorOptions(options.interceptor)
  const request = requestOf(url, options, resolved, engine)
  if (engine.isClosed) throw new ClosedError()
  // Once what is under way has ended, and what lies on disk is known.
  await engine.newest(request.key)
  const { origin } = new URL(url)
  const { selected, ...decision } = resolved.allowsOrigin(origin)
    ? decide(engine, request, resolved)
    : bypass(`${origin} is not one of the option origins`)
  const { policy } = resolved
  const now = engine.options.clock()
  // A stored GET answers HEAD, too.
  const keys = new Set([request.key, selected?.key ?? request.key])
  const stored = [...keys]
    .flatMap((key) => engine.catalogue.variants(key))
    .toSorted((a, b) => compareRecency(b, a))
    .map((each) => ({
      ...describeEntry(each, diskSize(each)),
      isSelected: each === selected,
      freshness: explainFreshness(each, policy, now),
    }))
  return { key: request.key, ...decision, lastRefusal: engine.statistics.lastRefusal(request.key), stored }
}

function requestOf(
  url: string,
  { method = INSPECT_DEFAULTS.method, headers = INSPECT_DEFAULTS.headers, request: own = {} }: InspectOptions,
  options: ResolvedInterceptorOptions,
  engine: CacheEngine,
): IncomingRequest {
  const parsed = typeof url === 'string' ? URL.parse(url) : null
  if (parsed === null || !/^https?:$/.test(parsed.protocol))
    throw new InvalidOptionError('url', 'an http or https URL', url)
  if (typeof method !== 'string' || method === '') throw new InvalidOptionError('method', 'a method', method)
  const received = { path: parsed.pathname + parsed.search, method, httpCache: checkOptions(own) }
  const uri = targetUri(parsed.origin, received) as string
  const plain = IncomingRequest.from(method, uri, headers, options.partition)
  if (plain === undefined) throw new InvalidOptionError('headers', 'an object of strings', headers)
  return new Steering(options, engine.statistics).steer(plain, uri, received)
}

interface Decision extends Pick<Inspection, 'outcome' | 'because'> {
  readonly selected: StoredResponse | undefined
}

/** As `CachedDispatch` and `Answering` do. */
function decide(engine: CacheEngine, request: IncomingRequest, options: ResolvedInterceptorOptions): Decision {
  if (!isSafe(request.method))
    return bypass(`${request.method} is not safe: its success invalidates (RFC 9111 section 4.4)`)
  const because = whyBypass(request, options)
  if (because === undefined && request.mode === 'reload')
    return { outcome: 'miss', because: 'the mode reload asks the origin', selected: undefined }
  const found = because === undefined ? lookUp(engine, request, options) : bypass(because)
  const isAnswered = found.outcome === 'hit' || found.outcome === 'stale'
  if (isAnswered || !isOnlyIfCached(request)) return found
  return { ...found, outcome: 'refuse', because: `only what is stored is wanted, and: ${found.because}` }
}

function bypass(because: string): Decision {
  return { outcome: 'bypass', because, selected: undefined }
}

function whyBypass(request: IncomingRequest, { methods }: ResolvedInterceptorOptions): string | undefined {
  if (!methods.has(request.method)) return `${request.method} is not cached`
  if (request.mode === 'no-store') return 'the mode no-store passes by the cache'
  if (passesBy(request)) return 'If-Match and If-Unmodified-Since are for the origin (RFC 9111 section 4.3.2)'
  return undefined
}

function lookUp(engine: CacheEngine, request: IncomingRequest, { policy }: ResolvedInterceptorOptions): Decision {
  const lookup = engine.lookup(request, policy, true)
  if (lookup.outcome === 'pending')
    return { outcome: 'miss', because: 'something is being stored for it', selected: undefined }
  const selected = 'stored' in lookup ? lookup.stored : engine.catalogue.select(request.key, request).stored
  if (selected === undefined) {
    const isOther = lookup.outcome === 'miss' && lookup.because === 'vary-miss'
    const because = isOther
      ? 'what is stored varies, and nothing of it matches the request (RFC 9111 section 4.1)'
      : 'nothing is stored for it'
    return { outcome: 'miss', because, selected }
  }
  const now = engine.options.clock()
  const because = explainReuse(mayReuse(selected, request, now, policy), selected, request, policy, now)
  if (lookup.outcome !== 'hit') return { outcome: lookup.outcome, because, selected }
  return { outcome: lookup.revalidate ? 'stale' : 'hit', because, selected }
}
