/**
 * One copy of what many records say: field names, and values such as `text/html` or `max-age=60`, make up half of what
 * a record takes in memory. A string is shared while it comes again within some thousand others; the table is bounded,
 * so that a value of its own in each response costs no more than its look-up.
 */

/** Strings of one generation; what has not come again in the next is let go of. */
const MOST_STRINGS = 2_048
/** Characters of the longest one: what is longer is seldom the same. */
const MOST_CHARACTERS = 128

let current = new Map<string, string>()
let last = new Map<string, string>()

/** The same string, of which the caller need not keep a copy of its own. */
export function shared(text: string): string {
  if (text.length > MOST_CHARACTERS) return text
  const known = current.get(text)
  if (known !== undefined) return known
  const found = last.get(text) ?? text
  if (current.size >= MOST_STRINGS) {
    last = current
    current = new Map()
  }
  current.set(found, found)
  return found
}

/** Field lines to be kept. Also a list of the right length: one that has grown keeps room for half as much again. */
export function sharedLines(lines: readonly string[]): string[] {
  return lines.map(shared)
}
