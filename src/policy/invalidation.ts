/** Invalidating stored responses (RFC 9111 section 4.4). */
import type { FieldsByName } from './field-lines.ts'

/** Methods that change nothing (RFC 9110 section 9.2.1, QUERY by RFC 10008). Every other method is taken as unsafe. */
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'QUERY'])

export function isSafe(method: string): boolean {
  return SAFE.has(method)
}

/** "A non-error response is one with a 2xx (Successful) or 3xx (Redirection) status code." Others invalidate nothing. */
export function invalidates(statusCode: number): boolean {
  return statusCode >= 200 && statusCode < 400
}

/**
 * URIs that a successful unsafe request makes invalid: its target, and those in Location and Content-Location, but
 * "MUST NOT … if the origin … differs from that of the target URI": nobody invalidates what is another's.
 */
export function invalidatedUris(target: string, headers: Readonly<Partial<FieldsByName>>): readonly string[] {
  const uris = new Set([target])
  const base = URL.parse(target)
  for (const name of ['location', 'content-location']) {
    for (const value of [headers[name] ?? []].flat()) {
      const uri = URL.parse(value, target)
      if (uri === null || uri.origin !== base?.origin) continue
      uri.hash = ''
      uris.add(uri.href)
    }
  }
  return [...uris]
}
