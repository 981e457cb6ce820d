/** A request as the cache sees it, whatever form the caller gave it in. Built by `interceptor/cache-request.ts`. */

import type { CacheMode } from './cache-mode.ts'

/** Request fields by lower-case name; several lines of one name are joined with a comma (RFC 9110 section 5.3). */
export type RequestFields = Readonly<Record<string, string | undefined>>

export interface CacheRequest {
  readonly method: string
  /** Cache key for this method and target URI (RFC 9111 section 2). */
  readonly key: string
  readonly fields: RequestFields
  readonly mode: CacheMode
  /** Nothing in its fields asks anything of a cache: no Cache-Control, Pragma, range or condition. False where nobody has looked. */
  readonly isPlain: boolean
}

/** How an interceptor's cache behaves: its options as far as the policy needs them. */
export interface PolicySettings {
  /** A shared cache serves several users, a private one a single user (RFC 9111 section 1). */
  readonly shared: boolean
  /** Freshness lifetime in seconds for responses that state none and may be heuristically fresh. */
  readonly cacheByDefault: number | undefined
  /** A stale response is served when the origin cannot be reached, where nothing forbids it (section 4.2.4). */
  readonly staleWhenUnreachable: boolean
  /** Lower-case names of targeted fields that go before Cache-Control, in this order (RFC 9213). */
  readonly targets: readonly string[]
  /** A stored response may answer for other queries where its No-Vary-Search says so. */
  readonly noVarySearch: boolean
}

/** A response as it came, before anything is known of its body. */
export interface ResponseHead {
  readonly statusCode: number
  readonly statusMessage: string
  readonly fields: readonly string[]
}
