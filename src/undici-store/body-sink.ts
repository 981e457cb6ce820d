/**
 * The stream that undici writes a body to. Back-pressure is the disk's, for `maxStoreDelay` in all: then the store is
 * given up, and what else is written is let go. It fails with no error of its own: what is not kept is a later miss.
 */
import { Writable } from 'node:stream'
import { DelayBudget } from '../interceptor/delay-budget.ts'
import type { PendingStore } from '../manager/pending-store.ts'
import { CHUNK_SIZE } from '../stored-response.ts'

export interface SinkOptions {
  readonly pending: PendingStore
  /** Bytes that the body must have, where that is known. */
  readonly declaredSize: number | undefined
  /** Milliseconds for which the disk may hold up the writer, in all. */
  readonly maxStoreDelay: number
  /** Called once, when the body is stored, or will not be. */
  readonly onSettled: (isKept: boolean) => void
}

export class BodySink extends Writable {
  /** When it is known whether the body is kept. */
  readonly settled: Promise<void>
  readonly #resolveSettled: () => void
  readonly #pending: PendingStore
  readonly #declaredSize: number | undefined
  readonly #budget: DelayBudget
  readonly #onSettled: (isKept: boolean) => void

  constructor({ pending, declaredSize, maxStoreDelay, onSettled }: SinkOptions) {
    super({ highWaterMark: CHUNK_SIZE })
    this.#pending = pending
    this.#declaredSize = declaredSize
    this.#budget = new DelayBudget(maxStoreDelay)
    this.#onSettled = onSettled
    const { promise, resolve } = Promise.withResolvers<void>()
    this.settled = promise
    this.#resolveSettled = resolve
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    // A copy: the chunk goes to the caller as well, who may write in it before the disk has it.
    const mayGoOn = this.#pending.write(Buffer.from(chunk))
    if (!this.#budget.charge(this.#pending.blockedMs)) this.#pending.abort('slow-disk')
    if (mayGoOn || !this.#pending.isOpen) return this.#goOn(callback)
    this.#pending.onDrain = () => {
      this.#pending.onDrain = undefined
      this.#budget.stop()
      this.#goOn(callback)
    }
    this.#budget.start(() => {
      this.#pending.onDrain = undefined
      this.#pending.abort('slow-disk')
      this.#goOn(callback)
    })
  }

  override _final(callback: () => void): void {
    const isWhole = this.#declaredSize === undefined || this.#declaredSize === this.#pending.size
    if (isWhole) void this.#pending.commit().then((isKept) => this.#settle(isKept, callback))
    else {
      this.#pending.abort('incomplete')
      this.#settle(false, callback)
    }
  }

  /**
   * Also when the origin breaks off. Its error is no fault of the store's, and is not told as one: undici would delete
   * what was stored before.
   */
  override _destroy(_error: Error | null, callback: (error?: Error | null) => void): void {
    this.#budget.stop()
    this.#pending.onDrain = undefined
    if (this.#pending.isOpen) this.#pending.abort('aborted')
    this.#settle(false, () => callback(null))
  }

  #goOn(callback: () => void): void {
    // As undici's own stores do with what is too large: whoever writes hears that it is closed.
    if (!this.#pending.isOpen) this.destroy()
    callback()
  }

  #isSettled = false

  #settle(isKept: boolean, callback: () => void): void {
    if (!this.#isSettled) {
      this.#isSettled = true
      this.#onSettled(isKept)
      this.#resolveSettled()
    }
    callback()
  }
}
