/** Milliseconds in all for which something may be held up, however often. */
export class DelayBudget {
  #left: number
  #charged = 0
  #since = 0
  #timer: NodeJS.Timeout | undefined

  constructor(milliseconds: number) {
    this.#left = milliseconds
  }

  get isRunning(): boolean {
    return this.#timer !== undefined
  }

  /** Takes so many milliseconds off, of which those before are a part. False when they were more than was left. */
  charge(blockedMs: number): boolean {
    this.#left -= blockedMs - this.#charged
    this.#charged = blockedMs
    return this.#left >= 0
  }

  /** Holding up begins. `onSpent` is called when it has lasted for as long as is left. */
  start(onSpent: () => void): void {
    if (this.#timer !== undefined) return
    this.#since = performance.now()
    this.#timer = setTimeout(() => {
      this.stop()
      onSpent()
    }, this.#left)
  }

  stop(): void {
    if (this.#timer === undefined) return
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#left = Math.max(0, this.#left - (performance.now() - this.#since))
  }
}
