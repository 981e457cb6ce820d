/**
 * The store's branch of a response that passes: chunks go to the writer as well, and when the disk is behind, the
 * network is held, but for `maxStoreDelay` in all; then storing is given up and the response goes on alone.
 */
import type { PendingStore } from '../manager/pending-store.ts'
import type { NetworkSource } from './network-source.ts'

export class BodyTee {
  readonly #pending: PendingStore
  readonly #source: NetworkSource
  #delayLeft: number
  #timer: NodeJS.Timeout | undefined

  constructor(pending: PendingStore, source: NetworkSource, maxStoreDelay: number) {
    this.#pending = pending
    this.#source = source
    this.#delayLeft = maxStoreDelay
  }

  /** False once storing was given up. */
  get isOpen(): boolean {
    return this.#pending.isOpen
  }

  write(chunk: Buffer): void {
    if (!this.#pending.write(chunk) && this.#timer === undefined) this.#hold()
  }

  /** Every byte has come. */
  commit(): void {
    this.#release()
    void this.#pending.commit()
  }

  abort(reason: 'aborted' | 'incomplete'): void {
    this.#release()
    this.#pending.abort(reason)
  }

  #hold(): void {
    const heldAt = performance.now()
    this.#source.holdForDisk()
    this.#timer = setTimeout(() => this.#pending.abort('slow-disk'), this.#delayLeft)
    this.#pending.onDrain = () => {
      this.#delayLeft = Math.max(0, this.#delayLeft - (performance.now() - heldAt))
      this.#release()
    }
  }

  #release(): void {
    if (this.#timer === undefined) return
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#pending.onDrain = undefined
    this.#source.releaseFromDisk()
  }
}
