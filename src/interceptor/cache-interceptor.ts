/**
 * The interceptor: a request comes in, is looked up, and is answered from the store, validated, or fetched and stored.
 * `src/README.md` draws the four paths.
 */
import type { ForwardReason } from '../diagnostics.ts'
import type { CacheEngine } from '../manager/cache-engine.ts'
import { engineOf, type StreamingManager } from '../manager/streaming-manager.ts'
import { cacheKey } from '../policy/cache-key.ts'
import type { CacheRequest } from '../policy/cache-request.ts'
import { currentAge, freshnessLifetime } from '../policy/freshness.ts'
import { isSafe } from '../policy/invalidation.ts'
import { passesBy } from '../policy/reuse.ts'
import { fieldsWithAge } from '../policy/serving.ts'
import { conditionalFields } from '../policy/validation.ts'
import type { StoredResponse } from '../stored-response.ts'
import { readHeaders, targetOrigin, targetUri, toCacheRequest, type RequestHeaders } from './cache-request.ts'
import { hitStatus, validatedStatus } from './cache-status.ts'
import type { Dispatch, DispatchHandler, DispatchOptions, Interceptor, ReceivedOptions } from './dispatch.ts'
import { Exchange } from './exchange.ts'
import { fromConsumer, isLegacy, toDispatcher } from './handler-bridge.ts'
import { InvalidatingHandler } from './invalidating-handler.ts'
import { resolveInterceptorOptions, type CacheInterceptorOptions, type ResolvedInterceptorOptions } from './options.ts'
import { Replay } from './replay.ts'
import { StoringHandler, type Forwarded } from './storing-handler.ts'
import { ValidationHandler } from './validation-handler.ts'

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
  return function cache(dispatch, boundOrigin) {
    const cached = new CachedDispatch(engine, resolved, dispatch, boundOrigin)
    return function cachedDispatch(received: DispatchOptions, handler: DispatchHandler): boolean {
      return cached.dispatch(received, handler)
    }
  }
}

/** A cacheable request under way. */
interface Turn {
  readonly received: ReceivedOptions
  readonly headers: RequestHeaders
  readonly request: CacheRequest
  readonly exchange: Exchange
}

class CachedDispatch {
  readonly #engine: CacheEngine
  readonly #options: ResolvedInterceptorOptions
  readonly #next: Dispatch
  readonly #boundOrigin: string | null | undefined

  constructor(
    engine: CacheEngine,
    options: ResolvedInterceptorOptions,
    next: Dispatch,
    boundOrigin: string | null | undefined,
  ) {
    this.#engine = engine
    this.#options = options
    this.#next = next
    this.#boundOrigin = boundOrigin
  }

  dispatch(options: ReceivedOptions, handler: DispatchHandler): boolean {
    // Legacy consumers know nothing of HTTP/2: undici 8 must not negotiate it for them.
    const received = isLegacy(handler) && options.allowH2 !== false ? { ...options, allowH2: false } : options
    const consumer = fromConsumer(handler)
    const uri = this.#targetUri(received)
    if (uri === undefined) return this.#forward(received, consumer)
    if (!isSafe(received.method)) return this.#forward(received, this.#invalidating(received, consumer, uri))
    const headers =
      this.#options.methods.has(received.method) && hasNoContent(received) ? readHeaders(received.headers) : undefined
    if (headers === undefined) return this.#bypass(received, consumer, uri, 'method')
    const request = toCacheRequest(received.method, uri, headers)
    if (passesBy(request)) return this.#bypass(received, consumer, uri, 'bypass')
    return this.#answer({ received, headers, request, exchange: new Exchange(consumer) })
  }

  /** Undefined where the cache has no say: closed, not a request for a resource, or an origin that is not cached. */
  #targetUri(received: ReceivedOptions): string | undefined {
    if (this.#engine.isClosed || received.upgrade || received.method === 'CONNECT') return undefined
    const origin = targetOrigin(received, this.#boundOrigin)
    return origin !== undefined && this.#options.allowsOrigin(origin) ? targetUri(origin, received) : undefined
  }

  #invalidating(received: ReceivedOptions, consumer: DispatchHandler, uri: string): DispatchHandler {
    const { key } = toCacheRequest('GET', uri, readHeaders(received.headers) ?? {})
    return new InvalidatingHandler(consumer, () => {
      this.#engine.invalidate(key)
      this.#engine.invalidate(cacheKey('HEAD', key))
    })
  }

  #bypass(received: ReceivedOptions, consumer: DispatchHandler, uri: string, reason: ForwardReason): boolean {
    this.#engine.statistics.forwarded(uri, reason)
    return this.#forward(received, consumer)
  }

  /** One switch over the outcome. Returns what `dispatch` must: false when the dispatcher is busy. */
  #answer(turn: Turn): boolean {
    const lookup = this.#engine.lookup(turn.request, this.#options.policy)
    switch (lookup.outcome) {
      case 'hit':
        this.#serve(turn, lookup.stored, lookup.age, lookup.ttl)
        return true
      case 'validate':
        return this.#validate(turn, lookup.stored, lookup.because)
      case 'miss':
        return this.#fetch(turn, lookup.because)
      case 'pending':
        turn.exchange.start(null)
        void lookup.ready.then(() => turn.exchange.isOver || this.#answer(turn))
        return true
    }
  }

  #serve(turn: Turn, stored: StoredResponse, age: number, ttl: number): void {
    turn.exchange.start(null)
    const play = () => {
      this.#engine.statistics.hit(() => ({ key: stored.key, size: stored.body.size, ttl }))
      return hitStatus(ttl)
    }
    void this.#play(turn, stored, age, play)
  }

  /** Plays a stored response, or fetches it when its file is missing or damaged. */
  async #play(turn: Turn, stored: StoredResponse, age: number, status: () => string): Promise<void> {
    const { exchange, received, request } = turn
    const isEmpty = request.method === 'HEAD' || stored.body.size === 0
    // Opened and its first chunk checked before anything is announced.
    const reader = isEmpty ? undefined : await this.#engine.openBody(stored)
    if (exchange.isOver) reader?.close()
    else if (reader === undefined && !isEmpty) this.#fetch(turn, 'uri-miss')
    else {
      drain(received.body)
      const member = status()
      if (!isEmpty) this.#engine.statistics.served(stored.body.size)
      const fields = fieldsWithAge(stored, age)
      const lines = this.#options.cacheStatus ? [...fields, 'cache-status', member] : fields
      const replay = new Replay(exchange, reader, (error) => this.#engine.dropDamaged(stored, error))
      replay.start(() => exchange.respondWith(stored.statusCode, lines, stored.statusMessage))
    }
  }

  #validate(turn: Turn, stored: StoredResponse, because: 'stale' | 'request'): boolean {
    const conditions = conditionalFields(stored)
    const handler = new ValidationHandler({
      ...this.#forwarded(turn, because),
      stored,
      onFreshened: (freshened) => {
        const now = this.#engine.options.clock()
        const age = currentAge(freshened, now)
        const ttl = freshnessLifetime(freshened, this.#options.policy) - age
        void this.#play(turn, freshened, age, () => validatedStatus(because, ttl))
      },
      onMismatch: () => this.#fetch(turn, because),
    })
    return this.#send(turn, { ...turn.received, headers: { ...turn.headers, ...conditions } }, handler)
  }

  #fetch(turn: Turn, reason: ForwardReason): boolean {
    return this.#send(turn, turn.received, new StoringHandler(this.#forwarded(turn, reason)))
  }

  #forwarded({ exchange, request }: Turn, reason: ForwardReason): Forwarded {
    this.#engine.statistics.forwarded(request.key, reason)
    return { exchange, engine: this.#engine, request, options: this.#options, reason }
  }

  /** To the network. Once the consumer knows of its request, what the dispatcher throws is its error too. */
  #send({ exchange }: Turn, options: ReceivedOptions, handler: DispatchHandler): boolean {
    try {
      return this.#forward(options, handler)
    } catch (error) {
      if (!exchange.isStarted) throw error
      exchange.fail(error as Error)
      return true
    }
  }

  #forward(options: ReceivedOptions, handler: DispatchHandler): boolean {
    return this.#next(options, toDispatcher(handler))
  }
}

/**
 * Content in a GET has no meaning for the key ("content received in a GET request has no generally defined semantics",
 * RFC 9110 section 9.3.1), yet some servers give it one: such a request passes by. `pipeline()` always has a stream.
 */
function hasNoContent({ body }: ReceivedOptions): boolean {
  return body === null || body === undefined || body === '' || isPipelineBody(body)
}

function isPipelineBody(body: unknown): boolean {
  return typeof body === 'object' && body?.constructor.name === 'PipelineRequest'
}

/** `pipeline()` waits for its request stream to be read, also when nobody needs it. */
function drain(body: unknown): void {
  if (isPipelineBody(body)) (body as NodeJS.ReadableStream).resume()
}
