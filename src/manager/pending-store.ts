/**
 * One response on its way into the store: the record so far, and the body as it passes. A small one stays in memory, a
 * larger one is written to a file from the byte on that is too many. It ends exactly once, by `commit` or by `abort`;
 * after that, chunks are taken and dropped.
 */
import type { BodyWriter, WaitingBytes } from '../content-store/body-writer.ts'
import type { StoredHead } from '../policy/storing.ts'
import { SMALL_BODY } from './memory-tier.ts'

/** What became of a store that was given up, beside the policy's refusals. */
export type AbortReason =
  | 'too-large' // over maxBodySize
  | 'large-headers' // over maxHeaderSize
  | 'queue-full' // over maxQueueSize
  | 'aborted' // the caller left
  | 'incomplete' // the origin broke off, or sent another length than it had announced
  | 'slow-disk' // over maxStoreDelay
  | 'invalidated' // an unsafe request or a deletion came between
  | 'superseded' // a response to a later request is stored already
  | 'not-admitted' // asked for less often than what it would push out, or more than the leader can clear away for
  | 'queue-full' // too much waits to be written already
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
  readonly onEnd: EndListener
}

export class PendingStore {
  readonly head: StoredHead
  readonly #options: PendingOptions
  #chunks: Buffer[] = []
  #size = 0
  #writer: BodyWriter | undefined
  #onDrain: (() => void) | undefined
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
    const body = Buffer.allocUnsafeSlow(this.#size)
    let filled = 0
    for (const chunk of this.#chunks) filled += chunk.copy(body, filled)
    return body
  }

  /** Takes a chunk of the body. False when the disk is behind: `onDrain` tells when it has caught up. */
  write(chunk: Buffer): boolean {
    if (!this.#open) return true
    this.#size += chunk.length
    if (this.#size > this.#options.maxBodySize) {
      this.abort('too-large')
      return true
    }
    const { waitingBytes } = this.#options
    const mayTake = this.#writer?.mayTake(chunk.length) ?? waitingBytes.allow(chunk.length)
    if (!mayTake) {
      this.abort('queue-full')
      return true
    }
    if (this.#writer !== undefined) return this.#writer.write(chunk)
    this.#chunks.push(chunk)
    waitingBytes.count(chunk.length)
    return this.#size <= SMALL_BODY || this.#spill()
  }

  #spill(): boolean {
    const chunks = this.#chunks
    this.#forgetChunks()
    const writer = this.#createWriter()
    const mayGoOn = chunks.map((chunk) => writer.write(chunk))
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

  #forgetChunks(): void {
    for (const { length } of this.#chunks) this.#options.waitingBytes.count(-length)
    this.#chunks = []
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
    // A small body is taken out at once, by `smallBody`.
    const ended = this.#options.onEnd(this, outcome)
    this.#forgetChunks()
    return await ended
  }
}
