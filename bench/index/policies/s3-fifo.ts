/**
 * S3-FIFO: a small queue that filters what is asked for once, a main queue with second chances, a ghost queue.
 *
 *   Yang, Zhang, Qiu, Yue, Rashmi: "FIFO Queues are All You Need for Cache Eviction" (2023)
 */
import { FifoQueue } from './fifo-queue.ts'
import type { Policy, PolicySource } from './policy.ts'

const SMALL_SHARE = 0.1
const MAX_FREQUENCY = 3

interface Entry {
  readonly size: number
  frequency: number
  isMain: boolean
}

export const s3Fifo: PolicySource = { name: 'S3-FIFO', create: (capacity) => new S3Fifo(capacity) }

class S3Fifo implements Policy {
  readonly #capacity: number
  readonly #entries = new Map<number, Entry>()
  readonly #small = new FifoQueue()
  readonly #main = new FifoQueue()
  /** Objects thrown out of the small queue, with sizes: as many bytes as main may hold. */
  readonly #ghosts = new Map<number, number>()
  #ghostSize = 0
  #smallSize = 0
  #mainSize = 0

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  held(): number {
    return this.#smallSize + this.#mainSize
  }

  request(object: number, size: number): boolean {
    const entry = this.#entries.get(object)
    if (entry !== undefined) {
      entry.frequency = Math.min(MAX_FREQUENCY, entry.frequency + 1)
      return true
    }
    if (size > this.#capacity) return false
    while (this.held() + size > this.#capacity) this.#evict()
    this.#insert(object, size, this.#takeGhost(object))
    return false
  }

  #insert(object: number, size: number, isMain: boolean): void {
    this.#entries.set(object, { size, frequency: 0, isMain })
    if (isMain) {
      this.#main.push(object)
      this.#mainSize += size
    } else {
      this.#small.push(object)
      this.#smallSize += size
    }
  }

  #evict(): void {
    if (this.#smallSize >= this.#capacity * SMALL_SHARE || this.#mainSize === 0) this.#evictSmall()
    else this.#evictMain()
  }

  #evictSmall(): void {
    for (let object = this.#small.shift(); object !== undefined; object = this.#small.shift()) {
      const entry = this.#entries.get(object) as Entry
      this.#smallSize -= entry.size
      if (entry.frequency > 1) {
        entry.frequency = 0
        entry.isMain = true
        this.#main.push(object)
        this.#mainSize += entry.size
        continue
      }
      this.#entries.delete(object)
      this.#addGhost(object, entry.size)
      return
    }
    this.#evictMain()
  }

  #evictMain(): void {
    for (let object = this.#main.shift(); object !== undefined; object = this.#main.shift()) {
      const entry = this.#entries.get(object) as Entry
      if (entry.frequency === 0) {
        this.#entries.delete(object)
        this.#mainSize -= entry.size
        return
      }
      entry.frequency--
      this.#main.push(object)
    }
  }

  #addGhost(object: number, size: number): void {
    this.#ghosts.set(object, size)
    this.#ghostSize += size
    for (const [oldest, freed] of this.#ghosts) {
      if (this.#ghostSize <= this.#capacity * (1 - SMALL_SHARE)) return
      this.#ghosts.delete(oldest)
      this.#ghostSize -= freed
    }
  }

  #takeGhost(object: number): boolean {
    const size = this.#ghosts.get(object)
    if (size === undefined) return false
    this.#ghosts.delete(object)
    this.#ghostSize -= size
    return true
  }
}
