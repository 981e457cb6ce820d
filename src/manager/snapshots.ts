/**
 * When a snapshot is due, and what it may promise. One that is whole, which spares the next start the look into every
 * folder, is written only when nothing can lie on disk that the catalogue does not know: the two have been compared, no
 * write has failed since, nothing is being removed, and nobody else was there.
 */
import type { ContentStore } from '../content-store/content-store.ts'
import type { StoredBody } from '../stored-response.ts'
import type { Catalogue } from './catalogue.ts'
import { Deletions } from './deletions.ts'
import { Restoration } from './restoration.ts'
import type { Statistics } from './statistics.ts'

export class Snapshots {
  readonly deletions: Deletions = new Deletions()
  #isDirty = false
  #isExact = false
  #doubts = 0
  #restoration: Restoration | undefined
  #writing: Promise<boolean> = Promise.resolve(false)

  /** Where there is an old one to be taken in: it is the leader's. */
  constructor(hasOld: boolean) {
    if (hasOld) this.#restoration = new Restoration()
  }

  /** Until the old one has been taken in. */
  get restoration(): Restoration | undefined {
    return this.#restoration
  }

  /** Whether there is anything that only a new one would say. */
  get isDue(): boolean {
    return this.#isDirty || this.#restoration?.isDue === true
  }

  /** How often something may have been left on disk that the catalogue does not know. */
  get doubts(): number {
    return this.#doubts
  }

  noteChange(): void {
    this.#isDirty = true
  }

  noteDoubt(): void {
    this.#isExact = false
    this.#doubts++
  }

  /** The disk has been compared, bodies too, which began when there had been so many doubts. */
  noteComparison(doubts: number): void {
    this.#isExact = doubts === this.#doubts
  }

  /** The old one has been taken in, or there is none to be; or it is kept, and no other written. */
  endRestoration(outcome: 'over' | 'kept' = 'over'): void {
    if (this.#restoration?.isVoid === true) this.#isDirty = true
    this.#restoration?.end()
    if (outcome === 'over') this.#restoration = undefined
  }

  /**
   * Writes one if anything has changed since the last; resolves with whether it has. `lag`: what has happened on disk in so many milliseconds, the
   * catalogue may not know of; `unwritten`: of what it holds, bodies that the disk does not have.
   */
  async write(
    store: ContentStore,
    catalogue: Catalogue,
    statistics: Statistics,
    state: () => { isWhole: boolean; lag: number; unwritten: ReadonlySet<StoredBody> },
  ): Promise<boolean> {
    this.#writing = this.#writing.then(async () => {
      // Until the old one has been taken in, a new one would be poorer.
      if (!this.#isDirty || this.#restoration !== undefined) return false
      try {
        await store.writeSnapshot(() => {
          this.#isDirty = false
          const { isWhole, lag, unwritten } = state()
          return {
            ...catalogue.snapshot(unwritten),
            isWhole: isWhole && this.#isExact && this.deletions.size === 0,
            lag,
          }
        })
        return true
      } catch (error) {
        this.#isDirty = true
        statistics.fault('snapshot', error)
        return false
      }
    })
    return await this.#writing
  }
}
