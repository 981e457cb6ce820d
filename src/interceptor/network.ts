/** Sends requests on to the network: one by one, and no faster than the origin is to be asked. */
import type { CacheEngine } from '../manager/cache-engine.ts'
import type { Dispatch, DispatchHandler, ReceivedOptions } from './dispatch.ts'
import type { Exchange, Source } from './exchange.ts'
import type { Flight } from './flight.ts'
import { toDispatcher } from './handler-bridge.ts'
import type { ResolvedInterceptorOptions } from './options.ts'
import type { Wait } from './rate-limit.ts'
import type { Turn } from './turn.ts'

export class Network {
  readonly #engine: CacheEngine
  readonly #options: ResolvedInterceptorOptions
  readonly #next: Dispatch

  constructor(engine: CacheEngine, options: ResolvedInterceptorOptions, next: Dispatch) {
    this.#engine = engine
    this.#options = options
    this.#next = next
  }

  /** Returns what `dispatch` must: false when the dispatcher is busy. */
  send(turn: Turn, options: ReceivedOptions, handler: DispatchHandler, flight?: Flight): boolean {
    const { exchange, request, received } = turn
    const wait = this.#options.admission?.(request, (error) =>
      this.#engine.statistics.fault('rateLimit', error, request.key),
    )
    if (wait === undefined) return this.#sendNow(exchange, options, handler, flight)
    // By then the caller may use its headers for something else.
    const kept = options.headers === received.headers ? { ...options, headers: request.headers } : options
    const waiting = waitingSource(exchange, wait, flight)
    if (exchange.isStarted) exchange.attach(waiting)
    else exchange.start(null, waiting)
    void wait.over.then(() => {
      if (exchange.isOver) return
      exchange.attach(undefined)
      this.#sendNow(exchange, kept, handler, flight)
    })
    return true
  }

  /** Once the consumer knows of its request, what the dispatcher throws is its error too. */
  #sendNow(exchange: Exchange, options: ReceivedOptions, handler: DispatchHandler, flight?: Flight): boolean {
    try {
      return this.#next(options, toDispatcher(handler))
    } catch (error) {
      flight?.fail(error as Error)
      if (!exchange.isStarted) throw error
      exchange.fail(error as Error)
      return true
    }
  }
}

/** Answers in the place of the network while the request waits: nothing but its end. */
function waitingSource(exchange: Exchange, wait: Wait, flight: Flight | undefined): Source {
  return {
    pause: () => {},
    resume: () => {},
    abort: (reason) => {
      wait.cancel(reason)
      queueMicrotask(() => exchange.fail(reason))
      // Who waits for its answer asks for itself.
      flight?.fail(reason)
    },
  }
}
