/** The end of a body that is arriving: the bytes that cannot be read from its file yet, as they came. */
export class Tail {
  #chunks: Buffer[] = []
  #start: number
  #end: number

  /** Empty, at this position in the body. */
  constructor(position = 0) {
    this.#start = position
    this.#end = position
  }

  /** Position in the body of the first byte held. */
  get start(): number {
    return this.#start
  }

  /** Position after the last byte. */
  get end(): number {
    return this.#end
  }

  /** Bytes held. */
  get size(): number {
    return this.#end - this.#start
  }

  get chunks(): readonly Buffer[] {
    return this.#chunks
  }

  push(chunk: Buffer): void {
    if (chunk.length === 0) return
    this.#chunks.push(chunk)
    this.#end += chunk.length
  }

  /** Lets go of the chunks that lie before `position` as a whole. */
  dropBefore(position: number): void {
    let count = 0
    for (const { length } of this.#chunks) {
      if (this.#start + length > position) break
      this.#start += length
      count++
    }
    if (count > 0) this.#chunks.splice(0, count)
  }

  /** Bytes from `position`, which must be one that is held: at most `limit`, in one piece. */
  from(position: number, limit: number): Buffer {
    // Who reads here is mostly near the end.
    let index = this.#chunks.length
    let start = this.#end
    while (start > position) start -= this.#chunks[--index]?.length ?? Infinity
    const found: Buffer[] = []
    for (let at = start; at < position + limit && index < this.#chunks.length; index++) {
      const chunk = this.#chunks[index] as Buffer
      found.push(chunk.subarray(Math.max(0, position - at), position + limit - at))
      at += chunk.length
    }
    return found.length === 1 ? (found[0] as Buffer) : Buffer.concat(found)
  }
}
