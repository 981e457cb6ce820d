/** Options for single requests that ride on the dispatcher, the one thing that `fetch` hands on as it is. */
import { checkOptions, over, type OwnOptions, type RequestCacheOptions } from './cache-options.ts'
import type { Dispatch, DispatchHandler, DispatchOptions, Interceptor, ReceivedOptions } from './dispatch.ts'
import { isLegacy } from './handler-bridge.ts'
import { globalDispatcherFor } from './install.ts'

/** The type of what Node's own `fetch` takes as its dispatcher. */
export type FetchDispatcher = RequestInit extends { dispatcher?: infer D } ? NonNullable<D> : object

/** Any dispatcher. */
export interface Dispatching {
  dispatch(options: never, handler: never): boolean
}

interface Composing {
  compose(interceptor: Interceptor): object
}

/**
 * A dispatcher whose requests have these options; they go to the global dispatcher, or to the one given. The cache is
 * where it was put: this adds none.
 *
 * @throws {InvalidOptionError} when an option is wrong
 *
 * @example
 * await fetch(url, { dispatcher: withCache({ ttl: 60, tags: ['news'] }) })
 */
export function withCache(options: RequestCacheOptions): FetchDispatcher
export function withCache<D extends Dispatching>(options: RequestCacheOptions, dispatcher: D): D
export function withCache(options: RequestCacheOptions, dispatcher?: Dispatching): object {
  const own = checkOptions(options)
  if (dispatcher === undefined) return { dispatch: adding(own, toGlobal) }
  // With all that a dispatcher of undici's has beside `dispatch`.
  if (isComposing(dispatcher)) return dispatcher.compose((dispatch) => adding(own, dispatch))
  return { dispatch: adding(own, dispatcher.dispatch.bind(dispatcher) as Dispatch) }
}

function isComposing(dispatcher: object): dispatcher is Composing {
  return 'compose' in dispatcher && typeof dispatcher.compose === 'function'
}

/** Whichever is global when a request is made. */
function toGlobal(options: DispatchOptions, handler: DispatchHandler): boolean {
  return globalDispatcherFor(isLegacy(handler)).dispatch(options, handler)
}

function adding(own: OwnOptions, dispatch: Dispatch): Dispatch {
  return (options: ReceivedOptions, handler: DispatchHandler) => {
    // undici 7 leaves the dispatcher that was asked among the options, and undici 8 refuses such.
    const { dispatcher: _, ...rest } = options as ReceivedOptions & { dispatcher?: unknown }
    return dispatch({ ...rest, httpCache: merged(own, options.httpCache) } as DispatchOptions, handler)
  }
}

/** The field of the request itself is nearer to it. Where that is wrong, it is left for the cache to say so. */
function merged(own: OwnOptions, field: unknown): unknown {
  if (field === undefined) return own
  try {
    return over(checkOptions(field), own)
  } catch {
    return field
  }
}
