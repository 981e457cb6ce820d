/**
 * Many small looks at the disk in a row, for walks over a directory. What the system has in its memory it gives to a
 * synchronous call in a few microseconds, a fifth of what the way through the thread pool costs; what it has to fetch may
 * take milliseconds, in which the event loop must not stand. So calls are synchronous as long as they are quick, in
 * slices (pace.ts), and after a slow one a number of them go through the pool, several at a time.
 */
import { lstatSync, readdirSync, readFileSync, type Dirent } from 'node:fs'
import { lstat, readdir, readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { isOutOfDescriptors } from './descriptors.ts'
import { Pace } from './pace.ts'

/** A synchronous call that takes longer, in milliseconds, is slow. */
const SLOW_MS = 1
/** Calls through the pool after a slow one; twice as many where the next slow one follows soon, up to the most. */
const PATIENT_CALLS = 16
const MOST_PATIENT_CALLS = 1_024
/** How many of them at a time. */
const AT_A_TIME = 16
/** Milliseconds between two tries when the system is out of descriptors, and tries. */
const RETRY_MS = 10
const TRIES = 200

const PRESENT_OR_NOT = { throwIfNoEntry: false } as const

export interface FileState {
  /** In bytes. */
  readonly size: number
  /** When it was last written, in milliseconds since the epoch. */
  readonly modifiedAt: number
}

export class Looks {
  readonly #pace = new Pace()
  #patient = 0
  #patientNext = PATIENT_CALLS

  /** Names in a folder, with what they name; none where it is missing or no folder. */
  async list(path: string): Promise<readonly Dirent[]> {
    return (
      (await this.#look(
        () => readdirSync(path, { withFileTypes: true }),
        () => readdir(path, { withFileTypes: true }),
      )) ?? []
    )
  }

  /** Of a file or folder; undefined where it is missing. */
  async state(path: string): Promise<FileState | undefined> {
    const stats = await this.#look(
      () => lstatSync(path, PRESENT_OR_NOT),
      () => lstat(path),
    )
    return stats && { size: stats.size, modifiedAt: stats.mtimeMs }
  }

  /** When it was last written, at once; undefined where that may take its time, or it is missing. */
  timeNow(path: string): number | undefined {
    if (this.#patient > 0) {
      this.#patient--
      return undefined
    }
    try {
      return this.#quickly(() => lstatSync(path, PRESENT_OR_NOT))?.mtimeMs
    } catch {
      return undefined
    }
  }

  /** A slice of time has passed: `rest` before the next look at once. */
  get isDue(): boolean {
    return this.#pace.isOver
  }

  async rest(): Promise<void> {
    await this.#pace.rest()
  }

  /** What is in a file; undefined where it is missing or a folder. */
  async read(path: string): Promise<string | undefined> {
    return await this.#look(
      () => readFileSync(path, 'utf8'),
      () => readFile(path, 'utf8'),
    )
  }

  /** The same at once, '' where it is missing; undefined where that may take its time. */
  readNow(path: string): string | undefined {
    if (this.#patient > 0) {
      this.#patient--
      return undefined
    }
    try {
      return this.#quickly(() => readFileSync(path, 'utf8'))
    } catch (error) {
      return isAbsent(error) ? '' : undefined
    }
  }

  /** Runs `work` on each, some at a time. */
  async each<T>(source: Iterable<T> | AsyncIterable<T>, work: (item: T) => Promise<void>): Promise<void> {
    const items = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]()
    const lane = async (): Promise<void> => {
      for (;;) {
        const next = await items.next()
        if (next.done === true) return
        await work(next.value)
      }
    }
    await Promise.all(Array.from({ length: AT_A_TIME }, lane))
  }

  async #look<T>(quick: () => T, patient: () => Promise<T>): Promise<T | undefined> {
    if (this.#pace.isOver) await this.#pace.rest()
    for (let tries = 1; ; tries++) {
      try {
        return this.#patient > 0 ? await this.#patiently(patient) : this.#quickly(quick)
      } catch (error) {
        if (isAbsent(error)) return undefined
        if (!isOutOfDescriptors(error) || tries === TRIES) throw error
        await delay(RETRY_MS)
      }
    }
  }

  async #patiently<T>(patient: () => Promise<T>): Promise<T> {
    this.#patient--
    return await patient()
  }

  #quickly<T>(quick: () => T): T {
    const begun = performance.now()
    try {
      return quick()
    } finally {
      if (performance.now() - begun > SLOW_MS) {
        this.#patient = this.#patientNext
        this.#patientNext = Math.min(this.#patientNext * 2, MOST_PATIENT_CALLS)
      } else this.#patientNext = Math.max(this.#patientNext - 1, PATIENT_CALLS)
    }
  }
}

function isAbsent(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR'
}
