/**
 * The store's branch of a response that passes: chunks go to the writer as well, and when the disk is behind, the
 * network is held, but for `maxStoreDelay` in all; then storing is given up and the response goes on alone.
 */
import type { PendingStore } from '../manager/pending-store.ts'
import { DelayBudget } from './delay-budget.ts'
import type { NetworkSource } from './network-source.ts'

export class BodyTee {
  readonly pending: PendingStore
  readonly #source: NetworkSource
  readonly #budget: DelayBudget

  constructor(pending: PendingStore, source: NetworkSource, maxStoreDelay: number) {
    this.pending = pending
    this.#source = source
    this.#budget = new DelayBudget(maxStoreDelay)
  }

  /** False once storing was given up. */
  get isOpen(): boolean {
    return this.pending.isOpen
  }

  write(chunk: Buffer): void {
    if (!this.isOpen) return
    const mayGoOn = this.pending.write(chunk)
    if (!this.#budget.charge(this.pending.blockedMs)) this.#giveUp()
    else if (!mayGoOn && !this.#budget.isRunning) this.#hold()
  }

  /** Every byte has come. */
  commit(): void {
    this.#release()
    void this.pending.commit()
  }

  abort(reason: 'aborted' | 'incomplete'): void {
    this.#release()
    this.pending.abort(reason)
  }

  #hold(): void {
    this.#source.holdForDisk()
    this.pending.onDrain = () => this.#release()
    this.#budget.start(() => this.#giveUp())
  }

  #giveUp(): void {
    this.pending.abort('slow-disk')
    // What the disk is at may take it for ever.
    this.#release()
  }

  #release(): void {
    this.#budget.stop()
    this.pending.onDrain = undefined
    this.#source.releaseFromDisk()
  }
}
