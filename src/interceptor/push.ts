/** Hands a stored response on that is in memory: its header section, its body in one piece, its end. */
import type { SentFields } from '../policy/prepared-fields.ts'
import type { Exchange, Source } from './exchange.ts'

/** So many answers from memory in a row, and then the event loop has its turn: who asks in a loop must not stop the rest. */
const MAX_IN_A_ROW = 100

let inARow = 0
let isAnswering = false

/** Counts one more, and says how many there are since the event loop had its turn. */
function count(): number {
  if (inARow === 0) setImmediate(endRow)
  return ++inARow
}

function endRow(): void {
  inARow = 0
}

/** Runs `task` when what runs now has returned. */
export function soon(task: () => void): void {
  if (count() < MAX_IN_A_ROW) queueMicrotask(task)
  else setImmediate(task)
}

/**
 * Whether an answer may be given now, and not `soon`. Not within another: each would make the stack deeper, and not more
 * than some in a row. Who is told so calls `answered` when it has been given.
 */
export function mayAnswerNow(): boolean {
  if (isAnswering || inARow + 1 >= MAX_IN_A_ROW) return false
  count()
  isAnswering = true
  return true
}

export function answered(): void {
  isAnswering = false
}

export class Push implements Source {
  readonly #exchange: Exchange
  /** Undefined once it was handed on, and for a response without content. */
  #body: Buffer | undefined
  #running = false

  constructor(exchange: Exchange, body: Buffer | undefined) {
    this.#exchange = exchange
    this.#body = body
  }

  start(statusCode: number, sent: SentFields, statusMessage: string): void {
    this.#exchange.attach(this)
    this.#exchange.respondWith(statusCode, sent, statusMessage)
    this.#run()
  }

  pause(): void {
    // Asked before each step.
  }

  resume(): void {
    this.#run()
  }

  abort(reason: Error): void {
    queueMicrotask(() => this.#exchange.fail(reason))
  }

  #run(): void {
    // A consumer may pause and resume within one call.
    if (this.#running) return
    this.#running = true
    const body = this.#body
    if (body !== undefined && !this.#exchange.paused) {
      this.#body = undefined
      if (body.length > 0) this.#exchange.data(body)
    }
    this.#running = false
    if (!this.#exchange.paused && this.#body === undefined) this.#exchange.end()
  }
}
