/** Work under way in the background: what `close()` and `runPendingTasks()` wait for. */
export class TaskSet {
  /** With the time at which each began. */
  readonly #tasks = new Map<Promise<unknown>, number>()

  /** For how long, in milliseconds, the oldest of them has been under way. */
  get longest(): number {
    for (const begun of this.#tasks.values()) return performance.now() - begun
    return 0
  }

  /** `task` must not reject: whoever starts it says what a failure means. */
  add(task: Promise<unknown>): void {
    this.#tasks.set(task, performance.now())
    void task.finally(() => this.#tasks.delete(task))
  }

  /** Resolves when no task is left, those included that tasks have started. */
  async settled(): Promise<void> {
    while (this.#tasks.size > 0) await Promise.all(this.#tasks.keys())
  }
}
