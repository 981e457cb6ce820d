/**
 * The index as bytes: a header with version and checksum, then numbers, counters and places, each part a typed array that
 * is copied as a whole.
 *
 *   ┌───────┬─────────┬──────────┬─────────┬──────────┬─────────┬─────────────┬──────────┬────────────┐
 *   │ magic │ version │ checksum │ numbers │ counters │ entries │ numbers x 8 │ counters │ places x 8 │
 *   │       │         │          │ (count) │ (count)  │ (count) │             │ x 4      │            │
 *   └───────┴─────────┴──────────┴─────────┴──────────┴─────────┴─────────────┴──────────┴────────────┘
 *
 * Keys are not in it: whoever keeps the values keeps them in the order of the places, and has their keys there. Numbers
 * are in the machine's byte order: on a machine with the other one the magic reads differently, and the snapshot is
 * ignored. So is any other version: a snapshot is a help for the next start, not a record.
 */

export interface SnapshotContent {
  readonly numbers: readonly number[]
  readonly counters: Int32Array
  /** Two words an entry: list and flags, then its priority there. */
  readonly places: Int32Array
}

export const PLACE_WORDS = 2
const MAGIC = 0x584c_5457 // WTLX
const VERSION = 4
const HEADER_WORDS = 6

export function writeSnapshot({ numbers, counters, places }: SnapshotContent): Uint8Array<ArrayBuffer> {
  const countersAt = HEADER_WORDS * 4 + numbers.length * 8
  const placesAt = countersAt + counters.byteLength
  const buffer = new ArrayBuffer(placesAt + places.byteLength)
  new Float64Array(buffer, HEADER_WORDS * 4, numbers.length).set(numbers)
  new Int32Array(buffer, countersAt, counters.length).set(counters)
  new Int32Array(buffer, placesAt, places.length).set(places)
  const words = new Int32Array(buffer)
  words.set([MAGIC, VERSION, 0, numbers.length, counters.length, places.length / PLACE_WORDS])
  words[2] = checksum(words)
  return new Uint8Array(buffer)
}

/** What a snapshot holds, or undefined if it is of another version or damaged. */
export function readSnapshot(snapshot: Uint8Array): SnapshotContent | undefined {
  if (snapshot.length < HEADER_WORDS * 4 || snapshot.length % 4 !== 0) return undefined
  // A copy of its own: aligned, and nobody changes it meanwhile.
  const buffer = new Uint8Array(snapshot).buffer
  const words = new Int32Array(buffer)
  const [magic, version, sum, numberCount = -1, counterCount = -1, entryCount = -1] = words
  if (magic !== MAGIC || version !== VERSION || Math.min(numberCount, counterCount, entryCount) < 0) return undefined
  const countersAt = HEADER_WORDS * 4 + numberCount * 8
  const placesAt = countersAt + counterCount * 4
  if (placesAt + entryCount * PLACE_WORDS * 4 !== buffer.byteLength) return undefined
  words[2] = 0
  if (checksum(words) !== sum) return undefined
  return {
    numbers: [...new Float64Array(buffer, HEADER_WORDS * 4, numberCount)],
    counters: new Int32Array(buffer, countersAt, counterCount).slice(),
    places: new Int32Array(buffer, placesAt, entryCount * PLACE_WORDS),
  }
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
