/** Constructing responses from caches (RFC 9111 section 4): may a stored response answer this request? */
import { MAX_DELTA_SECONDS, requestDirectives, responseDirectives, seconds, type Directives } from './cache-control.ts'
import { currentAge, freshnessLifetime } from './freshness.ts'
import type { CacheRequest, PolicySettings } from './cache-request.ts'
import type { StoredResponse } from '../stored-response.ts'

export type Reuse =
  /** It answers as it is; `ttl` is the freshness left in seconds. */
  | { readonly use: 'serve'; readonly age: number; readonly ttl: number }
  /** It must be validated first, because it is `stale` or because the `request` asks for it. */
  | { readonly use: 'validate'; readonly because: 'stale' | 'request' }
  /** It is not for this request at all. */
  | { readonly use: 'none' }

/** Request fields that ask for something else than the whole representation: such requests pass the cache by. */
const NOT_FOR_THE_CACHE = ['range', 'if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since', 'if-range']

/** The request asks for a part, or states conditions of its own: it goes to the origin untouched. */
export function passesBy(request: CacheRequest): boolean {
  return NOT_FOR_THE_CACHE.some((name) => request.fields[name] !== undefined)
}

export function mayReuse(stored: StoredResponse, request: CacheRequest, now: number, settings: PolicySettings): Reuse {
  const ofResponse = responseDirectives(stored.fields)
  if (settings.shared && (stored.scope === 'private' || ofResponse.has('private'))) return { use: 'none' }
  const ofRequest = requestDirectives(request.fields)
  // Section 5.2.1.4: "the client prefers stored response not be used … without successful validation"
  if (ofRequest.has('no-cache')) return { use: 'validate', because: 'request' }
  // Section 5.2.2.4: "MUST NOT be used to satisfy any other request without forwarding it for validation"
  if (ofResponse.has('no-cache')) return { use: 'validate', because: 'stale' }
  // A clock that was set back says nothing about age; without a clock every use is validated (section 4).
  if (now < stored.responseTime) return { use: 'validate', because: 'stale' }
  const age = currentAge(stored, now)
  const ttl = freshnessLifetime(stored, settings) - age
  const maxAge = seconds(ofRequest, 'max-age')
  if (maxAge !== undefined && age > maxAge) return { use: 'validate', because: 'request' }
  const minFresh = seconds(ofRequest, 'min-fresh')
  if (minFresh !== undefined && ttl < minFresh) return { use: 'validate', because: ttl > 0 ? 'request' : 'stale' }
  // "fresh" is a lifetime that exceeds the age (section 4.2).
  if (ttl > 0 || -ttl <= acceptedStaleness(ofRequest, ofResponse, settings)) return { use: 'serve', age, ttl }
  return { use: 'validate', because: 'stale' }
}

/** Seconds beyond its lifetime that the request accepts (section 5.2.1.2) and the response does not forbid. */
function acceptedStaleness(ofRequest: Directives, ofResponse: Directives, settings: PolicySettings): number {
  const argument = ofRequest.get('max-stale')
  if (argument === undefined || forbidsStale(ofResponse, settings)) return -1
  return argument === true ? MAX_DELTA_SECONDS : (seconds(ofRequest, 'max-stale') ?? -1)
}

/** Section 4.2.4: "MUST NOT generate a stale response if it is prohibited by an explicit in-protocol directive". */
function forbidsStale(ofResponse: Directives, settings: PolicySettings): boolean {
  return (
    ofResponse.has('must-revalidate') ||
    (settings.shared && (ofResponse.has('proxy-revalidate') || ofResponse.has('s-maxage')))
  )
}
