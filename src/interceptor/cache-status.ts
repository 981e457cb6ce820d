/** Cache-Status (RFC 9211): what the cache did for a response, appended to what caches before it have said. */
import type { IncomingHttpHeaders } from 'node:http'
import { serializeItem, Token, type BareItem } from 'structured-headers'
import { PACKAGE_NAME, type ForwardReason } from '../diagnostics.ts'
import { bytesOf } from '../policy/field-bytes.ts'
import type { RawHeaders } from './dispatch.ts'
import { toFieldLines, toRawHeaders } from './headers.ts'

const FIELD = 'cache-status'
const RAW_FIELD = Buffer.from(FIELD)

/** Section 2.1: "the request was satisfied by the cache". `ttl` in seconds, negative when stale (section 2.4). */
export function hitStatus(ttl: number): string {
  const whole = Math.floor(ttl)
  const known = hits.get(whole)
  if (known !== undefined) return known
  if (hits.size >= MAX_HITS) hits.clear()
  const status = member({ hit: true, ttl: whole })
  hits.set(whole, status)
  return status
}

/** By ttl: most hits of a second have one of a few. */
const hits = new Map<number, string>()
const MAX_HITS = 10_000

/**
 * Section 2.2: the request went forward, and why; `stored` when the response is on its way into the store (2.5).
 * `hasWaited` for another's response that did not answer it: "if not [true], a new request had to be made" (2.6).
 */
export function forwardStatus(reason: ForwardReason, stored: boolean, hasWaited: boolean): string {
  const known = hasWaited ? forwards.waited : forwards.direct
  const byReason = stored ? known.stored : known.passed
  const status = byReason.get(reason)
  if (status !== undefined) return status
  const made = member({ fwd: new Token(reason), ...(stored && { stored }), ...(hasWaited && { collapsed: false }) })
  byReason.set(reason, made)
  return made
}

/** The few that there are: not by a name put together for each miss, of which the hash would have to be worked out. */
const forwards = {
  direct: { stored: new Map<ForwardReason, string>(), passed: new Map<ForwardReason, string>() },
  waited: { stored: new Map<ForwardReason, string>(), passed: new Map<ForwardReason, string>() },
}

/** Section 2.6: answered by the response to another request; `ttl` in seconds. */
export function collapsedStatus(reason: ForwardReason, ttl: number): string {
  return member({ fwd: new Token(reason), collapsed: true, ttl: Math.floor(ttl) })
}

/** What the origin has said of a stored response: a status, or nothing. */
export type OriginAnswer = number | 'unreachable'

/** A stored response after the request went forward: vouched for by a 304, or stale because the origin has failed. */
export function forwardedHitStatus(
  reason: ForwardReason,
  answer: OriginAnswer,
  ttl: number,
  isCollapsed: boolean,
): string {
  const outcome = answer === 'unreachable' ? { detail: new Token(answer) } : { 'fwd-status': answer }
  return member({
    fwd: new Token(reason),
    ...outcome,
    ...(isCollapsed && { collapsed: true }),
    ttl: Math.floor(ttl),
  })
}

const NAME = new Token(PACKAGE_NAME)

/** Parameters are tokens, numbers and flags, so that a semicolon is always a separator: a space after it reads better. */
function member(parameters: Record<string, BareItem>): string {
  return serializeItem(NAME, new Map(Object.entries(parameters))).replaceAll(';', '; ')
}

/** The header section with one more member of the list, in both forms: fetch reads the raw one only. */
export function withStatus(
  headers: IncomingHttpHeaders,
  raw: RawHeaders,
  member: string,
): { readonly headers: IncomingHttpHeaders; readonly raw: RawHeaders } {
  const before = headers[FIELD]
  const value = before === undefined ? member : `${[before].flat().join(', ')}, ${member}`
  const rawLines = Array.isArray(raw) ? (raw as Buffer[]) : toRawHeaders(toFieldLines(raw, headers))
  return { headers: { ...headers, [FIELD]: value }, raw: [...rawLines, RAW_FIELD, bytesOf(member)] }
}
