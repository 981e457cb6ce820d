/** Notes on disk, now and then, what this process has answered: for whoever looks at the directory later. */
import type { ContentStore } from '../content-store/content-store.ts'
import type { Statistics } from './statistics.ts'

export class History {
  readonly #store: ContentStore
  readonly #statistics: Statistics
  #since: number
  #noted = { hits: 0, misses: 0, bytesServed: 0, bytesFromNetwork: 0 }
  #writing: Promise<void> = Promise.resolve()

  /** `now` in milliseconds since the epoch. */
  constructor(store: ContentStore, statistics: Statistics, now: number) {
    this.#store = store
    this.#statistics = statistics
    this.#since = now
  }

  /** Notes what has come since the last time, if anything has. Never rejects. */
  async note(now: number, isLeader: boolean): Promise<void> {
    this.#writing = this.#writing.then(async () => {
      const { hits, misses, bytesServed, bytesFromNetwork } = this.#statistics.counts()
      const before = this.#noted
      const from = Math.min(this.#since, now)
      const stretch = {
        from,
        to: now,
        hits: hits - before.hits,
        misses: misses - before.misses,
        bytesServed: bytesServed - before.bytesServed,
        bytesFromNetwork: bytesFromNetwork - before.bytesFromNetwork,
      }
      this.#since = now
      if (stretch.hits + stretch.misses + stretch.bytesServed + stretch.bytesFromNetwork === 0) return
      this.#noted = { hits, misses, bytesServed, bytesFromNetwork }
      try {
        await this.#store.appendHistory(stretch, isLeader)
      } catch (error) {
        this.#statistics.fault('history', error)
      }
    })
    await this.#writing
  }
}
