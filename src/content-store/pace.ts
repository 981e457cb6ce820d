/** Long work in slices, so that the event loop gets its turn every few milliseconds. */
import { setImmediate as nextTurn } from 'node:timers/promises'

/** Milliseconds of a slice. */
const SLICE_MS = 2

export class Pace {
  #end = performance.now() + SLICE_MS
  #rest: Promise<void> | undefined

  /** To be asked after every small step; when it is so, `rest` is due. */
  get isOver(): boolean {
    return performance.now() >= this.#end
  }

  /** Lets the event loop go on. Whoever works in the same slices rests at the same time. */
  async rest(): Promise<void> {
    this.#rest ??= nextTurn().then(() => {
      this.#rest = undefined
      this.#end = performance.now() + SLICE_MS
    })
    await this.#rest
  }
}
