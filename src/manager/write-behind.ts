/**
 * Small responses on their way to the disk: they answer from memory at once, and are written when there is time, or when
 * they have waited for `flushInterval`. What is evicted or replaced before its turn never touches the disk.
 *
 * Bounded in bytes: what comes when the queue is full is not stored.
 */
import { crc32 } from 'node:zlib'
import { entryKey, type StoredBody, type StoredResponse } from '../stored-response.ts'
import type { ResolvedManagerOptions } from './options.ts'

export interface Unwritten {
  readonly record: StoredResponse
  readonly body: Buffer
  /** The disk may have something under this name already. */
  readonly isOverDisk: boolean
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
  readonly #waiting = new Map<string, Unwritten>()
  readonly #writing = new Map<string, Unwritten>()
  /** Bodies that were dropped, for whoever is about to be given one: as long as anybody has its record. */
  readonly #dropped = new WeakMap<StoredBody, Buffer>()
  #bytes = 0
  #timer: NodeJS.Timeout | undefined
  #flush: Promise<void> | undefined

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
    return this.#bytes + bodySize + OVERHEAD <= this.#maxBytes
  }

  add(unwritten: Unwritten): void {
    const { record, body } = unwritten
    this.#waiting.set(entryKey(record.key, record.variant), unwritten)
    this.#bytes += body.length + OVERHEAD
    if (this.#bytes > this.#maxBytes / 2) void this.flush()
    else this.#timer ??= setTimeout(() => void this.flush(), this.#flushInterval).unref()
  }

  /** The body of a response that is not on disk yet. Undefined when there is none, or somebody has written in it. */
  bodyOf(record: StoredResponse): Buffer | undefined {
    const body = this.#find(record)?.body ?? this.#dropped.get(record.body)
    return body !== undefined && isIntact({ record, body }) ? body : undefined
  }

  /** Whether this response is not, or not wholly, on disk. */
  has(record: StoredResponse): boolean {
    return this.#find(record) !== undefined
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
    this.#bytes -= found.body.length + OVERHEAD
    return !found.isOverDisk
  }

  /** Writes all that waits. Resolves when it is written. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#flush ??= Promise.all(Array.from({ length: WRITERS }, () => this.#run())).then(() => {
      this.#flush = undefined
    })
    await this.#flush
    if (this.#waiting.size > 0) await this.flush()
  }

  async #run(): Promise<void> {
    for (const [name, unwritten] of this.#waiting) {
      // One of this name is being written: this one comes after it.
      if (this.#writing.has(name)) continue
      this.#waiting.delete(name)
      this.#writing.set(name, unwritten)
      await this.#write(unwritten)
      this.#writing.delete(name)
      this.#bytes -= unwritten.body.length + OVERHEAD
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

/** The body is what was stored: consumers were given it. */
export function isIntact({ record, body }: Pick<Unwritten, 'record' | 'body'>): boolean {
  return body.length === record.body.size && (body.length === 0 || crc32(body) === record.body.checksums[0])
}
