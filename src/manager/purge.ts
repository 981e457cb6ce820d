/** Purging: what is stored goes, or is stale from now on, by URL, prefix, origin, tag, or the caller's own judgement. */
import { InvalidOptionError } from '../errors.ts'
import { cacheKey, keyOfGet } from '../policy/cache-key.ts'
import type { StoredResponse } from '../stored-response.ts'
import type { CacheEngine } from './cache-engine.ts'
import { diskSize } from './disk-use.ts'
import { rejectUnknown } from './options.ts'
import { describeEntry, type CachedEntry } from './views.ts'

/** Exactly one of these. */
export interface PurgeFilter {
  /** Everything stored for this URL: all variants, and its HEAD answer. */
  readonly url?: string
  /** URLs that begin like this, an origin at least: `https://example.com/news/`. */
  readonly prefix?: string
  /** URLs of this origin: `https://example.com`. */
  readonly origin?: string
  /** Responses with this tag: see the options `tags` and `tagsHeader` of the interceptor. */
  readonly tag?: string
  /** Responses of which this says so. */
  readonly predicate?: (entry: CachedEntry) => boolean
}

export interface PurgeOptions {
  /**
   * True: what is found stays and is stale from now on, to be validated at its next use, or served by
   * `stale-while-revalidate` and `stale-if-error`. In this process, and after its restart; other processes on the directory
   * see it when they come across the validated response. Default false: it is removed, everywhere within a second.
   */
  readonly soft?: boolean
}

export const PURGE_DEFAULTS = { soft: false } as const

const FILTERS = { url: true, prefix: true, origin: true, tag: true, predicate: true }

/**
 * Resolves with how many stored responses it concerned.
 * @throws {InvalidOptionError} unless there is exactly one filter, of the right type
 */
export async function purge(engine: CacheEngine, filter: PurgeFilter, options: PurgeOptions = {}): Promise<number> {
  const isMeant = matcher(filter)
  rejectUnknown(options, { soft: true })
  const { soft = PURGE_DEFAULTS.soft } = options
  if (typeof soft !== 'boolean') throw new InvalidOptionError('soft', 'true or false', soft)
  const found = await matching(engine, filter, isMeant)
  if (soft) {
    const staleFrom = engine.options.clock()
    for (const stored of found) engine.holdings.update(stored, { ...stored, staleFrom })
  } else {
    const keys = new Set(found.map(({ key }) => key))
    // Also what is not stored yet.
    if (filter.url !== undefined)
      for (const method of ['GET', 'HEAD']) keys.add(cacheKey(method, withoutHash(filter.url)))
    for (const key of keys) engine.invalidate(key)
  }
  await engine.holdings.tasks.settled()
  return found.length
}

async function matching(
  engine: CacheEngine,
  { tag }: PurgeFilter,
  isMeant: (stored: StoredResponse) => boolean,
): Promise<StoredResponse[]> {
  const { holdings, catalogue } = engine
  if (!holdings.isWhole) {
    // Others may have stored what is not known here; and a start may not have come to its end.
    for await (const record of holdings.store.records()) if (isMeant(record)) engine.adopt(record)
  }
  const candidates = tag === undefined ? [...catalogue.records()] : catalogue.tagged(tag)
  return candidates.filter(isMeant)
}

function matcher(filter: PurgeFilter): (stored: StoredResponse) => boolean {
  if (typeof filter !== 'object' || filter === null) throw new InvalidOptionError('filter', 'an object', filter)
  rejectUnknown(filter, FILTERS)
  const [name, ...others] = Object.keys(filter) as (keyof PurgeFilter)[]
  if (name === undefined || others.length > 0) {
    throw new InvalidOptionError('filter', 'an object with one of url, prefix, origin, tag and predicate', filter)
  }
  if (name === 'predicate') {
    const { predicate } = filter
    if (typeof predicate !== 'function') throw new InvalidOptionError(name, 'a function', predicate)
    return (stored) => predicate(describeEntry(stored, diskSize(stored)))
  }
  const value = filter[name]
  if (typeof value !== 'string' || value === '') throw new InvalidOptionError(name, 'a string that is not empty', value)
  if (name === 'tag') return ({ tags }) => tags?.includes(value) === true
  const url = URL.parse(value)
  if (url === null || !/^https?:$/.test(url.protocol)) throw new InvalidOptionError(name, 'an absolute URL', value)
  if (name === 'origin') return ({ key }) => keyOfGet(key).startsWith(`${url.origin}/`)
  const start = withoutHash(value)
  if (name === 'prefix') return ({ key }) => keyOfGet(key).startsWith(start)
  // Of another host or partition; what has a key of its own is not of a URL.
  const isOfUrl = (uri: string) => uri === start || (uri.startsWith(`${start}#`) && !uri.startsWith(`${start}#key=`))
  return ({ key }) => isOfUrl(keyOfGet(key))
}

function withoutHash(value: string): string {
  const url = new URL(value)
  url.hash = ''
  return url.href
}
