/** Request headers in every form that undici takes: object, flat array, list of pairs, Headers, Map. */

/** By name as the caller wrote it; arrays are several lines. */
export type RequestHeaders = Record<string, string | string[]>

/** Undefined where malformed. */
export function readHeaders(headers: unknown): RequestHeaders | undefined {
  if (headers === null || headers === undefined) return {}
  if (typeof headers !== 'object') return undefined
  const pairs = toPairs(headers)
  if (pairs === undefined) return undefined
  const read: RequestHeaders = Object.create(null)
  for (const [name, value] of pairs) {
    if (value === undefined || value === null) continue
    const lines = Array.isArray(value) ? value.map(String) : [text(value)]
    const known = read[name]
    read[name] = known === undefined && lines.length === 1 ? (lines[0] as string) : [...[known ?? []].flat(), ...lines]
  }
  return read
}

/** Whether they are an object without any name that a cache looks at before it answers. False also where nobody can tell. */
export function areOrdinary(headers: unknown): boolean {
  if (headers === null || headers === undefined) return true
  if (typeof headers !== 'object' || Array.isArray(headers) || Symbol.iterator in headers) return false
  for (const name of Object.keys(headers)) if (TELLING.has(name.toLowerCase())) return false
  return true
}

/** What decides which response is selected, and whether it may be used as it is. */
const TELLING: ReadonlySet<string> = new Set([
  'host',
  'cache-control',
  'pragma',
  'range',
  'if-range',
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
])

/**
 * Headers that can be read again. Of an iterator, such as `Headers.entries()`, the cache would leave nothing for the
 * network.
 */
export function rereadable(headers: unknown): unknown {
  if (typeof headers !== 'object' || headers === null || !('next' in headers && Symbol.iterator in headers))
    return headers
  const pairs = [...(headers as Iterable<unknown>)]
  return { [Symbol.iterator]: () => pairs.values() }
}

function toPairs(headers: object): [string, unknown][] | undefined {
  if (Array.isArray(headers) && headers.every((part) => !Array.isArray(part))) {
    if (headers.length % 2 !== 0) return undefined
    return Array.from({ length: headers.length / 2 }, (_, i) => [text(headers[2 * i]), headers[2 * i + 1]])
  }
  if (!(Symbol.iterator in headers)) return Object.entries(headers)
  const pairs: [string, unknown][] = []
  for (const pair of headers as Iterable<unknown>) {
    if (!Array.isArray(pair) || pair.length !== 2) return undefined
    pairs.push([text(pair[0]), pair[1]])
  }
  return pairs
}

/** A part of a header line as text. */
export function text(part: unknown): string {
  return Buffer.isBuffer(part) ? part.toString('latin1') : String(part)
}
