/**
 * Options for single requests: by an own field of what is dispatched, and by AsyncLocalStorage, because `fetch` drops
 * what it does not know and turns its own `cache` modes into headers that no longer tell which one it was.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { InvalidOptionError } from '../errors.ts'
import { rejectUnknown } from '../manager/options.ts'
import type { CacheMode } from '../policy/cache-mode.ts'
import type { Terms } from '../stored-response.ts'
import { resolveKeying, type KeyOptions, type Keying } from './keying.ts'
import { MAX_TAGS } from './tagging.ts'
import { mergeTerms, resolveMode, resolveTerms, TERMS, type TermsOptions } from './terms-options.ts'

/** They go before rules, and rules before the options of the interceptor, each option by itself. */
export interface RequestCacheOptions extends TermsOptions, KeyOptions {
  /** Default that of the rules, of the interceptor, or `default`. */
  readonly mode?: CacheMode
  /** Tags of what the request stores, beside those that the interceptor gives; 256 at most. */
  readonly tags?: readonly string[]
}

/** The same, checked. */
export interface OwnOptions extends Keying {
  readonly mode: CacheMode | undefined
  readonly terms: Terms | undefined
  readonly tags: readonly string[]
}

const storage = new AsyncLocalStorage<OwnOptions>()

/** What has been checked is not checked again. */
const checked = new WeakSet<object>()

const KNOWN = { mode: true, ...TERMS, tags: true, key: true, ignoreQuery: true } as const

/**
 * Runs `fn` so that every request made below it, also by code that you do not own, has these options; within another
 * call they go before those of that one.
 *
 * @throws {InvalidOptionError} when an option is wrong
 *
 * @example
 * const page = await withCacheOptions({ mode: 'force-cache' }, () => sdk.load())
 */
export function withCacheOptions<T>(options: RequestCacheOptions, fn: () => T): T {
  return storage.run(over(checkOptions(options), storage.getStore()), fn)
}

/** @throws {InvalidOptionError} when an option is wrong */
export function checkOptions(options: unknown): OwnOptions {
  if (typeof options !== 'object' || options === null) throw new InvalidOptionError('options', 'an object', options)
  if (checked.has(options)) return options as OwnOptions
  rejectUnknown(options, KNOWN)
  const given: RequestCacheOptions = options
  return noted({
    mode: resolveMode('mode', given.mode),
    terms: resolveTerms('', given),
    tags: checkTags(given.tags),
    ...resolveKeying('', given),
  })
}

/** What is laid down for a request: by the field `httpCache` of what is dispatched, and by those it is made below. */
export function ownOptions(field: unknown): OwnOptions | undefined {
  const ambient = storage.getStore()
  return field === undefined ? ambient : over(checkOptions(field), ambient)
}

/** The options of the call that the request is made below alone: none of them is wrong. */
export function ambientOptions(): OwnOptions | undefined {
  return storage.getStore()
}

/** Each of `inner` where it is given, else of `outer`; the tags of both. */
export function over(inner: OwnOptions, outer: OwnOptions | undefined): OwnOptions {
  if (outer === undefined) return inner
  return noted({
    mode: inner.mode ?? outer.mode,
    terms: mergeTerms(inner.terms, outer.terms),
    tags: [...inner.tags, ...outer.tags],
    key: inner.key ?? outer.key,
    ignores: inner.ignores ?? outer.ignores,
  })
}

function noted(options: OwnOptions): OwnOptions {
  checked.add(options)
  return options
}

function checkTags(tags: unknown): readonly string[] {
  if (tags === undefined) return []
  const isList = Array.isArray(tags) && tags.length <= MAX_TAGS
  if (!isList || !tags.every((tag) => typeof tag === 'string' && tag !== ''))
    throw new InvalidOptionError('tags', `a list of ${MAX_TAGS} strings at most that are not empty`, tags)
  return [...(tags as readonly string[])]
}
