/** The network as a source: two may hold it back, the consumer and the disk, and it flows when neither does. */
import type { DispatchController } from './dispatch.ts'
import type { Source } from './exchange.ts'

export class NetworkSource implements Source {
  readonly #controller: DispatchController
  /** Told that the consumer leaves. True when the response is to go on without it. */
  readonly #onLeave: (reason: Error) => boolean
  #heldByConsumer = false
  #heldByDisk = false

  constructor(controller: DispatchController, onLeave: (reason: Error) => boolean = () => false) {
    this.#controller = controller
    this.#onLeave = onLeave
  }

  pause(): void {
    this.#heldByConsumer = true
    this.#controller.pause()
  }

  resume(): void {
    this.#heldByConsumer = false
    this.#flow()
  }

  holdForDisk(): void {
    this.#heldByDisk = true
    this.#controller.pause()
  }

  releaseFromDisk(): void {
    this.#heldByDisk = false
    this.#flow()
  }

  abort(reason: Error): void {
    if (this.#onLeave(reason)) this.resume()
    else this.#controller.abort(reason)
  }

  #flow(): void {
    if (!this.#heldByConsumer && !this.#heldByDisk) this.#controller.resume()
  }
}
