/**
 * Descriptors that the store may hold open at a time. Whoever wants one waits its turn; when the process as a whole has
 * run out of them (EMFILE), that is waited for, too: somebody closes one before long.
 */
import { closeSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

/** How long to wait before trying again when the system is out of descriptors: nobody tells when it has one again. */
const RETRY_MS = 10

export interface DescriptorLimits {
  /** Descriptors open at a time. */
  readonly maxOpenFiles: number
  /** Milliseconds to wait for one. */
  readonly maxOpenDelay: number
}

export class Descriptors {
  readonly #limits: DescriptorLimits
  #held = 0
  /** First come, first served; each is handed the descriptor of the one that calls it. */
  readonly #waiting = new Set<() => void>()

  constructor(limits: DescriptorLimits) {
    this.#limits = limits
  }

  /** Held now. */
  get held(): number {
    return this.#held
  }

  /**
   * Runs `open` as soon as a descriptor is free, again where the system had none left. It is held until `release`.
   * Rejects with the error of `open`, or with one of code EMFILE after `maxOpenDelay`; then nothing is held.
   */
  async hold<T>(open: () => Promise<T>): Promise<T> {
    const deadline = performance.now() + this.#limits.maxOpenDelay
    await this.#take()
    for (;;) {
      try {
        return await open()
      } catch (error) {
        if (!isOutOfDescriptors(error) || performance.now() >= deadline) {
          this.release()
          throw error
        }
        await delay(RETRY_MS)
      }
    }
  }

  /** Gives one back. */
  release(): void {
    const [next] = this.#waiting
    if (next === undefined) this.#held--
    else next()
  }

  /** While `work` runs one is held. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    const result = await this.hold(work)
    this.release()
    return result
  }

  #take(): Promise<void> {
    if (this.#held < this.#limits.maxOpenFiles) {
      this.#held++
      return Promise.resolve()
    }
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(taken)
        reject(new TooManyFilesError(this.#limits.maxOpenFiles))
      }, this.#limits.maxOpenDelay)
      const taken = (): void => {
        clearTimeout(timer)
        this.#waiting.delete(taken)
        resolve()
      }
      this.#waiting.add(taken)
    })
  }
}

/** Others may hold theirs for as long as they like: consumers that have stalled, say. */
class TooManyFilesError extends Error {
  readonly code = 'EMFILE'

  constructor(maxOpenFiles: number) {
    super(`All ${maxOpenFiles} descriptors of the cache are in use`)
    this.name = 'TooManyFilesError'
  }
}

/** Of a file that was only read from: what goes wrong with that is nobody's loss, and it is closed all the same. */
export function closeNow(descriptor: number): void {
  try {
    closeSync(descriptor)
  } catch {
    // See above.
  }
}

export function isOutOfDescriptors(error: unknown): boolean {
  // What wraps the system's error keeps it as its cause.
  const { code, cause } = error as { code?: unknown; cause?: { code?: unknown } }
  return [code, cause?.code].some((each) => each === 'EMFILE' || each === 'ENFILE')
}
