/** One run of the program: what every command is given, and the ways in which it gets at the cache. */
import type { Readable, Writable } from 'node:stream'
import { PACKAGE_NAME } from '../diagnostics.ts'
import { Inspection } from '../manager/inspection.ts'
import type { ManagerOptions } from '../manager/options.ts'
import { StreamingManager } from '../manager/streaming-manager.ts'
import { Output } from './output.ts'
import { Progress, type ProgressOptions, type ProgressStream } from './progress.ts'

/** Where the cache lies if `--dir` is not given. */
export const DIRECTORY_VARIABLE = 'UNDICI_STREAMING_CACHE_DIR'

/** Exit codes. */
export const DONE = 0
/** Nothing found, or something is wrong. */
export const WRONG = 1
export const MISUSE = 2

/** The command line makes no sense: exit code 2. */
export class UsageError extends Error {}

export interface GlobalOptions {
  readonly dir?: string
  readonly json?: boolean
  readonly reveal?: boolean
  readonly quiet?: boolean
}

export interface Surroundings {
  readonly stdin: Readable
  readonly stdout: Writable
  readonly stderr: Writable & ProgressStream
  /** Aborted when the user has had enough. */
  readonly signal: AbortSignal
}

/**
 * The manager keeps limits for everybody who shares its directory, and the first one opened does so: without limits of
 * its own, this program never evicts what a server with larger ones has stored.
 */
const NO_LIMITS = { maxEntries: 2 ** 24, maxSize: Number.MAX_SAFE_INTEGER, maxVariants: 1024 } as const

export class Session {
  readonly directory: string
  readonly isJson: boolean
  readonly isRevealing: boolean
  readonly signal: AbortSignal
  readonly stdin: Readable
  readonly out: Output
  readonly now: number = Date.now()
  readonly #stderr: Surroundings['stderr']
  readonly isQuiet: boolean

  constructor(options: GlobalOptions, surroundings: Surroundings) {
    const { dir } = options
    if (dir === undefined || dir === '')
      throw new UsageError(`Say where the cache lies: --dir, or ${DIRECTORY_VARIABLE}`)
    this.directory = dir
    this.isJson = options.json === true
    this.isRevealing = options.reveal === true
    this.isQuiet = options.quiet === true
    this.signal = surroundings.signal
    this.stdin = surroundings.stdin
    this.out = new Output(surroundings.stdout, surroundings.stderr)
    this.#stderr = surroundings.stderr
  }

  /** To look: changes nothing in the directory. */
  async inspect(): Promise<Inspection> {
    return await Inspection.open(this.directory).catch((error: unknown) => {
      const { cause } = error as { cause?: NodeJS.ErrnoException }
      throw cause?.code === 'ENOENT' ? new Error(`There is no cache in ${this.directory}`, { cause: error }) : error
    })
  }

  /** To change what is there: the directory is opened as another process of its users would. */
  async change<T>(options: ManagerOptions, work: (manager: StreamingManager) => Promise<T>): Promise<T> {
    const manager = await StreamingManager.open(this.directory, { ...NO_LIMITS, snapshotInterval: 0, ...options })
    try {
      return await work(manager)
    } finally {
      await manager.close()
    }
  }

  progress(title: string, unit: ProgressOptions['unit']): Progress {
    return new Progress({ stream: this.#stderr, title, unit, isQuiet: this.isQuiet })
  }

  /** To standard error; with --json as a document as well, where there is none yet. */
  async fail(message: string): Promise<void> {
    if (this.isJson && this.out.isEmpty) await this.out.json({ error: message })
    this.out.note(`${PACKAGE_NAME}: ${message}`)
  }
}
