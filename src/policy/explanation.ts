/**
 * Why a stored response is fresh or stale, and until when, in words: for people who look into a cache. What is said here
 * is decided in freshness.ts and reuse.ts.
 */
import { isWhole, responseDirectives, seconds, type Directives } from './cache-control.ts'
import type { CacheRequest, PolicySettings } from './cache-request.ts'
import { fieldValue } from './field-lines.ts'
import { currentAge, freshnessLifetime } from './freshness.ts'
import type { Reuse, ReuseRule } from './reuse.ts'
import { effectiveFields } from './targeted.ts'
import type { FieldLines, StoredResponse } from '../stored-response.ts'

export interface Freshness {
  /** `validate`: fresh or stale, the origin is asked before each use. */
  readonly state: 'fresh' | 'stale' | 'validate'
  /** Seconds: RFC 9111 sections 4.2.1 and 4.2.3. */
  readonly lifetime: number
  readonly age: number
  /** When it becomes stale, or did, in milliseconds since the epoch. */
  readonly freshUntil: number
  /** Where the lifetime comes from, such as `max-age=60`, and what else decides over its use. */
  readonly reasons: readonly string[]
}

export function explainFreshness(stored: StoredResponse, settings: PolicySettings, now: number): Freshness {
  const fields = effectiveFields(stored.fields, settings.targets)
  const directives = responseDirectives(fields)
  const lifetime = freshnessLifetime(stored, settings)
  const age = currentAge(stored, now)
  const isValidated = isWhole(directives, 'no-cache')
  return {
    state: isValidated ? 'validate' : lifetime > age && now >= stored.responseTime ? 'fresh' : 'stale',
    lifetime,
    age,
    freshUntil: now + (lifetime - age) * 1000,
    reasons: [
      ...(stored.staleFrom === undefined ? [] : ['marked stale by a purge']),
      ...laidDown(stored),
      ...(stored.terms?.ttl === undefined ? [sourceOf(fields, directives, lifetime, settings)] : []),
      ...restrictions(stored, directives, settings),
    ],
  }
}

/** Why a request may use a stored response as it is, or may not. */
export function explainReuse(
  reuse: Reuse,
  stored: StoredResponse,
  request: CacheRequest,
  settings: PolicySettings,
  now: number,
): string {
  const age = currentAge(stored, now)
  const ttl = freshnessLifetime(stored, settings) - age
  const told = TEXTS[reuse.rule]
  return typeof told === 'string' ? told : told(age, ttl, request)
}

const TEXTS: Readonly<Record<ReuseRule, string | ((age: number, ttl: number, request: CacheRequest) => string)>> = {
  fresh: (_, ttl) => `fresh for ${ttl} s more (RFC 9111 section 4.2)`,
  stale: (_, ttl) => `stale for ${-ttl} s (RFC 9111 section 4.2)`,
  mode: (_age, _ttl, { mode }) =>
    mode === 'no-cache'
      ? 'the mode no-cache asks for validation'
      : `the mode ${mode} uses what is stored, fresh or stale`,
  'for-others':
    'not for this cache: stored by a private one, or forbidden by private or no-store (RFC 9111 section 5.2.2)',
  terms: 'past the lifetime that was laid down when it was stored or validated',
  'request-no-cache': 'the request says no-cache (RFC 9111 section 5.2.1.4)',
  'response-no-cache': 'the response says no-cache (RFC 9111 section 5.2.2.4)',
  clock: 'the clock is before the response came, so that its age is not known (RFC 9111 section 4)',
  'max-age': (age) => `its age of ${age} s is more than the max-age of the request (RFC 9111 section 5.2.1.1)`,
  'min-fresh': (_, ttl) => `fresh for ${ttl} s, less than the min-fresh of the request (RFC 9111 section 5.2.1.3)`,
  'stale-forbidden': (_, ttl) =>
    `stale for ${-ttl} s, and must-revalidate, proxy-revalidate, s-maxage or no-cache forbid its use (RFC 9111 section 4.2.4)`,
  'max-stale': (_, ttl) => `stale for ${-ttl} s, which the max-stale of the request accepts (RFC 9111 section 5.2.1.2)`,
  'stale-while-revalidate': (_, ttl) => `stale for ${-ttl} s, used while it is validated (RFC 5861 section 3)`,
}

/** Section 4.2.1: the first of these that is there. */
function sourceOf(fields: FieldLines, directives: Directives, lifetime: number, settings: PolicySettings): string {
  for (const name of settings.shared ? ['s-maxage', 'max-age'] : ['max-age']) {
    const argument = seconds(directives, name)
    if (argument !== undefined) return `${name}=${argument}`
  }
  const expires = fieldValue(fields, 'expires')
  if (expires !== undefined) return `Expires: ${expires}`
  if (lifetime <= 0) return 'no lifetime stated, none to be guessed'
  if (fieldValue(fields, 'last-modified') === undefined) return 'no lifetime stated: the default'
  return 'no lifetime stated: a tenth of the time since Last-Modified, a week at most'
}

/** By its user, when it was stored or last validated: see terms.ts. */
function laidDown({ terms = {} }: StoredResponse): string[] {
  return Object.entries(terms).map(
    ([option, seconds]) => `${option}=${seconds} laid down when it was stored or validated`,
  )
}

function restrictions(stored: StoredResponse, directives: Directives, settings: PolicySettings): string[] {
  const said: string[] = []
  if (stored.scope === 'private') said.push('stored by a private cache: a shared one does not use it')
  for (const name of ['no-cache', 'private'] as const) if (isWhole(directives, name)) said.push(name)
  for (const name of ['must-revalidate', 'immutable']) if (directives.has(name)) said.push(name)
  if (settings.shared && directives.has('proxy-revalidate')) said.push('proxy-revalidate')
  for (const name of ['stale-while-revalidate', 'stale-if-error']) {
    const argument = seconds(directives, name)
    if (argument !== undefined) said.push(`${name}=${argument}`)
  }
  if (fieldValue(stored.fields, 'etag') !== undefined) said.push('can be validated by ETag')
  else if (fieldValue(stored.fields, 'last-modified') !== undefined) said.push('can be validated by Last-Modified')
  else said.push('no validator')
  return said
}
