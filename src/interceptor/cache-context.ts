/**
 * `context.cache` for callers of undici's `request()`, `stream()` and `pipeline()`: what Cache-Status says, without looking
 * into headers, and also where the field is not to be shown. The context is handed out when the request starts; what it
 * says of the cache is there when the response's header section is.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { PACKAGE_NAME } from '../diagnostics.ts'
import { getCacheStatus, type CacheStatus } from '../policy/cache-status.ts'
import type { DispatchController, DispatchHandler } from './dispatch.ts'
import { sentFields, toFieldLines } from './headers.ts'
import { PassingHandler } from './passing-handler.ts'

/** What the option `context` adds to the context of a request. */
export interface CacheContext {
  /** Known when the response's header section is: until then it says that nothing has been hit or stored. */
  readonly cache: CacheStatus
}

const FIELD = 'cache-status'

export class ContextHandler extends PassingHandler {
  readonly #showsStatus: boolean
  readonly #cache: CacheStatus = { cache: PACKAGE_NAME, hit: false, stored: false, collapsed: false }

  /** For a consumer whose responses are marked with Cache-Status; `showsStatus` says whether it is to see that. */
  constructor(consumer: DispatchHandler, showsStatus: boolean) {
    super(consumer)
    this.#showsStatus = showsStatus
  }

  override onRequestStart(controller: DispatchController, context: unknown): void {
    // The same object to the end: interceptors between here and the caller copy what the context has.
    const added: CacheContext = { cache: this.#cache }
    this.consumer.onRequestStart?.(controller, { ...(context as object | null), ...added })
  }

  override onResponseStart(
    controller: DispatchController,
    statusCode: number,
    headers: IncomingHttpHeaders,
    statusMessage?: string,
  ): void {
    const status = statusCode < 200 ? undefined : getCacheStatus(headers)
    Object.assign(this.#cache, status)
    const seen = status === undefined || this.#showsStatus ? headers : withoutStatus(controller, headers)
    this.consumer.onResponseStart?.(controller, statusCode, seen, statusMessage)
  }
}

/** Takes the last member, which is ours, out of both forms; what caches before this one have said stays. */
function withoutStatus(controller: DispatchController, headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const lines = toFieldLines(controller.rawHeaders, headers)
  const last = lines.findLastIndex((part, i) => i % 2 === 0 && part.toLowerCase() === FIELD)
  const kept = sentFields(lines.toSpliced(last, 2))
  controller.rawHeaders = kept.raw
  const { [FIELD]: _, ...others } = headers
  const before = kept.headers[FIELD]
  return before === undefined ? others : { ...others, [FIELD]: before }
}
