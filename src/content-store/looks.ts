/**
 * Many small looks at the disk in a row, for walks over a directory: by synchronous calls as long as they are quick
 * (patience.ts), else through the thread pool, several at a time.
 */
import { lstatSync, readdirSync, readFileSync, type Dirent } from 'node:fs'
import { lstat, readdir, readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { isOutOfDescriptors } from './descriptors.ts'
import { Patience } from './patience.ts'

/** A synchronous call that takes longer, in milliseconds, is slow. */
const SLOW_MS = 1
/** How many through the pool at a time. */
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
  readonly #patience = new Patience(SLOW_MS)

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
    if (this.#patience.isCalledFor()) return undefined
    try {
      return this.#patience.quickly(() => lstatSync(path, PRESENT_OR_NOT))?.mtimeMs
    } catch {
      return undefined
    }
  }

  /** A slice of time has passed: `rest` before the next look at once. */
  get isDue(): boolean {
    return this.#patience.pace.isOver
  }

  async rest(): Promise<void> {
    await this.#patience.pace.rest()
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
    if (this.#patience.isCalledFor()) return undefined
    try {
      return this.#patience.quickly(() => readFileSync(path, 'utf8'))
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
    for (let tries = 1; ; tries++) {
      try {
        return await this.#patience.call(quick, patient)
      } catch (error) {
        if (isAbsent(error)) return undefined
        if (!isOutOfDescriptors(error) || tries === TRIES) throw error
        await delay(RETRY_MS)
      }
    }
  }
}

function isAbsent(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR'
}
