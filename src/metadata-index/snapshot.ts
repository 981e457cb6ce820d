/**
 * The index as bytes: a header with version and checksum, then numbers, counters, entries and keys, each part a typed
 * array that is copied as a whole.
 *
 *   ┌───────┬─────────┬──────────┬─────────┬──────────┬─────────┬──────────┬─────────────┬──────────┬───────────┐
 *   │ magic │ version │ checksum │ numbers │ counters │ entries │ key bytes│ numbers x 8 │ counters │ entries   │
 *   │       │         │          │ (count) │ (count)  │ (count) │ (count)  │             │ x 4      │ x 16, keys│
 *   └───────┴─────────┴──────────┴─────────┴──────────┴─────────┴──────────┴─────────────┴──────────┴───────────┘
 *
 * Numbers are in the machine's byte order: on a machine with the other one the magic reads differently, and the
 * snapshot is ignored. So is any other version: a snapshot is a help for the next start, not a record. Keys have one
 * byte a character where all their characters fit, else two.
 */

export interface SnapshotEntry {
  readonly key: string
  readonly hash: number
  /** List and flags. */
  readonly place: number
  readonly priority: number
}

export interface SnapshotContent {
  readonly numbers: readonly number[]
  readonly counters: Int32Array
  readonly entries: readonly SnapshotEntry[]
}

const MAGIC = 0x584c_5457 // WTLX
const VERSION = 3
const HEADER_WORDS = 8
const ENTRY_WORDS = 4
/** In an entry's key length: the key has two bytes a character. */
const WIDE = 0x8000_0000 | 0
const LATIN1 = /^[\0-\xff]*$/

export function writeSnapshot({ numbers, counters, entries }: SnapshotContent): Uint8Array<ArrayBuffer> {
  const rows = new Int32Array(entries.length * ENTRY_WORDS)
  let keyBytes = 0
  for (const [index, { key, hash, place, priority }] of entries.entries()) {
    const isWide = !LATIN1.test(key)
    rows.set([hash, place, priority, isWide ? key.length | WIDE : key.length], index * ENTRY_WORDS)
    keyBytes += isWide ? key.length * 2 : key.length
  }
  const fixed = HEADER_WORDS * 4 + numbers.length * 8 + counters.byteLength + rows.byteLength
  const bytes = Buffer.alloc(fixed + Math.ceil(keyBytes / 4) * 4)
  const buffer = bytes.buffer
  const start = bytes.byteOffset
  new Float64Array(buffer, start + HEADER_WORDS * 4, numbers.length).set(numbers)
  new Int32Array(buffer, start + HEADER_WORDS * 4 + numbers.length * 8, counters.length).set(counters)
  new Int32Array(buffer, start + fixed - rows.byteLength, rows.length).set(rows)
  let at = fixed
  for (const [index, { key }] of entries.entries()) {
    const isWide = (rows[index * ENTRY_WORDS + 3] as number) < 0
    at += bytes.write(key, at, isWide ? 'utf16le' : 'latin1')
  }
  const header = new Int32Array(buffer, start, HEADER_WORDS)
  header.set([MAGIC, VERSION, 0, numbers.length, counters.length, entries.length, keyBytes, 0])
  header[2] = checksum(new Int32Array(buffer, start, bytes.length / 4))
  return bytes
}

/** What a snapshot holds, or undefined if it is of another version or damaged. */
export function readSnapshot(snapshot: Uint8Array): SnapshotContent | undefined {
  if (snapshot.length < HEADER_WORDS * 4 || snapshot.length % 4 !== 0) return undefined
  // A copy of its own: aligned, and nobody changes it meanwhile.
  const buffer = new Uint8Array(snapshot).buffer
  const words = new Int32Array(buffer)
  const [magic, version, sum, numberCount = -1, counterCount = -1, entryCount = -1, keyBytes = -1] = words
  if (magic !== MAGIC || version !== VERSION || Math.min(numberCount, counterCount, entryCount, keyBytes) < 0) {
    return undefined
  }
  const fixed = HEADER_WORDS * 4 + numberCount * 8 + counterCount * 4 + entryCount * ENTRY_WORDS * 4
  if (fixed + Math.ceil(keyBytes / 4) * 4 !== buffer.byteLength) return undefined
  words[2] = 0
  if (checksum(words) !== sum) return undefined
  return {
    numbers: [...new Float64Array(buffer, HEADER_WORDS * 4, numberCount)],
    counters: new Int32Array(buffer, HEADER_WORDS * 4 + numberCount * 8, counterCount).slice(),
    entries: readEntries(buffer, fixed - entryCount * ENTRY_WORDS * 4, entryCount, fixed),
  }
}

function readEntries(buffer: ArrayBuffer, rowsAt: number, count: number, keysAt: number): SnapshotEntry[] {
  const rows = new Int32Array(buffer, rowsAt, count * ENTRY_WORDS)
  const bytes = Buffer.from(buffer)
  const entries: SnapshotEntry[] = []
  let at = keysAt
  for (let row = 0; row < rows.length; row += ENTRY_WORDS) {
    const length = rows[row + 3] as number
    const end = at + (length < 0 ? (length & ~WIDE) * 2 : length)
    const key = bytes.toString(length < 0 ? 'utf16le' : 'latin1', at, end)
    at = end
    const [hash = 0, place = 0, priority = 0] = rows.subarray(row, row + 3)
    entries.push({ key, hash, place, priority })
  }
  return entries
}

/** Each word changes all later states one to one, so that no single wrong word goes unseen. */
function checksum(words: Int32Array): number {
  let sum = words.length | 0
  for (let index = 0; index < words.length; index++) {
    sum = Math.imul(((sum << 13) | (sum >>> 19)) ^ (words[index] as number), 0x9e37_79b1)
    sum ^= sum >>> 16
  }
  return sum
}
