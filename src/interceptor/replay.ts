/** Plays a stored response into an exchange, chunk by chunk as the consumer takes them. */
import type { BodyReader } from '../content-store/body-reader.ts'
import type { Exchange, Source } from './exchange.ts'

/** Told when the stored body cannot be read on, `sent` bytes into it. True when somebody else goes on from there. */
export type OnDamage = (error: Error, sent: number) => boolean

export class Replay implements Source {
  readonly #exchange: Exchange
  /** Undefined for a response without content: HEAD, or an empty body. */
  readonly #reader: BodyReader | undefined
  readonly #onDamage: OnDamage
  #sent = 0
  /** Read before the consumer paused: handed on when it resumes. */
  #held: Buffer | undefined
  #running = false

  constructor(exchange: Exchange, reader: BodyReader | undefined, onDamage: OnDamage) {
    this.#exchange = exchange
    this.#reader = reader
    this.#onDamage = onDamage
  }

  /** Announces the response by `respond`, then its body. */
  start(respond: () => void): void {
    this.#exchange.attach(this)
    respond()
    void this.#run()
  }

  pause(): void {
    // The loop looks at the exchange before each chunk.
  }

  resume(): void {
    void this.#run()
  }

  abort(reason: Error): void {
    this.#reader?.close()
    queueMicrotask(() => this.#exchange.fail(reason))
  }

  /** Hands chunks on until the consumer pauses or the body ends. Never rejects, never runs twice at a time. */
  async #run(): Promise<void> {
    if (this.#running) return
    this.#running = true
    try {
      while (!this.#exchange.paused && !this.#exchange.isOver) {
        const chunk = this.#held ?? (await this.#reader?.next())
        this.#held = undefined
        if (this.#exchange.isOver) break
        if (this.#exchange.paused) this.#held = chunk
        else if (chunk === undefined) this.#finish()
        else {
          this.#sent += chunk.length
          this.#exchange.data(chunk)
        }
      }
    } catch (error) {
      this.#reader?.close()
      this.#exchange.attach(undefined)
      // Wrong bytes never leave, and a body that turns out wrong is never ended as if it were right.
      if (!this.#onDamage(error as Error, this.#sent)) this.#exchange.fail(error as Error)
    } finally {
      // Whoever listens to the hit's event may have aborted it before there was a replay to abort.
      if (this.#exchange.isOver) this.#reader?.close()
      this.#running = false
    }
  }

  #finish(): void {
    this.#reader?.close()
    this.#exchange.end()
  }
}
