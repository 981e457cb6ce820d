/** Freshness (RFC 9111 section 4.2). Ages and lifetimes are in seconds, times in milliseconds since the epoch. */
import { MAX_DELTA_SECONDS, responseDirectives } from './cache-control.ts'
import { fieldValue, firstLine } from './field-lines.ts'
import { parseHttpDate } from './http-date.ts'
import { hasExplicitLifetime, lifetimeOf, type SemanticsInput } from './semantics.ts'
import { HEURISTICALLY_CACHEABLE } from './status.ts'
import { effectiveFields } from './targeted.ts'
import { lifetimeByTerms } from './terms.ts'
import type { PolicySettings } from './cache-request.ts'
import type { StoredResponse } from '../stored-response.ts'

/**
 * Section 4.2.3: "the estimated number of seconds since the response was generated or validated at the origin", whole
 * ones as Age tells them: what a request asks for is compared with what it can know.
 */
export function currentAge(stored: StoredResponse, now: number): number {
  return ageAt(now, stored.responseTime, timesOf(stored).correctedInitialAge)
}

/** The same of a response of which it is known how old it was when it came, in seconds. */
export function ageAt(now: number, responseTime: number, initialAge: number): number {
  return Math.min(Math.floor(initialAge + Math.max(0, now - responseTime) / 1000), MAX_DELTA_SECONDS)
}

/** Seconds that a response had when it came. */
export function initialAge(stored: StoredResponse): number {
  return timesOf(stored).correctedInitialAge
}

interface KnownTimes {
  /** The Date in milliseconds; in the place of one that is missing or invalid the arrival (RFC 9110 section 6.6.1). */
  readonly date: number
  /** In seconds. */
  readonly correctedInitialAge: number
}

function timesOf(stored: StoredResponse): KnownTimes {
  const date = parseHttpDate(firstLine(stored.fields, 'date'), stored.responseTime) ?? stored.responseTime
  const apparentAge = Math.max(0, (stored.responseTime - date) / 1000)
  const responseDelay = Math.max(0, stored.responseTime - stored.requestTime) / 1000
  return { date, correctedInitialAge: Math.max(apparentAge, ageValue(stored) + responseDelay) }
}

/**
 * Section 4: "the most recent one (as determined by the Date header field)"; of one Date, which has whole seconds only,
 * the one that arrived last. Positive when `a` is more recent than `b`.
 */
export function compareRecency(a: StoredResponse, b: StoredResponse): number {
  return timesOf(a).date - timesOf(b).date || a.responseTime - b.responseTime
}

/** Section 5.1: of a list "use the first member", and ignore the field when that is invalid. */
function ageValue(stored: StoredResponse): number {
  const value = fieldValue(stored.fields, 'age')
  if (value === undefined) return 0
  const first = value.split(',')[0]?.trim() ?? ''
  return /^\d+$/.test(first) ? Math.min(Number(first), MAX_DELTA_SECONDS) : 0
}

/** Section 4.2.1: "the length of time between its generation by the origin server and its expiration time". */
export function freshnessLifetime(stored: StoredResponse, settings: PolicySettings): number {
  const { staleFrom, terms } = stored
  const stated = workOutLifetime(stored, settings)
  const byFields =
    terms === undefined ? stated : lifetimeByTerms(terms, stated, currentAge(stored, stored.responseTime))
  return staleFrom === undefined ? byFields : Math.min(byFields, currentAge(stored, staleFrom))
}

function workOutLifetime(stored: StoredResponse, settings: PolicySettings): number {
  const { statusCode, responseTime } = stored
  const fields = effectiveFields(stored.fields, settings.targets)
  const directives = responseDirectives(fields)
  const input = { directives, fields, responseTime, shared: settings.shared }
  // Section 4.2.2: heuristics are for statuses "defined as heuristically cacheable" and what is "explicitly marked".
  const mayGuess = HEURISTICALLY_CACHEABLE.has(statusCode) || directives.has('public')
  if (settings.cacheByDefault !== undefined && mayGuess && saysNothing(input)) return settings.cacheByDefault
  return Math.floor(lifetimeOf(input, mayGuess))
}

/** Neither a lifetime nor what one could be guessed from. */
function saysNothing(input: SemanticsInput): boolean {
  return !hasExplicitLifetime(input) && fieldValue(input.fields, 'last-modified') === undefined
}
