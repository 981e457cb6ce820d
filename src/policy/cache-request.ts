/** A request as the cache sees it, whatever form the caller gave it in. Built by `interceptor/cache-request.ts`. */

import type { CacheMode } from './cache-mode.ts'
import type { Terms } from '../stored-response.ts'

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
  /** What is laid down for this request alone, where anything is. */
  readonly laidDown?: LaidDown | undefined
}

export interface LaidDown {
  /** Target URI: the key may have been given another. */
  readonly uri: string
  readonly terms: Terms | undefined
  readonly tags: readonly string[]
}

/** What is laid down for a response that is to be stored or updated. */
export interface Steered {
  readonly terms: Terms | undefined
  /** A status that is not heuristically cacheable may be stored all the same: it was named, with a lifetime. */
  readonly allowsStatus: boolean
  /** It is not to be stored. */
  readonly refuses: boolean
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
  /** The user's own header section in the place of one that came. It throws where nothing is to be stored. */
  readonly modify?: ((request: CacheRequest, response: ResponseHead) => ResponseHead) | undefined
  /** Undefined where nothing is laid down for any response. */
  readonly steer?: ((request: CacheRequest, response: ResponseHead) => Steered) | undefined
}

/** A response as it came, before anything is known of its body. */
export interface ResponseHead {
  readonly statusCode: number
  readonly statusMessage: string
  readonly fields: readonly string[]
}
