/** Freshness (RFC 9111 section 4.2). Ages and lifetimes are in seconds, times in milliseconds since the epoch. */
import { MAX_DELTA_SECONDS, responseDirectives } from './cache-control.ts'
import { fieldValue, firstLine } from './field-lines.ts'
import { semanticsOf } from './semantics.ts'
import type { PolicySettings } from './cache-request.ts'
import type { StoredResponse } from '../stored-response.ts'

/** Section 4.2.3: "the estimated number of seconds since the response was generated or validated at the origin". */
export function currentAge(stored: StoredResponse, now: number): number {
  const date = Date.parse(firstLine(stored.fields, 'date') ?? '')
  const apparentAge = Number.isNaN(date) ? 0 : Math.max(0, (stored.responseTime - date) / 1000)
  const responseDelay = Math.max(0, stored.responseTime - stored.requestTime) / 1000
  const correctedInitialAge = Math.max(apparentAge, ageValue(stored) + responseDelay)
  const residentTime = Math.max(0, now - stored.responseTime) / 1000
  return Math.min(correctedInitialAge + residentTime, MAX_DELTA_SECONDS)
}

/** Section 5.1: of a list "use the first member", and ignore the field when that is invalid. */
function ageValue(stored: StoredResponse): number {
  const first = fieldValue(stored.fields, 'age')?.split(',')[0]?.trim() ?? ''
  return /^\d+$/.test(first) ? Math.min(Number(first), MAX_DELTA_SECONDS) : 0
}

interface Known {
  readonly settings: PolicySettings
  readonly lifetime: number
}

/** Lifetimes already worked out. A record never changes (freshening makes a new one), so neither does its lifetime. */
const lifetimes = new WeakMap<StoredResponse, Known>()

/** Section 4.2.1: "the length of time between its generation by the origin server and its expiration time". */
export function freshnessLifetime(stored: StoredResponse, settings: PolicySettings): number {
  const known = lifetimes.get(stored)
  if (known !== undefined && known.settings === settings) return known.lifetime
  const lifetime = workOutLifetime(stored, settings)
  lifetimes.set(stored, { settings, lifetime })
  return lifetime
}

function workOutLifetime(stored: StoredResponse, settings: PolicySettings): number {
  const { statusCode, fields, responseTime } = stored
  if (settings.cacheByDefault !== undefined && !hasExplicitLifetime(stored, settings)) return settings.cacheByDefault
  return semanticsOf({ statusCode, fields, responseTime, shared: settings.shared, authorized: false }).lifetime
}

function hasExplicitLifetime(stored: StoredResponse, settings: PolicySettings): boolean {
  const directives = responseDirectives(stored.fields)
  return (
    directives.has('max-age') ||
    (settings.shared && directives.has('s-maxage')) ||
    fieldValue(stored.fields, 'expires') !== undefined ||
    fieldValue(stored.fields, 'last-modified') !== undefined
  )
}
