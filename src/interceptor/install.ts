/**
 * The cache without npm undici: composed onto the global dispatchers that Node's own fetch reads.
 *
 * undici keeps them under two symbols, `.1` for dispatchers that take legacy handlers and `.2` for the others (Node 26).
 * Each that exists is composed as it is, so that a proxy agent (`NODE_USE_ENV_PROXY`) stays in place.
 */
import type { StreamingManager } from '../manager/streaming-manager.ts'
import { cacheInterceptor } from './cache-interceptor.ts'
import type { Dispatch, Interceptor } from './dispatch.ts'
import type { CacheInterceptorOptions } from './options.ts'

const FOR_LEGACY = Symbol.for('undici.globalDispatcher.1')
const FOR_CURRENT = Symbol.for('undici.globalDispatcher.2')
const SYMBOLS = [FOR_LEGACY, FOR_CURRENT]

const IS_FETCH_LEGACY = Number(process.versions.node.split('.')[0]) < 26

export interface GlobalDispatcher {
  readonly dispatch: Dispatch
  compose(interceptor: Interceptor): GlobalDispatcher
}

/**
 * Puts the cache in front of every `fetch()` of this process, Node's own and npm undici's alike, on top of whatever
 * global dispatcher there is.
 *
 * @returns a function that takes it out again, unless another dispatcher was set meanwhile
 * @throws {InvalidOptionError} when an option is of the wrong type or out of range
 */
export function install(manager: StreamingManager, options?: CacheInterceptorOptions): () => void {
  const interceptor = cacheInterceptor(manager, options)
  const globals = globalDispatchers()
  const installed = SYMBOLS.map((symbol) => {
    const before = globals[symbol]
    const composed = before?.compose(interceptor)
    if (composed !== undefined) globals[symbol] = composed
    return { symbol, before, composed }
  })
  return function uninstall() {
    for (const { symbol, before, composed } of installed) {
      if (composed !== undefined && globals[symbol] === composed) globals[symbol] = before
    }
  }
}

/** The dispatcher that Node's own fetch uses now: of its generation, so that it takes that fetch's handlers. */
export function globalDispatcher(): GlobalDispatcher {
  return globalDispatcherFor(IS_FETCH_LEGACY)
}

/** The global dispatcher that takes legacy handlers, or the one that takes the others. */
export function globalDispatcherFor(isLegacyHandler: boolean): GlobalDispatcher {
  const { [FOR_LEGACY]: legacy, [FOR_CURRENT]: current } = globalDispatchers()
  const own = isLegacyHandler ? (legacy ?? current) : (current ?? legacy)
  if (own === undefined) throw new Error('This Node has no global dispatcher')
  return own
}

let isTouched = false

function globalDispatchers(): Record<symbol, GlobalDispatcher | undefined> {
  // Node makes its dispatcher when fetch's code is first touched.
  if (!isTouched) void new Request('http://localhost/')
  isTouched = true
  return globalThis
}
