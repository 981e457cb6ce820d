/**
 * How far long work has come: a bar with rate and time left on a terminal, a plain line for each tenth elsewhere. To
 * standard error, so that results can be piped. The libraries for this are not kept any more (cli-progress: 2023,
 * progress: 2019), and this is all that is needed of one.
 */
import type { Writable } from 'node:stream'
import { humanCount, humanDuration, humanSize } from './units.ts'

export interface ProgressStream extends Pick<Writable, 'write'> {
  readonly isTTY?: boolean
  readonly columns?: number
}

export interface ProgressOptions {
  readonly stream: ProgressStream
  /** Such as `Reading bodies`. */
  readonly title: string
  readonly unit: 'bytes' | 'items'
  readonly isQuiet: boolean
  /** Milliseconds. */
  readonly now?: () => number
}

/** Milliseconds between two pictures of the bar. */
const FRAME_MS = 100
/** Milliseconds between two lines at least: short work is not worth one. */
const LINE_MS = 1_000
const BAR_WIDTH = 24

export class Progress {
  readonly #options: ProgressOptions
  readonly #now: () => number
  readonly #startedAt: number
  #drawnAt = -Infinity
  #toldAt: number
  #tenth = 0
  #done = 0
  #total = 0

  constructor(options: ProgressOptions) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
    this.#startedAt = this.#now()
    this.#toldAt = this.#startedAt
  }

  update(done: number, total: number): void {
    this.#done = done
    this.#total = total
    const { stream, isQuiet } = this.#options
    if (isQuiet) return
    if (stream.isTTY === true) this.#draw()
    else this.#tell()
  }

  /** Takes the bar away: what comes next is the result. */
  end(): void {
    if (this.#options.stream.isTTY === true && this.#drawnAt > -Infinity) this.#options.stream.write('\r\u001b[K')
  }

  #draw(): void {
    const now = this.#now()
    if (now - this.#drawnAt < FRAME_MS && this.#done < this.#total) return
    this.#drawnAt = now
    const filled = Math.round(this.#share * BAR_WIDTH)
    const bar = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled)
    const line = `${this.#options.title} ${bar} ${this.#summary()}`
    const { columns = 0 } = this.#options.stream
    // A line that wraps could not be drawn over; some terminals do not know their width, and say 0.
    this.#options.stream.write(`\r\u001b[K${line.slice(0, (columns > 0 ? columns : 80) - 1)}`)
  }

  #tell(): void {
    const tenth = Math.floor(this.#share * 10)
    if (tenth <= this.#tenth || this.#now() - this.#toldAt < LINE_MS) return
    this.#toldAt = this.#now()
    this.#tenth = tenth
    this.#options.stream.write(`${this.#options.title}: ${this.#summary()}\n`)
  }

  get #share(): number {
    return this.#total === 0 ? 0 : Math.min(1, this.#done / this.#total)
  }

  #summary(): string {
    const { unit } = this.#options
    const show = unit === 'bytes' ? humanSize : humanCount
    const seconds = (this.#now() - this.#startedAt) / 1000
    const parts = [`${Math.floor(this.#share * 100)} %`, `${show(this.#done)} of ${show(this.#total)}`]
    if (seconds > 0 && this.#done > 0) {
      const rate = this.#done / seconds
      parts.push(`${unit === 'bytes' ? humanSize(rate) : rate.toFixed(rate < 10 ? 1 : 0)}/s`)
      if (this.#done < this.#total) parts.push(`${humanDuration(Math.ceil((this.#total - this.#done) / rate))} left`)
    }
    return parts.join(', ')
  }
}
