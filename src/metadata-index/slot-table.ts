/**
 * The numbers of all entries in typed arrays: an entry is a slot, a slot is six 32-bit words side by side, so that moving
 * an entry touches one cache line, and a million entries are one object for the garbage collector. Its frequency stands
 * apart, a byte of an array that the processor's cache can hold: most hits need nothing else (w-tinylfu.ts).
 *
 *   word   0      1      2      3                 4                                5
 *        ┌──────┬──────┬──────┬────────────────┬────────────────────────────────┬──────────┐
 *        │ next │ prev │ hash │ weight, low 32 │ weight, high 18 │ home │ list 7 │ priority │
 *        └──────┴──────┴──────┴────────────────┴────────────────────────────────┴──────────┘
 *
 * Lists are circular. The first 128 slots hold no entries: each is both ends of one list, `next` its head and `prev`
 * its tail, so that linking and unlinking have no special cases; `priority` is its head's, so that finding the least of
 * all heads touches no entry. A free slot is linked through `next`.
 */

const WORDS = 6
const NEXT = 0
const PREV = 1
const HASH = 2
const WEIGHT_LOW = 3
const META = 4
const PRIORITY = 5

const LIST_BITS = 0x7f
const HOME_BIT = 0x80
const WEIGHT_HIGH_SHIFT = 8
const PLACE_BITS = LIST_BITS | HOME_BIT
/** In a snapshot the frequency stands above these. */
const FREQUENCY_SHIFT = 8
const TWO_32 = 2 ** 32

/** Requests that are told apart, of an entry that is held. */
export const MAX_FREQUENCY = 63
/** Where counting goes on from after MAX_FREQUENCY, so that every fourth request shows as a multiple of four. */
const BACK_TO = 60
/** A pebibyte less one. */
export const MAX_WEIGHT: number = 2 ** 50 - 1

/** Slots that stand for lists; the first entry's slot comes after them. */
export const LIST_COUNT = 128
const FIRST_CAPACITY = 512

export class SlotTable {
  #words: Int32Array = new Int32Array()
  #frequencies: Uint8Array = new Uint8Array()
  #capacity = 0
  /** Slots from here on were never used. */
  #unused = 0
  /** Head of the chain of freed slots; 0 when there is none (slot 0 is a list). */
  #free = 0
  /** Slots before this one have been halved by the aging that is under way. */
  #aged = 0

  constructor() {
    this.clear()
  }

  /** Frees all slots, and the memory. */
  clear(): void {
    this.#capacity = FIRST_CAPACITY
    this.#words = new Int32Array(FIRST_CAPACITY * WORDS)
    this.#frequencies = new Uint8Array(FIRST_CAPACITY)
    this.#unused = LIST_COUNT
    this.#free = 0
    this.#aged = 0
    for (let list = 0; list < LIST_COUNT; list++) this.#close(list)
  }

  /** A copy for whoever takes his time to read it. */
  copy(): SlotTable {
    const copy = new SlotTable()
    copy.#words = this.#words.slice()
    copy.#frequencies = this.#frequencies.slice()
    copy.#capacity = this.#capacity
    copy.#unused = this.#unused
    copy.#free = this.#free
    copy.#aged = this.#aged
    return copy
  }

  get capacity(): number {
    return this.#capacity
  }

  /** Makes room for so many entries at once. */
  reserve(entries: number): void {
    const capacity = LIST_COUNT + entries
    if (capacity > this.#capacity) this.#resize(capacity)
  }

  /** A slot for a new entry. The caller keeps `most` entries at most, so the table need not grow beyond that. */
  allocate(hash: number, most: number): number {
    let slot = this.#free
    if (slot === 0) {
      if (this.#unused === this.#capacity) this.#grow(most)
      slot = this.#unused++
    } else {
      this.#free = this.#words[slot * WORDS + NEXT] as number
    }
    const at = slot * WORDS
    this.#words[at + HASH] = hash
    this.#words[at + META] = 0
    return slot
  }

  free(slot: number): void {
    this.#words[slot * WORDS + NEXT] = this.#free
    this.#words[slot * WORDS + META] = 0
    this.#free = slot
  }

  next(slot: number): number {
    return this.#words[slot * WORDS + NEXT] as number
  }

  prev(slot: number): number {
    return this.#words[slot * WORDS + PREV] as number
  }

  hash(slot: number): number {
    return this.#words[slot * WORDS + HASH] as number
  }

  /** The priority of an entry; of a list, that of its head. */
  priority(slot: number): number {
    return this.#words[slot * WORDS + PRIORITY] as number
  }

  /** The list that the entry is in. */
  list(slot: number): number {
    return (this.#words[slot * WORDS + META] as number) & LIST_BITS
  }

  /** Requests counted for the entry, 1 to 63 but for what aging took. */
  frequency(slot: number): number {
    return this.#frequencies[slot] as number
  }

  /** Counts one request more, and returns how many there are now. Above 63 it counts round and round from 60. */
  countRequest(slot: number): number {
    const frequency = this.#frequencies[slot] as number
    return (this.#frequencies[slot] = frequency === MAX_FREQUENCY ? BACK_TO : frequency + 1)
  }

  setFrequency(slot: number, frequency: number): void {
    this.#frequencies[slot] = frequency
  }

  /** Halves frequencies until this share of all slots has been halved, counted from the call after the last with 1. */
  age(share: number): void {
    const frequencies = this.#frequencies
    const end = Math.floor(share * this.#unused)
    for (let slot = this.#aged; slot < end; slot++) frequencies[slot] = (frequencies[slot] as number) >> 1
    this.#aged = share === 1 ? 0 : end
  }

  /** A note for an entry that is out of its place for a while: whether it belongs to main. */
  isHomeMain(slot: number): boolean {
    return ((this.#words[slot * WORDS + META] as number) & HOME_BIT) !== 0
  }

  setHomeMain(slot: number, isMain: boolean): void {
    const at = slot * WORDS + META
    const meta = this.#words[at] as number
    this.#words[at] = isMain ? meta | HOME_BIT : meta & ~HOME_BIT
  }

  /** List, home and frequency in one number, for a snapshot. */
  place(slot: number): number {
    return ((this.#words[slot * WORDS + META] as number) & PLACE_BITS) | (this.frequency(slot) << FREQUENCY_SHIFT)
  }

  weight(slot: number): number {
    const at = slot * WORDS
    const high = (this.#words[at + META] as number) >>> WEIGHT_HIGH_SHIFT
    return high * TWO_32 + ((this.#words[at + WEIGHT_LOW] as number) >>> 0)
  }

  setWeight(slot: number, weight: number): void {
    const at = slot * WORDS
    const high = Math.floor(weight / TWO_32)
    this.#words[at + WEIGHT_LOW] = (weight - high * TWO_32) | 0
    const flags = (this.#words[at + META] as number) & PLACE_BITS
    this.#words[at + META] = (high << WEIGHT_HIGH_SHIFT) | flags
  }

  /** What `place` said. */
  static unpack(place: number): { list: number; isHomeMain: boolean; frequency: number } {
    return {
      list: place & LIST_BITS,
      isHomeMain: (place & HOME_BIT) !== 0,
      frequency: Math.min(MAX_FREQUENCY, place >>> FREQUENCY_SHIFT),
    }
  }

  /** Puts an entry that is in no list at the tail of one. */
  append(slot: number, list: number, priority: number): void {
    const words = this.#words
    const at = slot * WORDS
    const tail = words[list * WORDS + PREV] as number
    words[at + NEXT] = list
    words[at + PREV] = tail
    words[tail * WORDS + NEXT] = slot
    if (tail === list) words[list * WORDS + PRIORITY] = priority
    words[list * WORDS + PREV] = slot
    words[at + PRIORITY] = priority
    words[at + META] = ((words[at + META] as number) & ~LIST_BITS) | list
  }

  /** Takes an entry out of its list. True if that left the list empty. */
  unlink(slot: number): boolean {
    const words = this.#words
    const next = words[slot * WORDS + NEXT] as number
    const prev = words[slot * WORDS + PREV] as number
    words[prev * WORDS + NEXT] = next
    words[next * WORDS + PREV] = prev
    if (prev < LIST_COUNT) words[prev * WORDS + PRIORITY] = words[next * WORDS + PRIORITY] as number
    return next === prev && next < LIST_COUNT
  }

  #close(list: number): void {
    this.#words[list * WORDS + NEXT] = list
    this.#words[list * WORDS + PREV] = list
  }

  /** Doubles, but not beyond what the caller may hold: the last step would be half empty for good. */
  #grow(most: number): void {
    const least = this.#capacity + 1
    this.#resize(Math.max(least, Math.min(this.#capacity * 2, LIST_COUNT + most)))
  }

  #resize(capacity: number): void {
    this.#capacity = capacity
    const grown = new Int32Array(this.#capacity * WORDS)
    grown.set(this.#words)
    this.#words = grown
    const frequencies = new Uint8Array(this.#capacity)
    frequencies.set(this.#frequencies)
    this.#frequencies = frequencies
  }
}
