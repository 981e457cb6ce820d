/** Invalidating stored responses (RFC 9111 section 4.4). */

/** Methods that change nothing (RFC 9110 section 9.2.1, QUERY by RFC 10008). Every other method is taken as unsafe. */
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'QUERY'])

export function isSafe(method: string): boolean {
  return SAFE.has(method)
}

/** "A non-error response is one with a 2xx (Successful) or 3xx (Redirection) status code." Others invalidate nothing. */
export function invalidates(statusCode: number): boolean {
  return statusCode >= 200 && statusCode < 400
}
