/**
 * The caller's own conditions, answered out of a stored response (RFC 9111 section 4.3.2, RFC 9110 section 13).
 * If-Match and If-Unmodified-Since are for origins: "a cache … MUST NOT" evaluate them.
 */
import type { CacheRequest } from './cache-request.ts'
import { firstLine } from './field-lines.ts'
import { parseHttpDate } from './http-date.ts'
import type { StoredResponse } from '../stored-response.ts'

/** Whether the condition says that the caller has this response already: then the answer is 304. */
export function isNotModified(stored: StoredResponse, request: CacheRequest): boolean {
  // "all conditions … ignored when … the response … without those conditions would be a status other than 2xx"
  if (stored.statusCode < 200 || stored.statusCode > 299) return false
  const noneMatch = request.fields['if-none-match']
  // "A recipient MUST ignore If-Modified-Since if the request contains an If-None-Match header field."
  if (noneMatch !== undefined) return matchesAny(noneMatch, firstLine(stored.fields, 'etag'))
  const since = parseHttpDate(request.fields['if-modified-since'], stored.responseTime)
  return since !== undefined && modificationTime(stored) <= since
}

/** Without Last-Modified, "the Date header field value", or the time of arrival (RFC 9111 section 4.3.2). */
function modificationTime(stored: StoredResponse): number {
  for (const name of ['last-modified', 'date']) {
    const time = parseHttpDate(firstLine(stored.fields, name), stored.responseTime)
    if (time !== undefined) return time
  }
  return stored.responseTime
}

/** "A recipient MUST use the weak comparison function when comparing entity tags for If-None-Match." */
function matchesAny(list: string, etag: string | undefined): boolean {
  if (list.trim() === '*') return true
  if (etag === undefined) return false
  const ours = opaqueTag(etag)
  return Array.from(list.matchAll(/(?:W\/)?("[^"]*")/g)).some(([, tag]) => tag === ours)
}

function opaqueTag(etag: string): string {
  return etag.startsWith('W/') ? etag.slice(2) : etag
}

/**
 * If-Range (RFC 9110 section 13.1.5): whether the part is of what the caller has. Strong comparison, and a date only when
 * it is exactly Last-Modified, and strong: at least a second before Date.
 */
export function isRangeOfSame(stored: StoredResponse, ifRange: string | undefined): boolean {
  if (ifRange === undefined) return true
  if (ifRange.startsWith('"')) return ifRange === firstLine(stored.fields, 'etag')
  const lastModified = firstLine(stored.fields, 'last-modified')
  const modified = parseHttpDate(lastModified, stored.responseTime)
  const date = parseHttpDate(firstLine(stored.fields, 'date'), stored.responseTime)
  return modified !== undefined && date !== undefined && date - modified >= 1000 && ifRange === lastModified
}
