/**
 * What the disk has refused, read-only or out of descriptors as it was: done when it takes something again, so that what
 * was made void or had to go does not stay for ever. Nobody tells when a disk is well; the next success does.
 */

/** Resolves with whether it is done; when it is not, it comes here again by itself. Never rejects. */
type Work = () => Promise<boolean>

/** What is over this is left to the next start. */
const MOST = 10_000

export class Postponed {
  #waiting: { readonly work: Work; readonly notBefore: number }[] = []
  #running: Promise<void> | undefined

  /** Not to be tried before so many milliseconds have passed. */
  add(work: Work, delay = 0): void {
    if (this.#waiting.length < MOST) this.#waiting.push({ work, notBefore: performance.now() + delay })
  }

  /** Tries what waits, until something fails: then the disk is not well yet, or that is to wait behind the others. */
  async run(): Promise<void> {
    this.#running ??= this.#run()
    await this.#running
    this.#running = undefined
  }

  async #run(): Promise<void> {
    const now = performance.now()
    const due = this.#waiting.filter(({ notBefore }) => notBefore <= now)
    this.#waiting = this.#waiting.filter(({ notBefore }) => notBefore > now)
    for (const [i, { work }] of due.entries()) {
      if (await work()) continue
      this.#waiting.unshift(...due.slice(i + 1))
      return
    }
  }
}
