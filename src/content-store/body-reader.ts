/**
 * Reads a stored body in chunks of 64 KiB, each checked before it is handed on, and at most one ahead of the consumer.
 * cacache's `get.stream` cannot do this: it reads up to 64 MiB at a time and hands bytes out before they are verified.
 *
 * Chunks that the system has in memory are read when they are asked for, by synchronous calls in slices of time; those
 * that the disk has to fetch go through the thread pool, one ahead.
 *
 * `open` looks at the length and reads the first chunk, so that a missing, short or damaged file is known before
 * anything was announced. The open descriptor outlives the file's name: eviction cannot hurt a reader.
 */
import { close, fstat, fstatSync, read, readSync, type Stats } from 'node:fs'
import { promisify } from 'node:util'
import { crc32 } from 'node:zlib'
import { ContentError } from '../errors.ts'
import { closeNow, type Descriptors } from './descriptors.ts'
import { openInPool, openNow } from './opening.ts'
import { Patience } from './patience.ts'
import { CHUNK_SIZE, listOfChecksums, type StoredBody } from '../stored-response.ts'

/** A call that takes longer, in milliseconds, is slow: a chunk from memory takes a twentieth of it. */
const SLOW_MS = 0.5

/** Bytes of the largest body whose file is closed at once: when its name is gone, that frees what the system holds of it. */
const MOST_CLOSED_AT_ONCE = 16 * CHUNK_SIZE

/** What all readers of a store share. */
export class Reading {
  readonly descriptors: Descriptors
  readonly patience: Patience

  constructor(descriptors: Descriptors, slowMs: number = SLOW_MS) {
    this.descriptors = descriptors
    this.patience = new Patience(slowMs)
  }
}

export class BodyReader {
  readonly #path: string
  readonly #body: StoredBody
  readonly #checksums: readonly number[]
  readonly #reading: Reading
  #descriptor: number
  /** The chunk after the one that was handed on, or on its way. */
  #next: Promise<Buffer | undefined> | undefined
  #position: number
  readonly #start: number
  readonly #end: number
  #isReading = false
  #closing = false

  private constructor(
    path: string,
    body: StoredBody,
    reading: Reading,
    descriptor: number,
    start: number,
    end: number,
  ) {
    this.#path = path
    this.#body = body
    this.#checksums = listOfChecksums(body)
    this.#reading = reading
    this.#descriptor = descriptor
    this.#start = start
    this.#end = end
    // Chunks are checked whole, so reading begins where the first one does.
    this.#position = start - (start % CHUNK_SIZE)
  }

  /**
   * For the bytes from `start` to before `end`; by default all of them.
   * @throws {ContentError} when the file is missing, no regular file, of another length, or its first chunk is damaged;
   *   also when there was no descriptor for it within the time allowed
   */
  static async open(
    path: string,
    body: StoredBody,
    reading: Reading,
    start = 0,
    end: number = body.size,
  ): Promise<BodyReader> {
    const openFile = (): Promise<number> =>
      reading.patience.call(
        () => openNow(path),
        () => openInPool(path),
      )
    const descriptor = await reading.descriptors.hold(openFile).catch((error: unknown) => {
      throw new ContentError(`Stored body cannot be opened: ${path}`, error)
    })
    const reader = new BodyReader(path, body, reading, descriptor, start, end)
    try {
      await reader.#checkLength()
      const first = await reader.#readChunk()
      reader.#next = Promise.resolve(first)
      // A small body needs its file no more, however long the consumer takes.
      if (reader.#position >= end) reader.#release()
      return reader
    } catch (error) {
      reader.close()
      throw error
    }
  }

  /**
   * The next chunk, undefined at the end.
   * @throws {ContentError} when the chunk cannot be read or is not what was stored
   */
  async next(): Promise<Buffer | undefined> {
    const chunk = await (this.#next ?? this.#readChunk())
    this.#next = undefined
    if (this.#reading.patience.isOn) {
      // What follows is read while the consumer is busy with this one.
      this.#next = this.#readChunk()
      // Who asks for it hears of it.
      this.#next.catch(() => {})
    }
    return this.#closing ? undefined : chunk
  }

  /** Ends reading. A read that is under way ends first; its result is dropped. */
  close(): void {
    this.#closing = true
    this.#next = undefined
    if (!this.#isReading) this.#release()
  }

  #release(): void {
    if (this.#descriptor < 0) return
    const descriptor = this.#descriptor
    this.#descriptor = -1
    const { descriptors, patience } = this.#reading
    if (patience.isOn || this.#body.size > MOST_CLOSED_AT_ONCE) close(descriptor, () => descriptors.release())
    else {
      closeNow(descriptor)
      descriptors.release()
    }
  }

  async #readChunk(): Promise<Buffer | undefined> {
    const position = this.#position
    if (position >= this.#end || this.#closing) return undefined
    const length = Math.min(CHUNK_SIZE, this.#body.size - position)
    this.#isReading = true
    try {
      const chunk = await this.#read(length, position)
      if (crc32(chunk) !== this.#checksums[position / CHUNK_SIZE]) {
        throw new ContentError(`Stored body is damaged: ${this.#path}, at byte ${position}`)
      }
      this.#position += length
      return chunk.subarray(Math.max(0, this.#start - position), this.#end - position)
    } finally {
      this.#isReading = false
      if (this.#closing) this.close()
    }
  }

  async #checkLength(): Promise<void> {
    const descriptor = this.#descriptor
    let stats: Stats
    try {
      stats = await this.#reading.patience.call(
        () => fstatSync(descriptor),
        () => statPatiently(descriptor),
      )
    } catch (error) {
      throw new ContentError(`Stored body cannot be read: ${this.#path}`, error)
    }
    if (!stats.isFile()) throw new ContentError(`Stored body is no regular file: ${this.#path}`)
    if (stats.size === this.#body.size) return
    throw new ContentError(`Stored body has ${stats.size} bytes instead of ${this.#body.size}: ${this.#path}`)
  }

  /** `length` bytes from `position`: one read, more only where the system answers with fewer bytes. */
  async #read(length: number, position: number): Promise<Buffer> {
    const descriptor = this.#descriptor
    const chunk = Buffer.allocUnsafeSlow(length)
    for (let filled = 0; filled < length;) {
      const rest = [chunk, filled, length - filled, position + filled] as const
      let count: number
      try {
        count = await this.#reading.patience.call(
          () => readSync(descriptor, ...rest),
          () => readPatiently(descriptor, ...rest),
        )
      } catch (error) {
        throw new ContentError(`Stored body cannot be read: ${this.#path}`, error)
      }
      if (count === 0) throw new ContentError(`Stored body is short: ${this.#path} ends at byte ${position + filled}`)
      filled += count
    }
    return chunk
  }
}

const statPatiently = promisify<number, Stats>(fstat)

function readPatiently(
  descriptor: number,
  chunk: Buffer,
  offset: number,
  length: number,
  position: number,
): Promise<number> {
  return new Promise((resolve, reject) => {
    read(descriptor, chunk, offset, length, position, (error, count) => {
      if (error === null) resolve(count)
      else reject(error)
    })
  })
}
