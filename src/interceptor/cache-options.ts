/**
 * Options for single requests: they reach an interceptor by AsyncLocalStorage, because `fetch` drops what it does not
 * know and turns its own `cache` modes into headers that no longer tell which one it was.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { InvalidOptionError } from '../errors.ts'
import { rejectUnknown } from '../manager/options.ts'
import { CACHE_MODES, type CacheMode } from '../policy/cache-mode.ts'

export interface RequestCacheOptions {
  /** Default `default`. */
  readonly mode?: CacheMode
}

const storage = new AsyncLocalStorage<RequestCacheOptions>()

/**
 * Runs `fn` so that every request made below it, also by code that you do not own, has these options.
 *
 * @throws {InvalidOptionError} when an option is wrong
 *
 * @example
 * const page = await withCacheOptions({ mode: 'force-cache' }, () => sdk.load())
 */
export function withCacheOptions<T>(options: RequestCacheOptions, fn: () => T): T {
  if (typeof options !== 'object' || options === null) throw new InvalidOptionError('options', 'an object', options)
  rejectUnknown(options, { mode: true })
  const { mode = 'default' } = options
  if (!CACHE_MODES.includes(mode)) throw new InvalidOptionError('mode', `one of ${CACHE_MODES.join(', ')}`, mode)
  return storage.run({ ...storage.getStore(), mode }, fn)
}

/** The mode of the request that is being dispatched. */
export function currentMode(): CacheMode {
  return storage.getStore()?.mode ?? 'default'
}
