/**
 * One response on its way into the store: the record so far, and the body as it passes. A small one stays in memory, a
 * larger one is written to a file from the byte on that is too many. It ends exactly once, by `commit` or by `abort`;
 * after that, chunks are taken and dropped.
 *
 * What it has taken can be read by those who hold it, while the body arrives and after the end, whichever it was.
 */
import type { BodyWriter } from '../content-store/body-writer.ts'
import { Tail } from '../content-store/tail.ts'
import type { WaitingBytes } from '../content-store/writing.ts'
import type { StoredHead } from '../policy/storing.ts'
import { SMALL_BODY } from './memory-tier.ts'
import type { WriteBehind } from './write-behind.ts'

/** What became of a store that was given up, beside the policy's refusals. */
export type AbortReason =
  | 'too-large' // over maxBodySize
  | 'aborted' // the caller left
  | 'incomplete' // the origin broke off, or sent another length than it had announced
  | 'slow-disk' // over maxStoreDelay
  | 'invalidated' // an unsafe request or a deletion came between
  | 'superseded' // a response to a later request is stored already
  | 'not-admitted' // asked for less often than what it would push out, or more than the leader can clear away for
  | 'large-headers' // over maxHeaderSize
  | 'queue-full' // too much waits to be written, or for a file (maxQueueSize)
  | 'closed' // the manager closed

/** Does what the outcome asks for. Resolves with whether the response is stored; never rejects. */
type EndListener = (store: PendingStore, outcome: 'commit' | AbortReason) => Promise<boolean>

export interface PendingOptions {
  readonly head: StoredHead
  /** Bytes that the body must have, where that is known. */
  readonly declaredSize: number | undefined
  readonly maxBodySize: number
  readonly createWriter: () => BodyWriter
  /** Where the bytes that wait in memory are counted. */
  readonly waitingBytes: WaitingBytes
  /** Where it will wait for the disk if it is small. */
  readonly queue: Pick<WriteBehind, 'mayCome' | 'leave'>
  readonly onEnd: EndListener
}

export class PendingStore {
  readonly head: StoredHead
  readonly #options: PendingOptions
  /** The body as long as it is small. */
  #small = new Tail()
  #holders = 0
  #writer: BodyWriter | undefined
  #onDrain: (() => void) | undefined
  readonly #onRoom = (): void => this.#onDrain?.()
  #open = true

  constructor(options: PendingOptions) {
    this.head = options.head
    this.#options = options
    if (options.declaredSize !== undefined && options.declaredSize > SMALL_BODY) this.#createWriter()
  }

  /** False once the store has been committed or given up. */
  get isOpen(): boolean {
    return this.#open
  }

  /** Where the body is written to, if it is not small. */
  get writer(): BodyWriter | undefined {
    return this.#writer
  }

  /** A small body, of which all chunks have been given. */
  smallBody(): Buffer {
    // A copy: chunks from the network are pieces of larger buffers.
    const body = Buffer.allocUnsafeSlow(this.#small.size)
    this.#small.from(0, SMALL_BODY).copy(body)
    return body
  }

  /** Bytes of the body taken so far. */
  get size(): number {
    return this.#writer?.size ?? this.#small.size
  }

  /** Bytes of it that are in memory. */
  get memory(): number {
    return this.#writer?.memory ?? this.#small.size
  }

  /** Milliseconds for which the disk has stopped everything while it took this body. */
  get blockedMs(): number {
    return this.#writer?.blockedMs ?? 0
  }

  /** Keeps what was taken readable until `release`. Only while it is open. */
  hold(): void {
    this.#holders++
    this.#writer?.hold()
  }

  release(): void {
    this.#holders--
    this.#writer?.release()
  }

  /** Bytes from `position` (less than `size`) on, as many as come at once: from memory, or from the disk and checked. */
  readAt(position: number): Buffer | Promise<Buffer> {
    return this.#writer?.readAt(position) ?? this.#small.from(position, SMALL_BODY)
  }

  /** Takes a chunk of the body. False when the disk is behind: `onDrain` tells when it has caught up. */
  write(chunk: Buffer): boolean {
    if (!this.#open) return true
    if (this.size + chunk.length > this.#options.maxBodySize) {
      this.abort('too-large')
      return true
    }
    if (this.#writer?.mayTake(chunk.length) === false || !this.#mayKeep(chunk.length)) {
      this.abort('queue-full')
      return true
    }
    if (this.#writer !== undefined) return this.#writer.write(chunk)
    this.#small.push(chunk)
    this.#options.waitingBytes.count(chunk.length)
    return this.#small.size <= SMALL_BODY ? this.#options.queue.mayCome(this.#small.size, this.#onRoom) : this.#spill()
  }

  #mayKeep(bytes: number): boolean {
    return this.#writer !== undefined || this.#options.waitingBytes.allow(bytes)
  }

  #spill(): boolean {
    // Room that was kept for it among the small ones is for others.
    this.#options.queue.leave(this.#onRoom)
    this.#options.waitingBytes.count(-this.#small.size)
    const writer = this.#createWriter()
    for (let i = 0; i < this.#holders; i++) writer.hold()
    const mayGoOn = this.#small.chunks.map((chunk) => writer.write(chunk))
    this.#small = new Tail()
    return mayGoOn.every((each) => each)
  }

  #createWriter(): BodyWriter {
    const writer = this.#options.createWriter()
    this.#writer = writer
    writer.onDrain = this.#onDrain
    // Said at once and not when the body ends, which it may never do.
    writer.onFailure = () => void this.#end('commit')
    return writer
  }

  set onDrain(listener: (() => void) | undefined) {
    this.#onDrain = listener
    if (this.#writer !== undefined) this.#writer.onDrain = listener
  }

  /** The body is whole. Resolves with whether the response is stored; never rejects. */
  async commit(): Promise<boolean> {
    return await this.#end('commit')
  }

  /** The body will not be whole, or not be kept. */
  abort(reason: AbortReason): void {
    void this.#end(reason)
  }

  async #end(outcome: 'commit' | AbortReason): Promise<boolean> {
    if (!this.#open) return false
    this.#open = false
    this.#options.waitingBytes.count(-this.#small.size)
    if (this.#options.queue.leave(this.#onRoom)) this.#onRoom()
    return await this.#options.onEnd(this, outcome)
  }
}
