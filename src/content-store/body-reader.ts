/**
 * Reads a stored body in chunks of 64 KiB, each checked before it is handed on, and at most one ahead of the consumer.
 * cacache's `get.stream` cannot do this: it reads up to 64 MiB at a time and hands bytes out before they are verified.
 *
 * `open` looks at the length and reads the first chunk, so that a missing, short or damaged file is known before
 * anything was announced. The open descriptor outlives the file's name: eviction cannot hurt a reader.
 */
import { close, constants, fstat, open, read } from 'node:fs'
import { crc32 } from 'node:zlib'
import { ContentError } from '../errors.ts'
import type { Descriptors } from './descriptors.ts'
import { NO_FOLLOW } from './layout.ts'
import { CHUNK_SIZE, type StoredBody } from '../stored-response.ts'

/** A planted symbolic link is not followed (where the system knows the flag). */
const FLAGS = constants.O_RDONLY | NO_FOLLOW

export class BodyReader {
  readonly #path: string
  readonly #body: StoredBody
  readonly #descriptors: Descriptors
  #descriptor: number
  /** The chunk after the one that was handed on, or on its way. */
  #next: Promise<Buffer | undefined> | undefined
  #position: number
  readonly #start: number
  readonly #end: number
  #reading = false
  #closing = false

  private constructor(
    path: string,
    body: StoredBody,
    descriptors: Descriptors,
    descriptor: number,
    start: number,
    end: number,
  ) {
    this.#path = path
    this.#body = body
    this.#descriptors = descriptors
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
    descriptors: Descriptors,
    start = 0,
    end: number = body.size,
  ): Promise<BodyReader> {
    const descriptor = await descriptors
      .hold(() => openFile(path))
      .catch((error: unknown) => {
        throw error instanceof ContentError ? error : new ContentError(`Stored body cannot be opened: ${path}`, error)
      })
    const reader = new BodyReader(path, body, descriptors, descriptor, start, end)
    try {
      await checkLength(reader.#descriptor, body.size, path)
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
    // What follows is read while the consumer is busy with this one.
    this.#next = this.#readChunk()
    // Who asks for it hears of it.
    this.#next.catch(() => {})
    return this.#closing ? undefined : chunk
  }

  /** Ends reading. A read that is under way ends first; its result is dropped. */
  close(): void {
    this.#closing = true
    this.#next = undefined
    if (!this.#reading) this.#release()
  }

  #release(): void {
    if (this.#descriptor < 0) return
    const descriptor = this.#descriptor
    this.#descriptor = -1
    close(descriptor, () => this.#descriptors.release())
  }

  async #readChunk(): Promise<Buffer | undefined> {
    const position = this.#position
    if (position >= this.#end || this.#closing) return undefined
    const length = Math.min(CHUNK_SIZE, this.#body.size - position)
    this.#reading = true
    try {
      const chunk = await readFully(this.#descriptor, length, position, this.#path)
      if (crc32(chunk) !== this.#body.checksums[position / CHUNK_SIZE]) {
        throw new ContentError(`Stored body is damaged: ${this.#path}, at byte ${position}`)
      }
      this.#position += length
      return chunk.subarray(Math.max(0, this.#start - position), this.#end - position)
    } finally {
      this.#reading = false
      if (this.#closing) this.close()
    }
  }
}

function openFile(path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    open(path, FLAGS, (error, descriptor) => {
      if (error) reject(new ContentError(`Stored body cannot be opened: ${path}`, error))
      else resolve(descriptor)
    })
  })
}

function checkLength(descriptor: number, size: number, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    fstat(descriptor, (error, stats) => {
      if (error) reject(new ContentError(`Stored body cannot be read: ${path}`, error))
      else if (!stats.isFile()) reject(new ContentError(`Stored body is no regular file: ${path}`))
      else if (stats.size !== size) {
        reject(new ContentError(`Stored body has ${stats.size} bytes instead of ${size}: ${path}`))
      } else resolve()
    })
  })
}

/** `length` bytes from `position`: one read, more only where the system answers with fewer bytes. */
async function readFully(descriptor: number, length: number, position: number, path: string): Promise<Buffer> {
  const chunk = Buffer.allocUnsafeSlow(length)
  for (let filled = 0; filled < length;) {
    const count = await readOnce(descriptor, chunk, filled, position + filled, path)
    if (count === 0) throw new ContentError(`Stored body is short: ${path} ends at byte ${position + filled}`)
    filled += count
  }
  return chunk
}

function readOnce(descriptor: number, into: Buffer, offset: number, position: number, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    read(descriptor, into, offset, into.length - offset, position, (error, count) => {
      if (error) reject(new ContentError(`Stored body cannot be read: ${path}`, error))
      else resolve(count)
    })
  })
}
