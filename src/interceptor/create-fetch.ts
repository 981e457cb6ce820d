/** A `fetch` with a cache of its own, whose `cache` modes work truly. */
import type { StreamingManager } from '../manager/streaming-manager.ts'
import { cacheInterceptor } from './cache-interceptor.ts'
import { withCacheOptions } from './cache-options.ts'
import type { Interceptor } from './dispatch.ts'
import { globalDispatcher } from './install.ts'
import type { CacheInterceptorOptions } from './options.ts'

/**
 * Node's `fetch` through a cache, without touching the global dispatcher; `init.cache` means what the Fetch standard
 * says, but `only-if-cached` answers 504 instead of failing, and needs no `same-origin`.
 *
 * @throws {InvalidOptionError} when an option is of the wrong type or out of range
 *
 * @example
 * const cachedFetch = createFetch(manager, { type: 'private' })
 * await cachedFetch('https://example.com/', { cache: 'force-cache' })
 */
export function createFetch(manager: StreamingManager, options?: CacheInterceptorOptions): typeof fetch {
  const compose = composer(cacheInterceptor(manager, options))
  return async function cachedFetch(input, init) {
    // Every Request has a mode; `default` is what it has when nobody has said anything.
    const ofRequest = input instanceof Request && input.cache !== 'default' ? input.cache : undefined
    const mode = init?.cache ?? ofRequest
    // Left to fetch, the mode would become request headers that mean something else to a cache.
    const plain = input instanceof Request ? new Request(input, { cache: 'default' }) : input
    const { cache: _, ...rest } = init ?? {}
    const ask = () => fetch(plain, { ...rest, dispatcher: compose() } as RequestInit)
    return await (mode === undefined ? ask() : withCacheOptions({ mode }, ask))
  }
}

/** Composes whatever global dispatcher there is when a request is made, an environment proxy included, once each. */
function composer(interceptor: Interceptor): () => object {
  const composed = new WeakMap<object, object>()
  return function compose() {
    const base = globalDispatcher()
    const known = composed.get(base)
    if (known !== undefined) return known
    const made = base.compose(interceptor)
    composed.set(base, made)
    return made
  }
}
