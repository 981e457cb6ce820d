/** Field lines as callers give them: as an object, or as any list of pairs. */
import { InvalidOptionError } from '../errors.ts'

/** Fields as an object, whose arrays are several lines of one name, or as any list of pairs, such as `Headers`. */
export type HeadersInput =
  | Iterable<readonly [string, string]>
  | Readonly<Record<string, string | readonly string[] | undefined>>

/** @throws {InvalidOptionError} when a name is no token or a value cannot be sent */
export function headerLines(option: string, headers: HeadersInput | undefined): string[] {
  if (headers === undefined) return []
  const expected = 'pairs of field name and value (RFC 9110 section 5)'
  if (typeof headers !== 'object' || headers === null) throw new InvalidOptionError(option, expected, headers)
  const lines: string[] = []
  const pairs = Symbol.iterator in headers ? (headers as Iterable<readonly [string, string]>) : Object.entries(headers)
  for (const [name, value] of pairs) for (const line of [value ?? []].flat()) lines.push(name, line)
  const invalid = lines.some((part, i) => (i % 2 === 0 ? !/^[\w!#$%&'*+.^`|~-]+$/.test(part) : !isFieldValue(part)))
  if (invalid) throw new InvalidOptionError(option, expected, headers)
  return lines
}

function isFieldValue(value: unknown): boolean {
  // Bytes, as Latin-1 has them: what is beyond cannot be sent.
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  return typeof value === 'string' && /^[^\r\n\0\u0100-\uffff]*$/.test(value)
}
