/** Work under way in the background: what `close()` and `runPendingTasks()` wait for. */
export class TaskSet {
  readonly #tasks = new Set<Promise<unknown>>()

  /** `task` must not reject: whoever starts it says what a failure means. */
  add(task: Promise<unknown>): void {
    this.#tasks.add(task)
    void task.finally(() => this.#tasks.delete(task))
  }

  /** Resolves when no task is left, those included that tasks have started. */
  async settled(): Promise<void> {
    while (this.#tasks.size > 0) await Promise.all(this.#tasks)
  }
}
