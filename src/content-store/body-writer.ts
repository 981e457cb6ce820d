/**
 * Writes one body as it passes: into a temporary file, hashed and summed on the way, renamed by name of its digest when
 * it is whole. cacache's `put.stream` cannot do this: it leaks a descriptor and a temporary file at every abort,
 * refuses empty bodies, and does not replace content that is damaged.
 *
 * A writer never throws and never makes anybody wait: `write` says when the disk is behind, and the caller decides. As long
 * as the disk is quick (patience.ts), what is given is written at once: to hand it to the thread pool takes longer, and
 * what waits there is kept through collections of garbage, each of which it makes slower.
 *
 * What it was given can be read while it writes and as long as somebody holds it, whatever becomes of the body: by its own
 * descriptor, which outlives the file's name, and from memory what no whole chunk of the file has yet.
 */
import { createHash } from 'node:crypto'
import { writeSync } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import { ContentError } from '../errors.ts'
import { CHUNK_SIZE, compactChecksums, type StoredBody } from '../stored-response.ts'
import { ChunkReads } from './chunk-reads.ts'
import { discard } from './discarded.ts'
import { withFolder } from './files.ts'
import { FILE_MODE } from './layout.ts'
import { Tail } from './tail.ts'
import { MOST_AT_ONCE, type Writing } from './writing.ts'

/** Bytes that may wait for the disk before `write` asks for a pause. */
export const WRITE_QUEUE_BYTES = 524_288

export class BodyWriter {
  readonly path: string
  readonly #writing: Writing
  /** What went wrong, if anything did: the body will not be stored. */
  failure: unknown
  /** Milliseconds for which slow writes have stopped everything. */
  blockedMs = 0
  /** Called when the queue is empty again after `write` returned false, and when the writer gave up. */
  onDrain: (() => void) | undefined
  /** Called once when something goes wrong before the body is whole. */
  onFailure: (() => void) | undefined
  readonly #hash = createHash('sha256')
  readonly #checksums: number[] = []
  #checksum = 0
  #inChunk = 0
  readonly #tail = new Tail()
  readonly #reads = new ChunkReads()
  #queue: Buffer[] = []
  #queued = 0
  #written = 0
  #file: FileHandle | undefined
  #draining: Promise<void> | undefined
  #ended = false
  /** Bytes counted as waiting for a file now. */
  #waiting = 0
  #holders = 0
  /** To be closed when nobody holds it any more. */
  #closing = false

  constructor(path: string, writing: Writing) {
    this.path = path
    this.#writing = writing
  }

  /** Whether a chunk of so many bytes may wait in memory, if it has to. */
  mayTake(bytes: number): boolean {
    return this.#file !== undefined || this.#writing.waitingBytes.allow(bytes)
  }

  /** Bytes taken so far. */
  get size(): number {
    return this.#tail.end
  }

  /** Bytes in memory: those on their way to the disk, and those being read from there. */
  get memory(): number {
    return this.#tail.size + this.#reads.memory
  }

  /** Takes a chunk. False when more than `WRITE_QUEUE_BYTES` wait for the disk: `onDrain` tells when to go on. */
  write(chunk: Buffer): boolean {
    if (this.#ended || this.failure !== undefined) return true
    this.#sum(chunk)
    this.#tail.push(chunk)
    const written = this.#writeNow(chunk)
    if (written === chunk.length || this.failure !== undefined) return true
    this.#queue.push(written === 0 ? chunk : chunk.subarray(written))
    this.#queued += chunk.length - written
    if (this.#file === undefined) this.#wait(chunk.length)
    this.#draining ??= this.#drain()
    return this.#queued < WRITE_QUEUE_BYTES
  }

  /** All chunks were given: resolves with the body once every byte is in the temporary file, or undefined. */
  async finish(): Promise<StoredBody | undefined> {
    this.#ended = true
    this.#draining ??= this.#drain()
    await this.#draining
    await this.#close()
    if (this.failure !== undefined) {
      await discard(this.path)
      return undefined
    }
    if (this.#inChunk > 0) this.#checksums.push(this.#checksum)
    return { size: this.size, sha256: this.#hash.digest('hex'), checksums: compactChecksums(this.#checksums) }
  }

  /** Gives the body up: descriptor closed and temporary file gone when this resolves. */
  async abort(reason: unknown): Promise<void> {
    this.#ended = true
    this.failure ??= reason
    this.#queue = []
    this.#wait(-this.#waiting)
    await this.#draining
    await this.#close()
    await discard(this.path)
  }

  /** Keeps what was taken readable until `release`, also when the body is finished or given up. */
  hold(): void {
    this.#holders++
  }

  release(): void {
    this.#holders--
    if (this.#holders === 0 && this.#closing) void this.#close()
  }

  /**
   * The bytes taken from `position` on, which must be less than `size`: from memory as many as there are, up to a chunk;
   * from the file those up to the end of their chunk, checked. To be called by holders only.
   *
   * Rejects with `ContentError` when the file cannot be read or does not have what was written to it.
   */
  readAt(position: number): Buffer | Promise<Buffer> {
    if (position >= this.#tail.start) return this.#tail.from(position, CHUNK_SIZE)
    const index = Math.floor(position / CHUNK_SIZE)
    return this.#reads
      .read(index, () => this.#readChunk(index))
      .then((chunk) => chunk.subarray(position - index * CHUNK_SIZE))
  }

  async #readChunk(index: number): Promise<Buffer> {
    const chunk = Buffer.allocUnsafeSlow(CHUNK_SIZE)
    const start = index * CHUNK_SIZE
    try {
      for (let filled = 0; filled < CHUNK_SIZE;) {
        const { bytesRead = 0 } = (await this.#file?.read(chunk, filled, CHUNK_SIZE - filled, start + filled)) ?? {}
        if (bytesRead === 0) throw new Error('It ends before that')
        filled += bytesRead
      }
    } catch (error) {
      throw new ContentError(`Body being written cannot be read at byte ${start}: ${this.path}`, error)
    }
    if (crc32(chunk) === this.#checksums[index]) return chunk
    throw new ContentError(`Body being written is damaged: ${this.path}, at byte ${start}`)
  }

  /** crc32 of each `CHUNK_SIZE` bytes, whatever pieces they come in. */
  #sum(chunk: Buffer): void {
    this.#hash.update(chunk)
    for (let start = 0; start < chunk.length;) {
      const end = Math.min(chunk.length, start + CHUNK_SIZE - this.#inChunk)
      this.#checksum = crc32(chunk.subarray(start, end), this.#checksum)
      this.#inChunk += end - start
      start = end
      if (this.#inChunk === CHUNK_SIZE) {
        this.#checksums.push(this.#checksum)
        this.#checksum = 0
        this.#inChunk = 0
      }
    }
  }

  #wait(bytes: number): void {
    this.#waiting += bytes
    this.#writing.waitingBytes.count(bytes)
  }

  /** Returns how many bytes the system has taken at once. */
  #writeNow(chunk: Buffer): number {
    const { patience } = this.#writing
    const file = this.#file
    if (file === undefined || this.#draining !== undefined || chunk.length > MOST_AT_ONCE) return 0
    if (patience.isCalledFor()) return 0
    const before = patience.blockedMs
    try {
      const count = patience.quickly(() => writeSync(file.fd, chunk))
      this.#noteWritten(count)
      return count
    } catch (error) {
      this.#fail(error)
      return 0
    } finally {
      this.blockedMs += patience.blockedMs - before
    }
  }

  async #drain(): Promise<void> {
    try {
      this.#file ??= await this.#writing.descriptors.hold(() =>
        withFolder(this.path, () => open(this.path, 'wx+', FILE_MODE)),
      )
      // From here on a queue of its own is the limit.
      this.#wait(-this.#waiting)
      while (this.#queue.length > 0) {
        const chunks = this.#queue
        this.#queue = []
        await writeAll(this.#file, chunks)
        this.#noteWritten(chunks.reduce((sum, chunk) => sum + chunk.length, 0))
        this.#queued = this.#queue.reduce((sum, chunk) => sum + chunk.length, 0)
      }
    } catch (error) {
      this.#fail(error)
    }
    this.#draining = undefined
    this.onDrain?.()
  }

  #noteWritten(bytes: number): void {
    this.#written += bytes
    this.#tail.dropBefore(this.#written - (this.#written % CHUNK_SIZE))
  }

  #fail(error: unknown): void {
    this.failure ??= error
    this.#queue = []
    this.#wait(-this.#waiting)
    this.onFailure?.()
  }

  async #close(): Promise<void> {
    const file = this.#file
    this.#closing = this.#holders > 0
    if (file === undefined || this.#closing) return
    this.#file = undefined
    try {
      await file.close()
    } catch (error) {
      this.failure ??= error
    } finally {
      this.#writing.descriptors.release()
    }
  }
}

async function writeAll(file: FileHandle, chunks: Buffer[]): Promise<void> {
  let rest = chunks
  while (rest.length > 0) {
    const { bytesWritten } = await file.writev(rest)
    rest = without(rest, bytesWritten)
  }
}

/** The chunks that remain when the first `count` bytes are taken off: a write may be short. */
function without(chunks: Buffer[], count: number): Buffer[] {
  let taken = count
  for (const [i, chunk] of chunks.entries()) {
    if (taken < chunk.length) return [chunk.subarray(taken), ...chunks.slice(i + 1)]
    taken -= chunk.length
  }
  return []
}
