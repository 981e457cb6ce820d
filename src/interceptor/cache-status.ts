/** Cache-Status (RFC 9211): what the cache did for a response, appended to what caches before it have said. */
import type { IncomingHttpHeaders } from 'node:http'
import { PACKAGE_NAME, type ForwardReason } from '../diagnostics.ts'
import type { RawHeaders } from './dispatch.ts'
import { toFieldLines, toRawHeaders } from './headers.ts'

const FIELD = 'cache-status'

/** Section 2.1: "the request was satisfied by the cache". `ttl` in seconds, negative when stale (section 2.4). */
export function hitStatus(ttl: number): string {
  return `${PACKAGE_NAME}; hit; ttl=${Math.floor(ttl)}`
}

/** Section 2.2: the request went forward, and why; `stored` when the response is on its way into the store (2.5). */
export function forwardStatus(reason: ForwardReason, stored: boolean): string {
  return `${PACKAGE_NAME}; fwd=${reason}${stored ? '; stored' : ''}`
}

/** A stored response after the request went forward: vouched for by a 304, or stale because the origin has failed. */
export function forwardedHitStatus(reason: ForwardReason, answer: number | 'unreachable', ttl: number): string {
  const outcome = answer === 'unreachable' ? 'detail=unreachable' : `fwd-status=${answer}`
  return `${PACKAGE_NAME}; fwd=${reason}; ${outcome}; ttl=${Math.floor(ttl)}`
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
  return { headers: { ...headers, [FIELD]: value }, raw: [...rawLines, Buffer.from(FIELD), Buffer.from(member)] }
}
