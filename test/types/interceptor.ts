/**
 * Our structural `Interceptor` is what undici 7 and undici 8 ask for. There is nothing to run: compiling this file is
 * the check (`npm run check:types`).
 */
import {
  Agent as Agent8,
  interceptors as interceptors8,
  Pool as Pool8,
  setGlobalDispatcher as setGlobalDispatcher8,
  type Dispatcher,
} from 'undici'
import {
  Agent as Agent7,
  interceptors as interceptors7,
  Pool as Pool7,
  setGlobalDispatcher as setGlobalDispatcher7,
} from 'undici7'
import type { Dispatcher as Dispatcher7 } from 'undici7'
import { DiskCacheStore } from 'undici-streaming-cache/undici-store'
import type { DispatchHandler, DispatchOptions, Interceptor, StreamingManager } from 'undici-streaming-cache'

type Assignable<From extends To, To> = From

export type InterceptorOfUndici8 = Assignable<Interceptor, Dispatcher.DispatcherComposeInterceptor>
export type InterceptorOfUndici7 = Assignable<Interceptor, Dispatcher7.DispatcherComposeInterceptor>
export type HandlerOfUndici8 = Assignable<DispatchHandler, Dispatcher.DispatchHandler>
export type HandlerOfUndici7 = Assignable<DispatchHandler, Dispatcher7.DispatchHandler>
export type OptionsOfUndici8 = Assignable<Dispatcher.DispatchOptions, DispatchOptions>
export type OptionsOfUndici7 = Assignable<Dispatcher7.DispatchOptions, DispatchOptions>

/** The calls that a user writes, with what `compose` gives back used as a dispatcher. */
export function compose(interceptor: Interceptor): void {
  setGlobalDispatcher8(new Agent8().compose(interceptor))
  setGlobalDispatcher8(new Pool8('http://localhost').compose([interceptor]))
  setGlobalDispatcher7(new Agent7().compose(interceptor))
  setGlobalDispatcher7(new Pool7('http://localhost').compose([interceptor]))
}

/** Our store where undici asks for one. */
export function store(manager: StreamingManager): void {
  new Agent8().compose(interceptors8.cache({ store: new DiskCacheStore(manager) }))
  new Agent7().compose(interceptors7.cache({ store: new DiskCacheStore(manager) }))
}
