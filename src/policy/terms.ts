/**
 * What the cache's user lays down beside a response's own words: lifetimes and windows for stale responses. All counts
 * from the moment at which the response came or was last validated, so that an Age which it arrived with takes nothing
 * away; nothing of it makes storable what is not, or lifts `no-cache` or `must-revalidate`.
 */
import { responseDirectives, seconds, type Directives } from './cache-control.ts'
import type { CacheRequest, PolicySettings, ResponseHead } from './cache-request.ts'
import { hasExplicitLifetime } from './semantics.ts'
import { HEURISTICALLY_CACHEABLE } from './status.ts'
import { effectiveFields } from './targeted.ts'
import type { StoredResponse, Terms } from '../stored-response.ts'

/** The freshness lifetime as RFC 9111 counts it, of a response that arrived with this age and states this lifetime. */
export function lifetimeByTerms(terms: Terms, stated: number, initialAge: number): number {
  const { ttl, minTtl = 0, maxTtl = Infinity } = terms
  const left = ttl ?? stated - initialAge
  // What has no freshness left keeps how stale it is: windows for stale responses count from there.
  const raised = minTtl > 0 ? Math.max(left, minTtl) : left
  return initialAge + Math.min(raised, maxTtl)
}

/**
 * Past the lifetime that was laid down for it, whatever it says itself: the end of what is used in the mode
 * `ignore-rules`, which goes by nothing that responses say.
 */
export function isPastTerms({ terms, responseTime }: StoredResponse, now: number): boolean {
  if (terms === undefined || (terms.ttl === undefined && terms.maxTtl === undefined)) return false
  const lifetime = Math.min(terms.ttl ?? Infinity, terms.maxTtl ?? Infinity)
  return now - responseTime >= lifetime * 1000 || now < responseTime
}

/** Seconds for which a stale response may be used: what is laid down for the request, for the response, or said by it. */
export function staleWindow(
  name: 'stale-if-error' | 'stale-while-revalidate',
  stored: StoredResponse,
  request: CacheRequest,
  ofResponse: Directives,
): number | undefined {
  const option = name === 'stale-if-error' ? 'staleIfError' : 'staleWhileRevalidate'
  return request.laidDown?.terms?.[option] ?? stored.terms?.[option] ?? seconds(ofResponse, name)
}

/** The record with what is laid down for it now. */
export function withTerms(stored: StoredResponse, terms: Terms | undefined): StoredResponse {
  if (stored.terms === terms) return stored
  const { terms: _, ...rest } = stored
  return terms === undefined ? rest : { ...rest, terms }
}

/** An error that states no lifetime, and may be stored without one (RFC 9111 section 4.2.2). */
export function isSilentError(
  { statusCode, fields }: Pick<ResponseHead, 'statusCode' | 'fields'>,
  { shared, targets }: Pick<PolicySettings, 'shared' | 'targets'>,
): boolean {
  if (statusCode < 400) return false
  const effective = effectiveFields(fields, targets)
  const directives = responseDirectives(effective)
  const mayGuess = HEURISTICALLY_CACHEABLE.has(statusCode) || directives.has('public')
  return mayGuess && !hasExplicitLifetime({ directives, fields: effective, responseTime: 0, shared })
}
