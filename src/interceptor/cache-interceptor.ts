/**
 * The interceptor: which requests the cache takes, which it lets pass, and which invalidate what is stored. What it takes
 * is answered in `answering.ts`.
 */
import type { ForwardReason } from '../diagnostics.ts'
import type { CacheEngine } from '../manager/cache-engine.ts'
import { engineOf, type StreamingManager } from '../manager/streaming-manager.ts'
import { isSafe } from '../policy/invalidation.ts'
import { isOnlyIfCached, passesBy } from '../policy/reuse.ts'
import { Answering } from './answering.ts'
import { IncomingRequest, targetOrigin, targetUri } from './cache-request.ts'
import type { Dispatch, DispatchHandler, DispatchOptions, Interceptor, ReceivedOptions } from './dispatch.ts'
import { Exchange } from './exchange.ts'
import { Flights } from './flights.ts'
import { fromConsumer, isLegacy, toDispatcher } from './handler-bridge.ts'
import { Steering } from './steering.ts'
import { isPipelineBody } from './pipeline-body.ts'
import { readHeaders, rereadable } from './request-headers.ts'
import { resolveInterceptorOptions, type CacheInterceptorOptions, type ResolvedInterceptorOptions } from './options.ts'

/**
 * An HTTP cache (RFC 9111) for `dispatcher.compose()`: npm undici 7.27.2 or later, 8.0.1 or later, and the undici
 * inside Node 22, 24 and 26. Compose it first, `redirect`, `retry` and `decompress` after it.
 *
 * @throws {InvalidOptionError} when an option is of the wrong type or out of range
 *
 * @example
 * setGlobalDispatcher(new Agent().compose(cacheInterceptor(manager)))
 */
export function cacheInterceptor(manager: StreamingManager, options?: CacheInterceptorOptions): Interceptor {
  const engine = engineOf(manager)
  const resolved = resolveInterceptorOptions(options)
  const flights = resolved.collapse ? new Flights(resolved.policy.shared) : undefined
  const steering = new Steering(resolved, engine.statistics)
  return function cache(dispatch, boundOrigin) {
    const answering = new Answering(engine, resolved, steering, flights, dispatch)
    const cached = new CachedDispatch(engine, resolved, steering, dispatch, boundOrigin, answering)
    return function cachedDispatch(received: DispatchOptions, handler: DispatchHandler): boolean {
      return cached.dispatch(received, handler)
    }
  }
}

class CachedDispatch {
  readonly #engine: CacheEngine
  readonly #options: ResolvedInterceptorOptions
  readonly #steering: Steering
  readonly #next: Dispatch
  readonly #boundOrigin: string | null | undefined
  readonly #answering: Answering

  constructor(
    engine: CacheEngine,
    options: ResolvedInterceptorOptions,
    steering: Steering,
    next: Dispatch,
    boundOrigin: string | null | undefined,
    answering: Answering,
  ) {
    this.#engine = engine
    this.#options = options
    this.#steering = steering
    this.#next = next
    this.#boundOrigin = boundOrigin
    this.#answering = answering
  }

  dispatch(options: ReceivedOptions, handler: DispatchHandler): boolean {
    const received = receivedOptions(options, handler)
    const consumer = fromConsumer(handler)
    const uri = this.#targetUri(received)
    if (uri === undefined) return this.#forward(received, consumer)
    if (!isSafe(received.method)) return this.#passUnsafe(received, consumer, uri)
    const { partition, methods } = this.#options
    const plain = IncomingRequest.from(received.method, uri, received.headers, partition)
    if (plain === undefined) return this.#bypass(received, consumer, uri, 'method')
    const request = this.#steering.steer(plain, uri, received)
    const turn = { received, request, exchange: this.#exchange(consumer) }
    const isKnown = methods.has(received.method) && hasNoContent(received)
    if (isKnown && request.mode !== 'no-store' && !passesBy(request)) return this.#answering.answer(turn)
    // Nothing that is stored answers it, and the origin must not be asked.
    if (isOnlyIfCached(request)) return this.#answering.refuse(turn)
    const reason = isKnown ? 'bypass' : 'method'
    if (this.#options.admission === undefined) return this.#bypass(received, consumer, uri, reason)
    this.#engine.statistics.forwarded(uri, reason)
    return this.#answering.pass({ ...turn, exchange: new Exchange(consumer) }, reason)
  }

  #exchange(consumer: DispatchHandler): Exchange {
    const { between } = this.#options
    return new Exchange(between === undefined ? consumer : between(consumer))
  }

  #passUnsafe(received: ReceivedOptions, consumer: DispatchHandler, uri: string): boolean {
    // Malformed ones are the network's to refuse.
    const headers = readHeaders(received.headers) ?? {}
    const plain = IncomingRequest.from('GET', uri, headers, this.#options.partition)
    if (plain === undefined) return this.#forward(received, consumer)
    const request = this.#steering.steer(plain, uri, received).keep()
    return this.#answering.passUnsafe({ received, request, exchange: this.#exchange(consumer) }, uri)
  }

  /** Undefined where the cache has no say: closed, not a request for a resource, or an origin that is not cached. */
  #targetUri(received: ReceivedOptions): string | undefined {
    if (this.#engine.isClosed || received.upgrade || received.method === 'CONNECT') return undefined
    const origin = targetOrigin(received, this.#boundOrigin)
    return origin !== undefined && this.#options.allowsOrigin(origin) ? targetUri(origin, received) : undefined
  }

  #bypass(received: ReceivedOptions, consumer: DispatchHandler, uri: string, reason: ForwardReason): boolean {
    this.#engine.statistics.forwarded(uri, reason)
    return this.#forward(received, consumer)
  }

  #forward(options: ReceivedOptions, handler: DispatchHandler): boolean {
    return this.#next(options, toDispatcher(handler))
  }
}

/** The caller's options, as they may be passed on to the network after the cache has read them. */
function receivedOptions(options: ReceivedOptions, handler: DispatchHandler): ReceivedOptions {
  const headers = rereadable(options.headers)
  const received = headers === options.headers ? options : { ...options, headers }
  // Legacy consumers know nothing of HTTP/2: undici 8 must not negotiate it for them.
  return isLegacy(handler) && options.allowH2 !== false ? { ...received, allowH2: false } : received
}

/**
 * Content in a GET has no meaning for the key ("content received in a GET request has no generally defined semantics",
 * RFC 9110 section 9.3.1), yet some servers give it one: such a request passes by. `pipeline()` always has a stream.
 */
function hasNoContent({ body }: ReceivedOptions): boolean {
  return body === null || body === undefined || body === '' || isPipelineBody(body)
}
