/**
 * What the cache did, published on `node:diagnostics_channel`. A message is built only when somebody listens.
 *
 * Channels are named `undici-streaming-cache:<event>`; `events` lists them with the type of their messages.
 */
import { channel, type Channel } from 'node:diagnostics_channel'
import { debuglog } from 'node:util'

/** Why a response went to the origin: the parameter `fwd` of RFC 9211 section 2.2, as far as it applies here. */
export type ForwardReason = 'bypass' | 'method' | 'uri-miss' | 'vary-miss' | 'request' | 'stale'

export interface HitEvent {
  readonly key: string
  /** Bytes of the body. */
  readonly size: number
  /** Seconds of freshness left; negative when served stale. */
  readonly ttl: number
}

/**
 * A hit is being handed on. The same object comes twice: on `serve` when that begins, and on `served` when it has ended, with
 * what is known then. Who wants one of them subscribes to both.
 */
export interface ServeEvent {
  readonly key: string
  readonly method: string
  /** Directory of the manager. */
  readonly directory: string
  /** In milliseconds since the epoch, with fractions. */
  readonly startedAt: number
  /** In milliseconds, until the consumer had the last byte; known on `served`. */
  readonly duration: number | undefined
  /** What the consumer was told; known on `served`. */
  readonly statusCode: number | undefined
  /** Bytes of the body that the consumer was given so far. */
  readonly size: number
  /** Why it ended early: the consumer left, or the stored body was damaged. */
  readonly error: Error | undefined
}

export interface MissEvent {
  readonly key: string
  readonly reason: ForwardReason
}

/** A request was answered by the response to another one that was under way. */
export interface CollapseEvent {
  readonly key: string
  /** Why it would have gone to the origin. */
  readonly reason: ForwardReason
}

export interface ValidationEvent {
  readonly key: string
  /** `freshened`: the origin answered 304. `replaced`: it sent another response. `failed`: the 304 was not for ours. */
  readonly outcome: 'freshened' | 'replaced' | 'failed'
}

export interface StoreEvent {
  readonly key: string
  /** Bytes of the body. */
  readonly size: number
}

export interface RefusalEvent {
  readonly key: string
  /** Why a response that might have been stored was not: a rule of the policy, or what became of the transfer. */
  readonly reason: string
}

export interface EvictionEvent {
  readonly key: string
  readonly reason: string
  /** Bytes on disk that it held. */
  readonly size: number
}

export interface FaultEvent {
  /** What was being done, such as `store` or `read`. */
  readonly operation: string
  readonly key?: string
  readonly error: unknown
}

export interface Events {
  hit: HitEvent
  serve: ServeEvent
  served: ServeEvent
  miss: MissEvent
  collapse: CollapseEvent
  validate: ValidationEvent
  store: StoreEvent
  refuse: RefusalEvent
  evict: EvictionEvent
  error: FaultEvent
}

export const PACKAGE_NAME = 'undici-streaming-cache'

const channels: { readonly [E in keyof Events]: Channel } = {
  hit: channel(`${PACKAGE_NAME}:hit`),
  serve: channel(`${PACKAGE_NAME}:serve`),
  served: channel(`${PACKAGE_NAME}:served`),
  miss: channel(`${PACKAGE_NAME}:miss`),
  collapse: channel(`${PACKAGE_NAME}:collapse`),
  validate: channel(`${PACKAGE_NAME}:validate`),
  store: channel(`${PACKAGE_NAME}:store`),
  refuse: channel(`${PACKAGE_NAME}:refuse`),
  evict: channel(`${PACKAGE_NAME}:evict`),
  error: channel(`${PACKAGE_NAME}:error`),
}

/** `NODE_DEBUG=undici-streaming-cache` prints what happens on standard error. */
const debug = debuglog(PACKAGE_NAME)

/** Whether somebody listens: for what has to be prepared before there is anything to publish. */
export function hasListeners(event: keyof Events): boolean {
  return channels[event].hasSubscribers
}

/** Publishes an event. `build` runs only when somebody listens. */
export function publish<E extends keyof Events>(event: E, build: () => Events[E]): void {
  const target = channels[event]
  if (!target.hasSubscribers && !debug.enabled) return
  const message = build()
  if (debug.enabled) debug('%s %o', event, message)
  target.publish(message)
}
