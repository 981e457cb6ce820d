/**
 * The only door to http-cache-semantics, the base of freshness. It works out freshness lifetimes (RFC 9111 section 4.2.1)
 * and whether a response to credentials may be stored (section 3.5). Its input is made such that its departures from the
 * RFC cannot show: directives in lower case, one line each, valid numbers only; dates in one valid form; a status and a
 * method that it knows; and without the directives that it misreads (`must-revalidate` and `proxy-revalidate` as "never
 * fresh", `no-cache` as "lifetime 0", `immutable` as a lifetime). What it decides otherwise is decided in `storing.ts`.
 */
import CachePolicy from 'http-cache-semantics'
import { fieldValue, firstLine } from './field-lines.ts'
import { parseHttpDate } from './http-date.ts'
import { seconds, type Directives } from './cache-control.ts'
import type { FieldLines } from '../stored-response.ts'

export interface SemanticsInput {
  readonly directives: Directives
  readonly fields: FieldLines
  /** When the response arrived, in milliseconds: stands in for a missing or invalid Date (RFC 9110 section 6.6.1). */
  readonly responseTime: number
  readonly shared: boolean
}

/** Section 4.2.2: of the time since Last-Modified "a typical setting of this fraction might be 10 %", but a week at most. */
const MAX_HEURISTIC_SECONDS = 604_800

/** Freshness lifetime in seconds (section 4.2.1). Without an explicit one a heuristic one, where that `mayGuess`. */
export function lifetimeOf(input: SemanticsInput, mayGuess: boolean): number {
  if (statesSeconds(input)) return lifetimeByDirectives(input)
  const isExplicit = hasExplicitLifetime(input)
  if (!isExplicit && !mayGuess) return 0
  const lifetime = policyOf(input, false).maxAge()
  return isExplicit ? lifetime : Math.min(lifetime, MAX_HEURISTIC_SECONDS)
}

/** Lifetimes already worked out. Directives that read the same are the same object, mostly (cache-control.ts). */
const byDirectives = { shared: new WeakMap<Directives, number>(), private: new WeakMap<Directives, number>() }

/** Section 4.2.1: `s-maxage` and `max-age` come first, and then no date matters. */
function lifetimeByDirectives(input: SemanticsInput): number {
  const remembered = byDirectives[input.shared ? 'shared' : 'private']
  const known = remembered.get(input.directives)
  if (known !== undefined) return known
  const lifetime = policyOf(input, false).maxAge()
  remembered.set(input.directives, lifetime)
  return lifetime
}

/** Section 3.5: a response directive "explicitly allows shared caching" of a response to Authorization. */
export function maySharePerAuthorization(input: SemanticsInput): boolean {
  return policyOf(input, true).storable()
}

/** The response states a lifetime, even an invalid one: "MUST NOT use heuristics" then (section 4.2.2). */
export function hasExplicitLifetime(input: SemanticsInput): boolean {
  return statesSeconds(input) || fieldValue(input.fields, 'expires') !== undefined
}

function statesSeconds({ directives, shared }: SemanticsInput): boolean {
  return directives.has('max-age') || (shared && directives.has('s-maxage'))
}

function policyOf(input: SemanticsInput, authorized: boolean): CachePolicy {
  const { fields, responseTime, shared } = input
  const headers: Record<string, string> = {
    date: httpDate(parseHttpDate(firstLine(fields, 'date'), responseTime) ?? responseTime),
    'cache-control': canonical(input.directives),
  }
  // Section 5.3: an invalid Expires, also one on several lines, means "already expired".
  const expires = fieldValue(fields, 'expires')
  const expiry = parseHttpDate(expires, responseTime)
  if (expires !== undefined) headers['expires'] = expiry === undefined ? '0' : httpDate(expiry)
  const lastModified = parseHttpDate(firstLine(fields, 'last-modified'), responseTime)
  if (lastModified !== undefined) headers['last-modified'] = httpDate(lastModified)
  return new CachePolicy(
    { method: 'GET', url: '', headers: authorized ? { authorization: 'present' } : {} },
    { status: 200, headers },
    { shared },
  )
}

function httpDate(time: number): string {
  return new Date(time).toUTCString()
}

const LEFT_OUT = new Set(['proxy-revalidate', 'no-cache', 'no-store', 'private', 'immutable'])
const DELTA_SECONDS = new Set(['max-age', 's-maxage'])

function canonical(directives: Directives): string {
  const members: string[] = []
  for (const name of directives.keys()) {
    if (LEFT_OUT.has(name) || !/^[\w!#$%&'*+.^`|~-]+$/.test(name)) continue
    members.push(DELTA_SECONDS.has(name) ? `${name}=${seconds(directives, name)}` : name)
  }
  return members.join(', ')
}
