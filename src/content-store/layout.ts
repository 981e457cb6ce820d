/**
 * Where things lie in the directory: cacache's layout, so that its own tools read it, plus what is ours.
 *
 *   index-v5/ab/cd/ef…            one bucket a cache key, named by sha256 of the key   (cacache)
 *   content-v2/sha256/ab/cd/ef…   one file a body, named by sha256 of its bytes        (cacache)
 *   tmp/<pid>-<run>-<n>           what is being written; renamed into place when whole (cacache's folder)
 *   procs/<pid>-<run>-…           one journal for each open manager, see membership.ts and journal.ts
 *   snapshot                      the memory index as it was: a hint that may be missing or old
 *   history                       what was answered when, see history-file.ts
 *   boot                          the run of the machine in which all of this was last looked through, see boot.ts
 */
import { hash, randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { dirname, join, sep } from 'node:path'

/** Directories and files are the user's alone, whatever the umask. */
export const DIRECTORY_MODE = 0o700
export const FILE_MODE = 0o600
/** Where a symbolic link is planted, it is not followed (where the system knows the flag). */
export const NO_FOLLOW: number = constants.O_NOFOLLOW ?? 0

const INDEX = 'index-v5'
const CONTENT = join('content-v2', 'sha256')

/** Tells this run of this process from an earlier one with the same process id. */
export const RUN: string = randomUUID().slice(0, 8)

export class Layout {
  readonly directory: string
  readonly index: string
  readonly content: string
  readonly temporary: string
  readonly processes: string
  readonly snapshot: string
  readonly history: string
  readonly boot: string
  #written = 0

  constructor(directory: string) {
    this.directory = directory
    this.index = join(directory, INDEX)
    this.content = join(directory, CONTENT)
    this.temporary = join(directory, 'tmp')
    this.processes = join(directory, 'procs')
    this.snapshot = join(directory, 'snapshot')
    this.history = join(directory, 'history')
    this.boot = join(directory, 'boot')
  }

  /** Those that are there from the start, outer ones first. */
  get folders(): readonly string[] {
    return [this.directory, this.index, dirname(this.content), this.content, this.temporary, this.processes]
  }

  /** Path of the bucket that holds every variant of a cache key. */
  bucket(key: string): string {
    return this.bucketOfHash(bucketHash(key))
  }

  bucketOfHash(hash: string): string {
    return this.index + sep + inFolders(hash)
  }

  contentFile(sha256: string): string {
    return this.content + sep + inFolders(sha256)
  }

  /** A new path in the temporary folder, never used before. */
  temporaryFile(): string {
    return join(this.temporary, `${process.pid}-${RUN}-${this.#written++}-${randomUUID().slice(0, 8)}`)
  }
}

/** cacache's name for the bucket of a key. */
export function bucketHash(key: string): string {
  return hash('sha256', key)
}

/** Two folders down, as cacache has it. A hit from disk asks for it: nothing is put together from a list. */
function inFolders(hash: string): string {
  return hash.slice(0, 2) + sep + hash.slice(2, 4) + sep + hash.slice(4)
}

/** The number of the folder that a file lies in, by its path: the first four digits of its hash. */
export function innerFolderOf(path: string): number {
  const start = path.length - TAIL
  return Number.parseInt(path.slice(start, start + 2) + path.slice(start + 3, start + 5), 16)
}

/** Characters of what `inFolders` makes: a digest of 64 digits, and two separators. */
const TAIL = 66

/** Whether a temporary file's writer is gone, judged by its name: another run, or a process that is no more. */
export function isAbandoned(name: string): boolean {
  const [pid, run] = name.split('-')
  const id = Number(pid)
  if (run === undefined || !Number.isSafeInteger(id) || id <= 0) return true
  return id === process.pid ? run !== RUN : isGone(id)
}

/** Whether there is no process of this id, as far as this one can see. */
export function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return false
  } catch (error) {
    // EPERM: it lives, and belongs to somebody else.
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}
