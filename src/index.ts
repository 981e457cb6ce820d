/** The public list. What is not named here is not for users and may change. */
export type { CacheContext } from './interceptor/cache-context.ts'
export { cacheInterceptor } from './interceptor/cache-interceptor.ts'
export { withCacheOptions } from './interceptor/cache-options.ts'
export type { AnnotatingOptions, ModifiedResponse } from './interceptor/annotating.ts'
export type { RequestCacheOptions } from './interceptor/cache-options.ts'
export { createFetch } from './interceptor/create-fetch.ts'
export { inspect } from './interceptor/inspect.ts'
export type { InspectedEntry, InspectOptions, Inspection } from './interceptor/inspect.ts'
export { install } from './interceptor/install.ts'
export { warm } from './interceptor/warm.ts'
export type { WarmOptions, WarmOutcome } from './interceptor/warm.ts'
export type { KeyFunction, KeyOptions } from './interceptor/keying.ts'
export type { RequestView, ResponseView } from './interceptor/message-views.ts'
export type { Pattern } from './interceptor/patterns.ts'
export type { RateLimit, RateLimitFunction } from './interceptor/rate-limit.ts'
export type { Rule, StatusPattern } from './interceptor/rules.ts'
export type { SteeringOptions } from './interceptor/steering.ts'
export type { TagsFunction } from './interceptor/tagging.ts'
export type { TermsOptions } from './interceptor/terms-options.ts'
export { withCache } from './interceptor/with-cache.ts'
export type { Dispatching, FetchDispatcher } from './interceptor/with-cache.ts'
export type { CacheInterceptorOptions } from './interceptor/options.ts'
export type {
  Dispatch,
  DispatchController,
  DispatchHandler,
  DispatchOptions,
  Interceptor,
} from './interceptor/dispatch.ts'
export { StreamingManager } from './manager/streaming-manager.ts'
export type { ManagerStats } from './manager/streaming-manager.ts'
export type { ManagerOptions } from './manager/options.ts'
export type { Counts } from './manager/statistics.ts'
export type { PurgeFilter, PurgeOptions } from './manager/purge.ts'
export type { HeadersInput } from './manager/headers-input.ts'
export type { PutResponse } from './manager/put.ts'
export type { CachedEntry, CachedResponse, JsonValue } from './manager/views.ts'
export type { Goal } from './metadata-index/metadata-index.ts'
export { getCacheStatus, getCacheStatuses } from './policy/cache-status.ts'
export type { CacheStatus, HasHeaders } from './policy/cache-status.ts'
export type { CacheMode } from './policy/cache-mode.ts'
export type { Freshness } from './policy/explanation.ts'
export type { FieldsByName } from './policy/field-lines.ts'
export {
  ClosedError,
  ContentError,
  DirectoryError,
  findCacheError,
  InvalidOptionError,
  isCacheError,
} from './errors.ts'
export type { CacheError, CacheErrorCode } from './errors.ts'
export type {
  CollapseEvent,
  Events,
  EvictionEvent,
  FaultEvent,
  ForwardReason,
  HitEvent,
  MissEvent,
  RefusalEvent,
  ServeEvent,
  StoreEvent,
  ValidationEvent,
} from './diagnostics.ts'
