/**
 * Small responses on their way to the disk: they answer from memory at once, and are written when they have waited for at
 * least half of `flushInterval`, and at the latest when all of it has passed. What is evicted or replaced before its turn
 * never touches the disk: of what is asked for once and pushed out of a full cache, nearly all.
 *
 * Bounded in bytes: who comes when the queue is full may wait for room, and is not stored when there is none at its end.
 */
import { isIntact } from '../content-store/small-bodies.ts'
import { PassingMap } from '../passing-map.ts'
import { entryKey, type StoredBody, type StoredResponse } from '../stored-response.ts'
import type { ResolvedManagerOptions } from './options.ts'

export interface Unwritten {
  readonly record: StoredResponse
  readonly body: Buffer
  /** The disk may have something under this name already. */
  readonly isOverDisk: boolean
}

interface Waiting extends Unwritten {
  /** Ticks before it came. */
  readonly since: number
}

/** How many are written at a time. */
const WRITERS = 4
/** Bytes of an entry beside its body and fields. */
const OVERHEAD = 500

/** Writes one to the disk. Never rejects. */
type Write = (unwritten: Unwritten) => Promise<void>

export class WriteBehind {
  readonly #maxBytes: number
  readonly #flushInterval: number
  readonly #write: Write
  /** By entry key, oldest first. */
  readonly #waiting = new PassingMap<string, Waiting>()
  readonly #writing = new PassingMap<string, Unwritten>()
  /** Bodies that were dropped, for whoever is about to be given one: as long as anybody has its record. */
  readonly #dropped = new WeakMap<StoredBody, Buffer>()
  /** Who waits for room, first come first, and whose room is kept until it leaves; each with the bytes that it takes. */
  readonly #outside = new PassingMap<() => void, number>()
  readonly #called = new PassingMap<() => void, number>()
  #bytes = 0
  #promised = 0
  /** Somebody has waited in vain, and no room has been made since. */
  #isStuck = false
  #ticks = 0
  #timer: NodeJS.Timeout | undefined
  /** Flushes one after the other, and how many have not ended. */
  #flushed: Promise<void> = Promise.resolve()
  #flushes = 0

  constructor(options: Pick<ResolvedManagerOptions, 'maxUnwritten' | 'flushInterval'>, write: Write) {
    this.#maxBytes = options.maxUnwritten
    this.#flushInterval = options.flushInterval
    this.#write = write
  }

  /** Bytes held. */
  get size(): number {
    return this.#bytes
  }

  /** Whether an entry of this body size has its place now. */
  hasRoomFor(bodySize: number): boolean {
    return this.#fits(bodySize + OVERHEAD)
  }

  #fits(bytes: number): boolean {
    return this.#bytes + this.#promised + bytes <= this.#maxBytes
  }

  /**
   * Whether one of this body size may come now. If not, `onRoom` is called when there is room for it, which is kept until it
   * leaves. What would not fit in an empty queue need not wait, nor anybody while the disk takes nothing at all.
   */
  mayCome(bodySize: number, onRoom: () => void): boolean {
    // It has grown since it was asked for.
    this.#withdraw(onRoom)
    const bytes = bodySize + OVERHEAD
    if (this.#fits(bytes) || bytes > this.#maxBytes || this.#isStuck) return true
    this.#outside.set(onRoom, bytes)
    this.#makeRoom()
    return false
  }

  /** It comes now, or will not. Says whether it still had to wait. */
  leave(onRoom: () => void): boolean {
    const hadToWait = this.#withdraw(onRoom)
    this.#isStuck ||= hadToWait
    return hadToWait
  }

  #withdraw(onRoom: () => void): boolean {
    const promised = this.#called.get(onRoom)
    if (promised !== undefined) {
      this.#promised -= promised
      this.#called.delete(onRoom)
      // Not at once: it is about to take its room, or never will.
      queueMicrotask(() => this.#callIn())
    }
    const isOutside = this.#outside.get(onRoom) !== undefined
    this.#outside.delete(onRoom)
    return isOutside
  }

  /** What waited under the same name has been dropped. */
  add(unwritten: Unwritten): void {
    const { record, body } = unwritten
    this.#waiting.set(entryKey(record.key, record.variant), { ...unwritten, since: this.#ticks })
    this.#bytes += body.length + OVERHEAD
    if (!this.#makeRoom()) this.#startTimer()
  }

  /** Writes without delay when there is too much, or somebody waits for room. Says whether that begins with this. */
  #makeRoom(): boolean {
    const isDue = this.#bytes > this.#maxBytes / 2 || this.#outside.size > 0
    if (!isDue || this.#flushes > 0 || this.#waiting.size === 0) return false
    void this.flush()
    return true
  }

  #startTimer(): void {
    this.#timer ??= setTimeout(() => this.#tick(), this.#flushInterval / 2).unref()
  }

  /** Half of the interval has passed: what was there half an interval ago has its turn. */
  #tick(): void {
    this.#timer = undefined
    const due: string[] = []
    for (const [name, { since }] of this.#waiting.entries()) {
      if (since === this.#ticks) break
      due.push(name)
    }
    this.#ticks++
    if (this.#waiting.size > due.length) this.#startTimer()
    if (due.length > 0) void this.#writeNext(due)
  }

  /** The body of a response that is not on disk yet. Undefined when there is none, or somebody has written in it. */
  bodyOf(record: StoredResponse): Buffer | undefined {
    const body = this.#find(record)?.body ?? this.#dropped.get(record.body)
    return body !== undefined && isIntact(body, record.body) ? body : undefined
  }

  /** Whether this response is not, or not wholly, on disk. */
  has(record: StoredResponse): boolean {
    return this.#find(record) !== undefined
  }

  /** Whether a response of this name is being written now, wanted or not. */
  isWriting({ key, variant }: StoredResponse): boolean {
    return this.#writing.get(entryKey(key, variant)) !== undefined
  }

  /** All that are not, or not wholly, on disk now, by their bodies, which freshening leaves as they are. */
  bodies(): ReadonlySet<StoredBody> {
    return new Set([...this.#waiting.values(), ...this.#writing.values()].map(({ record }) => record.body))
  }

  /** It is stored no more. True when the disk never has to hear of it. */
  drop(record: StoredResponse): boolean {
    const found = this.#find(record)
    if (found === undefined) return false
    const name = entryKey(record.key, record.variant)
    if (this.#waiting.get(name) !== found) return false
    this.#waiting.delete(name)
    this.#dropped.set(found.record.body, found.body)
    this.#free(found)
    return !found.isOverDisk
  }

  /** Writes all that waits now. What comes later is for a later one: nobody waits here for ever. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    await this.#writeNext(Array.from(this.#waiting.entries(), ([name]) => name))
  }

  /** Resolves when what is being written now is on disk, or will never be. */
  async settled(): Promise<void> {
    await this.#flushed
  }

  /** After what is being written already. */
  async #writeNext(names: readonly string[]): Promise<void> {
    this.#flushes++
    this.#flushed = this.#flushed.then(() => this.#writeAll(names))
    await this.#flushed
    this.#flushes--
    this.#makeRoom()
  }

  async #writeAll(names: readonly string[]): Promise<void> {
    const left = names.values()
    const writer = async (): Promise<void> => {
      for (const name of left) await this.#writeOut(name)
    }
    await Promise.all(Array.from({ length: WRITERS }, writer))
  }

  async #writeOut(name: string): Promise<void> {
    const unwritten = this.#waiting.get(name)
    if (unwritten === undefined) return
    this.#waiting.delete(name)
    this.#writing.set(name, unwritten)
    await this.#write(unwritten)
    this.#writing.delete(name)
    this.#free(unwritten)
  }

  #free({ body }: Unwritten): void {
    this.#bytes -= body.length + OVERHEAD
    this.#isStuck = false
    this.#callIn()
  }

  /** As many of those who wait for room as there is room for. */
  #callIn(): void {
    if (this.#outside.size === 0) return
    for (const [onRoom, bytes] of this.#outside.entries()) {
      if (!this.#fits(bytes)) return
      this.#outside.delete(onRoom)
      this.#called.set(onRoom, bytes)
      this.#promised += bytes
      onRoom()
    }
  }

  #find({ key, variant, body }: StoredResponse): Unwritten | undefined {
    const name = entryKey(key, variant)
    for (const found of [this.#waiting.get(name), this.#writing.get(name)]) {
      if (found?.record.body.sha256 === body.sha256) return found
    }
    return undefined
  }
}
