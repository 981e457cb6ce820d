/**
 * Reads of one file's chunks for many readers: who wants a chunk that is just being read shares it, and only a few are
 * read at a time, so that memory does not grow with the number of readers.
 */
import { CHUNK_SIZE } from '../stored-response.ts'

/** Chunks that are read at a time. */
const MAX_READS = 4

export class ChunkReads {
  readonly #reads = new Map<number, Promise<Buffer>>()
  readonly #waiting: (() => void)[] = []
  #running = 0

  /** Bytes of the chunks that are being read. */
  get memory(): number {
    return this.#running * CHUNK_SIZE
  }

  /** The chunk of this index, by `load` unless somebody is loading it already. Rejects as `load` does. */
  read(index: number, load: () => Promise<Buffer>): Promise<Buffer> {
    const under = this.#reads.get(index)
    if (under !== undefined) return under
    const read = this.#run(load).finally(() => this.#reads.delete(index))
    this.#reads.set(index, read)
    return read
  }

  async #run(load: () => Promise<Buffer>): Promise<Buffer> {
    if (this.#running < MAX_READS) this.#running++
    // The one that ends hands its turn over.
    else await new Promise<void>((resolve) => void this.#waiting.push(resolve))
    try {
      return await load()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#running--
      else next()
    }
  }
}
