/** Range requests (RFC 9110 section 14) out of a stored complete response. */

/** Bytes from `start` to before `end`. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/**
 * The one part that a Range field asks for; 'unsatisfiable' when there is no such part; undefined when the field is to be
 * ignored: another unit, malformed, or several ranges, for which the whole is a lawful answer (section 14.2).
 */
export function requestedRange(value: string, size: number): ByteRange | 'unsatisfiable' | undefined {
  const [, first, last] = /^bytes=\s*(\d*)-(\d*)\s*$/i.exec(value) ?? []
  if (first === undefined || last === undefined || (first === '' && last === '')) return undefined
  if (first === '') {
    // "a suffix range … the last N bytes"; of nothing there are none.
    const length = Math.min(Number(last), size)
    return length === 0 ? 'unsatisfiable' : { start: size - length, end: size }
  }
  const start = Number(first)
  if (last !== '' && Number(last) < start) return undefined
  return start >= size ? 'unsatisfiable' : { start, end: last === '' ? size : Math.min(Number(last) + 1, size) }
}
