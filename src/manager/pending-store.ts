/**
 * One response on its way into the store: the record so far, and the writer that takes the body as it passes.
 * It ends exactly once, by `commit` or by `abort`; after that, chunks are taken and dropped.
 */
import type { BodyWriter } from '../content-store/body-writer.ts'
import type { StoredHead } from '../policy/storing.ts'

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
  | 'closed' // the manager closed

/** Does what the outcome asks for. Resolves with whether the response is stored; never rejects. */
type EndListener = (store: PendingStore, outcome: 'commit' | AbortReason) => Promise<boolean>

export class PendingStore {
  readonly head: StoredHead
  readonly writer: BodyWriter
  readonly #maxBodySize: number
  readonly #onEnd: EndListener
  #open = true

  constructor(head: StoredHead, writer: BodyWriter, maxBodySize: number, onEnd: EndListener) {
    this.head = head
    this.writer = writer
    this.#maxBodySize = maxBodySize
    this.#onEnd = onEnd
    // Said at once and not when the body ends, which it may never do.
    writer.onFailure = () => void this.#end('commit')
  }

  /** False once the store has been committed or given up. */
  get isOpen(): boolean {
    return this.#open
  }

  /** Takes a chunk of the body. False when the disk is behind: `onDrain` tells when it has caught up. */
  write(chunk: Buffer): boolean {
    if (!this.#open) return true
    if (this.writer.size + chunk.length > this.#maxBodySize) {
      this.abort('too-large')
      return true
    }
    if (!this.writer.mayTake(chunk.length)) {
      this.abort('queue-full')
      return true
    }
    return this.writer.write(chunk)
  }

  set onDrain(listener: (() => void) | undefined) {
    this.writer.onDrain = listener
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
    return await this.#onEnd(this, outcome)
  }
}
