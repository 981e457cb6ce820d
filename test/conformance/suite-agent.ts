/**
 * What stands for undici in the tests of newer suites that make an `Agent` of their own, to collect interim responses:
 * only what they compose is kept, for `client.ts` to put above the cache.
 */
import type { Dispatcher } from 'undici'

export class Agent {
  readonly interceptors: readonly Dispatcher.DispatcherComposeInterceptor[]

  constructor(interceptors: readonly Dispatcher.DispatcherComposeInterceptor[] = []) {
    this.interceptors = interceptors
  }

  compose(...interceptors: Dispatcher.DispatcherComposeInterceptor[]): Agent {
    return new Agent([...this.interceptors, ...interceptors])
  }
}
