/** Options of the interceptor. */
import { InvalidOptionError } from '../errors.ts'
import { rejectUnknown, withoutUndefined } from '../manager/options.ts'
import type { PolicySettings } from '../policy/cache-request.ts'
import { Annotating, ANNOTATING_DEFAULTS, type AnnotatingOptions } from './annotating.ts'
import { originFilter } from './origins.ts'
import { admissionBy, type Admission, type RateLimit, type RateLimitFunction } from './rate-limit.ts'
import { steerBy } from './response-steering.ts'
import { resolveSteering, type ResolvedSteering, type SteeringOptions } from './steering.ts'
import { ContextHandler } from './cache-context.ts'
import type { DispatchHandler } from './dispatch.ts'
import { taggingBy, type Tagging, type TagsFunction } from './tagging.ts'

export interface CacheInterceptorOptions extends SteeringOptions, AnnotatingOptions {
  /**
   * `shared`: what is stored may answer every user of this process, so nothing private is stored.
   * `private`: there is a single user, such as in a command-line tool. RFC 9111 section 1. Default `shared`.
   */
  readonly type?: 'shared' | 'private'
  /** Methods whose responses are stored, of GET and HEAD. Default both. */
  readonly methods?: readonly ('GET' | 'HEAD')[]
  /**
   * Origins that are cached, others pass by: strings such as `https://example.com`, compared by scheme, host and port,
   * and regular expressions, tried on the same form. Default all.
   */
  readonly origins?: readonly (string | RegExp)[]
  /**
   * Seconds for which a response is fresh that says nothing about it, has no Last-Modified to guess by, and has a
   * status that may be cached so (RFC 9111 section 4.2.2). Default: such a response is not fresh.
   */
  readonly cacheByDefault?: number
  /**
   * Serves a stale response when the origin cannot be reached at all (RFC 9111 section 4.2.4), unless a directive such as
   * `must-revalidate` forbids it: then the answer is 504. False leaves the error to the caller. Default true.
   */
  readonly staleWhenUnreachable?: boolean
  /**
   * Names of targeted fields, such as `CDN-Cache-Control`, that go before Cache-Control and Expires where a response has
   * them (RFC 9213); the first that is valid counts. Default none.
   */
  readonly targets?: readonly string[]
  /**
   * Lets a stored response answer requests whose query differs in what its `No-Vary-Search` says does not matter
   * (draft-ietf-httpbis-no-vary-search), while it is fresh. Default false.
   */
  readonly noVarySearch?: boolean
  /**
   * Finishes storing a response whose caller has left, instead of ending its transfer: the next one that asks has it.
   * `maxBodySize` bounds what is fetched so. Default false.
   */
  readonly finishAborted?: boolean
  /**
   * Lets requests for one missing or stale response wait for the first of them and share its answer, where that may be
   * stored and answers them. False sends each to the origin. Default true.
   */
  readonly collapse?: boolean
  /**
   * Name of a user, tenant or set of credentials: what is stored under one partition answers nobody of another, though
   * they share the manager and its limits. It is part of keys, in events and on disk. Default none.
   */
  readonly partition?: string
  /** Tags that a response is to have, for `purge({ tag })`; 256 at most. What it throws is an event, and no tags. Default none. */
  readonly tags?: TagsFunction
  /** Name of a field, such as `Cache-Tag`, `Surrogate-Key` or `xkey`, that lists tags of its response. Default none. */
  readonly tagsHeader?: string
  /**
   * How many requests may go to the network in a while, by origin or in all, or a function of your own that says when:
   * others wait for their turn. Hits do not count. Default no limit.
   */
  readonly rateLimit?: RateLimit | RateLimitFunction
  /** Adds `Cache-Status` (RFC 9211) to responses, saying what the cache did. Default true. */
  readonly cacheStatus?: boolean
  /**
   * Adds `x-cache` (HIT: out of the store) and `x-cache-lookup` (HIT: something stored was selected) to responses, in the
   * place of what caches before this one have said. Default false.
   */
  readonly xCache?: boolean
  /**
   * Puts what the cache did into `context.cache` of what undici's `request()`, `stream()` and `pipeline()` give their
   * callers, also where `cacheStatus` is false; see `CacheContext`. Default false.
   */
  readonly context?: boolean
}

export interface ResolvedInterceptorOptions {
  readonly policy: PolicySettings
  readonly steering: ResolvedSteering
  readonly annotating: Annotating
  readonly methods: ReadonlySet<string>
  readonly allowsOrigin: (origin: string) => boolean
  readonly finishAborted: boolean
  readonly collapse: boolean
  /** '' for none. */
  readonly partition: string
  readonly tagging: Tagging | undefined
  readonly admission: Admission | undefined
  /** Responses are marked with Cache-Status, though `ContextHandler` may hide it. */
  readonly cacheStatus: boolean
  readonly xCache: boolean
  /** Puts something between the exchange and a consumer. */
  readonly between: ((consumer: DispatchHandler) => DispatchHandler) | undefined
}

/** Undefined: nothing is laid down. */
export const INTERCEPTOR_DEFAULTS: {
  readonly [O in keyof CacheInterceptorOptions]-?: CacheInterceptorOptions[O] | undefined
} = {
  type: 'shared',
  methods: ['GET', 'HEAD'],
  origins: undefined,
  cacheByDefault: undefined,
  staleWhenUnreachable: true,
  targets: [],
  noVarySearch: false,
  finishAborted: false,
  collapse: true,
  partition: undefined,
  tags: undefined,
  tagsHeader: undefined,
  rateLimit: undefined,
  cacheStatus: true,
  xCache: false,
  mode: 'default',
  rules: undefined,
  ttl: undefined,
  minTtl: undefined,
  maxTtl: undefined,
  negativeTtl: undefined,
  staleIfError: undefined,
  staleWhileRevalidate: undefined,
  key: undefined,
  ignoreQuery: undefined,
  ...ANNOTATING_DEFAULTS,
  context: false,
}

/** @throws {InvalidOptionError} when an option is of the wrong type or out of range, or has a name that no option has */
export function resolveInterceptorOptions(given: CacheInterceptorOptions = {}): ResolvedInterceptorOptions {
  if (typeof given !== 'object' || given === null) throw new InvalidOptionError('options', 'an object', given)
  rejectUnknown(given, INTERCEPTOR_DEFAULTS)
  const options: CacheInterceptorOptions = { ...INTERCEPTOR_DEFAULTS, ...withoutUndefined(given) }
  const { type, methods, origins, cacheByDefault, staleWhenUnreachable, targets, noVarySearch } = options
  const { finishAborted, collapse, partition, cacheStatus, xCache, context } = options
  if (type !== 'shared' && type !== 'private') throw new InvalidOptionError('type', "'shared' or 'private'", type)
  if (
    !Array.isArray(methods) ||
    methods.length === 0 ||
    !methods.every((method) => method === 'GET' || method === 'HEAD')
  ) {
    throw new InvalidOptionError('methods', "a list of 'GET' and 'HEAD'", methods)
  }
  if (cacheByDefault !== undefined && !(Number.isSafeInteger(cacheByDefault) && cacheByDefault >= 0)) {
    throw new InvalidOptionError('cacheByDefault', 'an integer from 0, in seconds', cacheByDefault)
  }
  if (
    !Array.isArray(targets) ||
    !targets.every((name) => typeof name === 'string' && /^[\w-]+-cache-control$/i.test(name))
  ) {
    throw new InvalidOptionError('targets', 'a list of field names such as CDN-Cache-Control', targets)
  }
  if (partition !== undefined && (typeof partition !== 'string' || partition === '' || !partition.isWellFormed())) {
    throw new InvalidOptionError('partition', 'a string that is not empty', partition)
  }
  const flags = { staleWhenUnreachable, noVarySearch, finishAborted, collapse, cacheStatus, xCache, context }
  for (const [name, value] of Object.entries(flags)) {
    if (typeof value !== 'boolean') throw new InvalidOptionError(name, 'true or false', value)
  }
  const steering = resolveSteering(options)
  const annotating = new Annotating(options)
  const rfc = { shared: type === 'shared', targets: targets.map((name) => name.toLowerCase()) }
  return {
    policy: {
      ...rfc,
      cacheByDefault,
      staleWhenUnreachable: staleWhenUnreachable === true,
      noVarySearch: noVarySearch === true,
      modify: annotating.modify,
      steer: steerBy(steering, rfc),
    },
    steering,
    annotating,
    methods: new Set(methods),
    allowsOrigin: allowedOrigins(origins),
    finishAborted: finishAborted === true,
    collapse: collapse === true,
    partition: partition ?? '',
    tagging: taggingBy(options.tags, options.tagsHeader),
    admission: admissionBy(options.rateLimit),
    cacheStatus: cacheStatus === true || context === true,
    xCache: xCache === true,
    between: context === true ? (consumer) => new ContextHandler(consumer, cacheStatus === true) : undefined,
  }
}

function allowedOrigins(origins: CacheInterceptorOptions['origins']): (origin: string) => boolean {
  if (origins === undefined) return () => true
  if (!Array.isArray(origins))
    throw new InvalidOptionError('origins', 'a list of strings and regular expressions', origins)
  return originFilter((i) => `origins[${i}]`, origins)
}
