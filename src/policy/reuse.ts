/** Constructing responses from caches (RFC 9111 section 4): may a stored response answer this request? */
import { isWhole, MAX_DELTA_SECONDS, requestDirectives, responseDirectives, seconds } from './cache-control.ts'
import type { Directives } from './cache-control.ts'
import { usesAnything } from './cache-mode.ts'
import type { CacheRequest, PolicySettings } from './cache-request.ts'
import { effectiveFields } from './targeted.ts'
import { ageAt, currentAge, freshnessLifetime, initialAge } from './freshness.ts'
import { keyOfGet } from './cache-key.ts'
import { isPastTerms, staleWindow } from './terms.ts'
import type { StoredResponse } from '../stored-response.ts'

/** What decides over the use of a stored response: explained in explanation.ts. */
export type ReuseRule =
  | 'fresh'
  | 'stale'
  | 'mode'
  | 'for-others'
  | 'terms'
  | 'request-no-cache'
  | 'response-no-cache'
  | 'clock'
  | 'max-age'
  | 'min-fresh'
  | 'stale-forbidden'
  | 'max-stale'
  | 'stale-while-revalidate'

export type Reuse = { readonly rule: ReuseRule } &
  /**
   * It answers as it is; `ttl` is the freshness left in seconds. With `revalidate` it is stale, and is to be validated
   * in the background.
   */
  (
    | { readonly use: 'serve'; readonly age: number; readonly ttl: number; readonly revalidate: boolean }
    /** It must be validated first, because it is `stale` or because the `request` asks for it. */
    | { readonly use: 'validate'; readonly because: 'stale' | 'request' }
    /** It is not for this request at all. */
    | { readonly use: 'none' }
  )

/** Conditions that only an origin may judge (section 4.3.2): such a request goes there, and the cache is not asked. */
export function passesBy(request: CacheRequest): boolean {
  if (request.isPlain) return false
  return request.fields['if-match'] !== undefined || request.fields['if-unmodified-since'] !== undefined
}

/** Fields by which a caller asks for a part, or states conditions that a cache may judge. */
export const OWN_CONDITIONS: ReadonlySet<string> = new Set(['range', 'if-range', 'if-none-match', 'if-modified-since'])

/**
 * The request asks for a part, or states conditions of its own. A stored response that needs no validation answers it;
 * where there is none, it goes to the origin as it is: conditions of the cache's would change what it asks for.
 */
export function isOwnCondition(request: CacheRequest): boolean {
  if (request.isPlain) return false
  return Object.keys(request.fields).some((name) => name !== 'if-range' && OWN_CONDITIONS.has(name))
}

/** Section 5.2.1.7: "the client only wishes to obtain a stored response". */
export function isOnlyIfCached(request: CacheRequest): boolean {
  if (request.mode === 'only-if-cached') return true
  return !request.isPlain && requestDirectives(request.fields).has('only-if-cached')
}

/** Whether a request asks for nothing special: for such a `PlainUse` says all. */
export function asksNothingSpecial(request: CacheRequest): boolean {
  return request.isPlain && request.mode === 'default'
}

/** What a response answers to requests that ask for nothing special: a hit is a few comparisons of numbers then. */
export class PlainUse {
  readonly #responseTime: number
  /** In seconds, when it came. */
  readonly initialAge: number
  /** Seconds for which it answers; 0 where it must be validated for each use. */
  readonly lifetime: number

  constructor(responseTime: number, initialAgeSeconds: number, lifetime: number) {
    this.#responseTime = responseTime
    this.initialAge = initialAgeSeconds
    this.lifetime = lifetime
  }

  static of(stored: StoredResponse, settings: PolicySettings): PlainUse {
    const ofResponse = responseDirectives(effectiveFields(stored.fields, settings.targets))
    const isUsable = !isForNobodyElse(stored, ofResponse, settings) && !isWhole(ofResponse, 'no-cache')
    const lifetime = isUsable ? freshnessLifetime(stored, settings) : 0
    return new PlainUse(stored.responseTime, initialAge(stored), lifetime)
  }

  ageAt(now: number): number {
    return ageAt(now, this.#responseTime, this.initialAge)
  }

  /** Seconds of freshness left to one of this age; at or below 0 it is for the rules to say. */
  ttlAt(now: number, age: number): number {
    // A clock that was set back says nothing about age.
    return now >= this.#responseTime ? this.lifetime - age : 0
  }
}

/** Whether `PlainUse.of` says the same for both: each interceptor has settings of its own, and mostly they are alike. */
export function areAlike(one: PolicySettings, other: PolicySettings): boolean {
  if (one === other) return true
  if (one.shared !== other.shared || one.cacheByDefault !== other.cacheByDefault) return false
  return one.targets.join() === other.targets.join()
}

export function mayReuse(stored: StoredResponse, request: CacheRequest, now: number, settings: PolicySettings): Reuse {
  const ofResponse = responseDirectives(effectiveFields(stored.fields, settings.targets))
  if (isOthers(stored, request, ofResponse, settings)) return { use: 'none', rule: 'for-others' }
  if (request.mode === 'no-cache') return { use: 'validate', rule: 'mode', because: 'request' }
  const age = currentAge(stored, now)
  const ttl = freshnessLifetime(stored, settings) - age
  if (usesAnything(request.mode)) {
    const isOver = request.mode === 'ignore-rules' && isPastTerms(stored, now)
    return isOver
      ? { use: 'validate', rule: 'terms', because: 'stale' }
      : { use: 'serve', rule: 'mode', age, ttl, revalidate: false }
  }
  const ofRequest = requestDirectives(request.fields)
  // Section 5.2.1.4: "the client prefers stored response not be used … without successful validation"
  if (ofRequest.has('no-cache')) return { use: 'validate', rule: 'request-no-cache', because: 'request' }
  // Section 5.2.2.4: "MUST NOT be used to satisfy any other request without forwarding it for validation"
  if (isWhole(ofResponse, 'no-cache')) return { use: 'validate', rule: 'response-no-cache', because: 'stale' }
  // A clock that was set back says nothing about age; without a clock every use is validated (section 4).
  if (now < stored.responseTime) return { use: 'validate', rule: 'clock', because: 'stale' }
  if (isTooOld(stored, ofRequest, ofResponse, age, ttl)) return { use: 'validate', rule: 'max-age', because: 'request' }
  const minFresh = seconds(ofRequest, 'min-fresh')
  if (minFresh !== undefined && ttl < minFresh)
    return { use: 'validate', rule: 'min-fresh', because: ttl > 0 ? 'request' : 'stale' }
  // "fresh" is a lifetime that exceeds the age (section 4.2).
  if (ttl > 0) return { use: 'serve', rule: 'fresh', age, ttl, revalidate: false }
  if (forbidsStale(ofResponse, settings)) return { use: 'validate', rule: 'stale-forbidden', because: 'stale' }
  if (-ttl <= maxStale(ofRequest)) return { use: 'serve', rule: 'max-stale', age, ttl, revalidate: false }
  // RFC 5861 section 3: within its window a stale response is served while it is validated in the background.
  const window = staleWindow('stale-while-revalidate', stored, request, ofResponse)
  if (window !== undefined && -ttl < window)
    return { use: 'serve', rule: 'stale-while-revalidate', age, ttl, revalidate: true }
  return { use: 'validate', rule: 'stale', because: 'stale' }
}

/** Stored for a single user, or against the rules by a request that knew none: not for everybody. */
function isOthers(
  stored: StoredResponse,
  request: CacheRequest,
  ofResponse: Directives,
  settings: PolicySettings,
): boolean {
  return request.mode !== 'ignore-rules' && isForNobodyElse(stored, ofResponse, settings)
}

function isForNobodyElse(stored: StoredResponse, ofResponse: Directives, settings: PolicySettings): boolean {
  if (ofResponse.has('no-store') && !ofResponse.has('must-understand')) return true
  return settings.shared && (stored.scope === 'private' || isWhole(ofResponse, 'private'))
}

/**
 * Section 5.2.1.1: "the client prefers a response whose age is less than or equal to the specified number of seconds".
 * RFC 8246 section 2: a fresh immutable response is not validated for a reload, which is what `max-age=0` says; section
 * 3 asks for https.
 */
function isTooOld(
  stored: StoredResponse,
  ofRequest: Directives,
  ofResponse: Directives,
  age: number,
  ttl: number,
): boolean {
  const maxAge = seconds(ofRequest, 'max-age')
  if (maxAge === undefined || isImmutable(stored, ofResponse, ttl)) return false
  // `max-age=0` asks for validation: an answer of this very moment has an age of 0, too.
  return age > (maxAge === 0 ? -1 : maxAge) + maxStale(ofRequest, 0)
}

function isImmutable(stored: StoredResponse, ofResponse: Directives, ttl: number): boolean {
  return ttl > 0 && ofResponse.has('immutable') && keyOfGet(stored.key).startsWith('https:')
}

/** Seconds beyond its lifetime that the request accepts (section 5.2.1.2). */
function maxStale(ofRequest: Directives, absent = -1): number {
  const argument = ofRequest.get('max-stale')
  if (argument === undefined) return absent
  return argument === true ? MAX_DELTA_SECONDS : (seconds(ofRequest, 'max-stale') ?? absent)
}

/** Section 4.2.4: "MUST NOT generate a stale response if it is prohibited by an explicit in-protocol directive". */
export function forbidsStale(ofResponse: Directives, settings: PolicySettings): boolean {
  return (
    isWhole(ofResponse, 'no-cache') ||
    ofResponse.has('must-revalidate') ||
    (settings.shared && (ofResponse.has('proxy-revalidate') || ofResponse.has('s-maxage')))
  )
}

/** Why the origin's answer cannot be used: it answered with an error, or it could not be reached. */
export type Failure = 'error' | 'unreachable'

/** What to do when the origin fails a validation. */
export type Fallback =
  /** Serve the stored response, stale. */
  | 'serve-stale'
  /** The response forbids it: "an error response" is due, "SHOULD be 504" (section 5.2.2.2). */
  | 'gateway-timeout'
  /** The failure is the answer. */
  | 'pass-on'

/** Sections 4.2.4 and 4.3.3, and RFC 5861 section 4 (stale-if-error, in the request or in the response). */
export function whenOriginFails(
  stored: StoredResponse,
  request: CacheRequest,
  failure: Failure,
  now: number,
  settings: PolicySettings,
): Fallback {
  const ofRequest = requestDirectives(request.fields)
  const ofResponse = responseDirectives(effectiveFields(stored.fields, settings.targets))
  // The client asked for validation, and there is none.
  if (request.mode === 'no-cache' || ofRequest.has('no-cache')) return 'pass-on'
  if (request.mode !== 'ignore-rules' && forbidsStale(ofResponse, settings))
    return failure === 'error' ? 'pass-on' : 'gateway-timeout'
  const staleness = currentAge(stored, now) - freshnessLifetime(stored, settings)
  const window = Math.max(
    seconds(ofRequest, 'stale-if-error') ?? -1,
    staleWindow('stale-if-error', stored, request, ofResponse) ?? -1,
  )
  // A clock that was set back cannot tell how stale it is: see `mayReuse`.
  if (staleness <= window && now >= stored.responseTime) return 'serve-stale'
  // "unless it is disconnected or doing so is explicitly permitted"
  return failure === 'unreachable' && settings.staleWhenUnreachable ? 'serve-stale' : 'pass-on'
}

/** RFC 5861 section 4: statuses that are errors there. */
export function isServerError(statusCode: number): boolean {
  return statusCode === 500 || statusCode === 502 || statusCode === 503 || statusCode === 504
}
