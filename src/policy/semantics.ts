/**
 * The only door to http-cache-semantics. It decides what RFC 9111 sections 3 and 4.2.1 say of storing and of freshness
 * lifetime; its input is made such that its known departures cannot show:
 * directives in lower case, one line each, valid numbers, without those that it misreads (`must-revalidate` and
 * `proxy-revalidate` as "never fresh", `no-cache` as "lifetime 0"), one Date, and no request field but Authorization.
 */
import CachePolicy from 'http-cache-semantics'
import { fieldValue, firstLine } from './field-lines.ts'
import { responseDirectives, seconds, type Directives } from './cache-control.ts'
import type { FieldLines } from '../stored-response.ts'

export interface Semantics {
  /** Section 3: the method, status, directives and request allow storing. */
  readonly storable: boolean
  /** Section 4.2.1: freshness lifetime in seconds, explicit or heuristic. */
  readonly lifetime: number
}

export interface SemanticsInput {
  readonly statusCode: number
  readonly fields: FieldLines
  /** When the response arrived, in milliseconds: stands in for a missing or invalid Date (RFC 9110 section 6.6.1). */
  readonly responseTime: number
  readonly shared: boolean
  /** The request had an Authorization field. */
  readonly authorized: boolean
}

export function semanticsOf(input: SemanticsInput): Semantics {
  const directives = responseDirectives(input.fields)
  const date = Date.parse(firstLine(input.fields, 'date') ?? '')
  const headers: Record<string, string> = {
    date: new Date(Number.isNaN(date) ? input.responseTime : date).toUTCString(),
    'cache-control': canonical(directives),
  }
  const expires = fieldValue(input.fields, 'expires')
  // Section 5.3: an invalid Expires means "already expired"; an empty one would read as absent.
  if (expires !== undefined) headers['expires'] = expires === '' ? '0' : expires
  const lastModified = firstLine(input.fields, 'last-modified')
  if (lastModified !== undefined) headers['last-modified'] = lastModified
  const policy = new CachePolicy(
    // HEAD is judged as GET: what may be stored of one may be stored of the other.
    { method: 'GET', url: '', headers: input.authorized ? { authorization: 'present' } : {} },
    { status: input.statusCode, headers },
    { shared: input.shared },
  ) as CachePolicy & { maxAge(): number }
  return { storable: policy.storable(), lifetime: policy.maxAge() }
}

const LEFT_OUT = new Set(['proxy-revalidate', 'no-cache'])
const DELTA_SECONDS = new Set(['max-age', 's-maxage', 'stale-if-error', 'stale-while-revalidate'])

function canonical(directives: Directives): string {
  const members: string[] = []
  for (const name of directives.keys()) {
    if (LEFT_OUT.has(name) || !/^[\w!#$%&'*+.^`|~-]+$/.test(name)) continue
    members.push(DELTA_SECONDS.has(name) ? `${name}=${seconds(directives, name)}` : name)
  }
  return members.join(', ')
}
