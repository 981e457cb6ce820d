/** Reading Cache-Status (RFC 9211): what this cache and others on the way have said of a response. */
import { parseList, Token } from 'structured-headers'
import { PACKAGE_NAME } from '../diagnostics.ts'

/** One cache's member of the list; see RFC 9211 section 2 for each parameter. */
export interface CacheStatus {
  /** Name that the cache gives itself. */
  readonly cache: string
  /** The request was answered without going forward. */
  readonly hit: boolean
  /** Why the request went forward: `uri-miss`, `vary-miss`, `stale`, `request`, `bypass`, `method`, `miss`, `partial`. */
  readonly fwd?: string
  /** Status of the next server's answer, where that is not the response's own. */
  readonly fwdStatus?: number
  /** The response was on its way into the store. */
  readonly stored: boolean
  /** The request shared another one's answer. */
  readonly collapsed: boolean
  /** Seconds of freshness left; negative when stale. */
  readonly ttl?: number
  readonly key?: string
  readonly detail?: string
}

/** What has headers: a web `Response`, what undici's `request()` returns, or headers in either form. */
export type HasHeaders =
  | { readonly headers: Headers | Readonly<Record<string, string | string[] | undefined>> }
  | Headers
  | Readonly<Record<string, string | string[] | undefined>>

/**
 * What this cache did for a response. Undefined where it says nothing: the request passed it by, or the option
 * `cacheStatus` is off. Never throws for what came from the network.
 *
 * @example
 * getCacheStatus(await fetch(url))?.hit
 */
export function getCacheStatus(response: HasHeaders): CacheStatus | undefined {
  return getCacheStatuses(response).findLast(({ cache }) => cache === PACKAGE_NAME)
}

/** What all caches on the way have said, the one nearest to the origin first. */
export function getCacheStatuses(response: HasHeaders): CacheStatus[] {
  const value = fieldOf(response)
  if (value === undefined) return []
  try {
    return parseList(value).map(([name, parameters]) => toStatus(String(name), parameters))
  } catch {
    return []
  }
}

function fieldOf(response: HasHeaders): string | undefined {
  const headers = isHeaders(response) || !('headers' in response) ? response : response.headers
  if (isHeaders(headers)) return headers.get('cache-status') ?? undefined
  const value = (headers as Record<string, string | string[] | undefined>)['cache-status']
  return Array.isArray(value) ? value.join(', ') : value
}

function isHeaders(value: object | string | string[] | undefined): value is Headers {
  return typeof value === 'object' && 'get' in value && typeof value.get === 'function'
}

function toStatus(cache: string, parameters: ReadonlyMap<string, unknown>): CacheStatus {
  const text = (name: string) => {
    const value = parameters.get(name)
    return value instanceof Token || typeof value === 'string' ? { [name]: String(value) } : {}
  }
  const number = (name: string, as: string) => {
    const value = parameters.get(name)
    return typeof value === 'number' ? { [as]: value } : {}
  }
  return {
    cache,
    hit: parameters.get('hit') === true,
    stored: parameters.get('stored') === true,
    collapsed: parameters.get('collapsed') === true,
    ...text('fwd'),
    ...number('fwd-status', 'fwdStatus'),
    ...number('ttl', 'ttl'),
    ...text('key'),
    ...text('detail'),
  }
}
