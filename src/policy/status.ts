/** Status codes as a cache sees them (RFC 9110 section 15). */

/** "heuristically cacheable" by their definitions (RFC 9110 section 15.1). 206 is never stored as such here. */
export const HEURISTICALLY_CACHEABLE: ReadonlySet<number> = new Set([
  200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501,
])

/**
 * Statuses whose caching this cache understands, for `must-understand` (RFC 9111 section 5.2.2.3): all that RFC 9110
 * defines and that ask nothing of a cache beyond what it does for any response. 206 and 304 ask for more.
 */
export function isUnderstood(statusCode: number): boolean {
  return UNDERSTOOD.has(statusCode)
}

const UNDERSTOOD = new Set([
  200, 201, 202, 203, 204, 205, 300, 301, 302, 303, 307, 308, 400, 401, 402, 403, 404, 405, 406, 407, 408, 409, 410,
  411, 412, 413, 414, 415, 416, 417, 421, 422, 426, 428, 429, 431, 451, 500, 501, 502, 503, 504, 505, 511,
])
