/**
 * Which folders of cacache's layout are there, as far as this process has made and removed them. A guess, which spares the
 * file system calls that fail: a rename into a folder that is missing, the removal of one that is not empty. A wrong one
 * costs a call. With other processes on the directory nothing is known.
 */
import { innerFolderOf } from './layout.ts'

/** Folders of files, each named by the first four digits of the hashes in it, and folders of those. */
const INNER = 0x1_0000
const OUTER = 0x100
const UNKNOWN = 0
const THERE = 1
const MISSING = 2

export class KnownFolders {
  readonly #states: Uint8Array = new Uint8Array(INNER)
  /** By outer folder: inner ones that are known to be there. */
  readonly #counts: Uint16Array = new Uint16Array(OUTER)
  readonly #isAlone: () => boolean
  #isBlank: boolean

  /** `areMissing`: none is there yet. */
  constructor(areMissing: boolean, isAlone: () => boolean) {
    this.#isAlone = isAlone
    this.#isBlank = !areMissing
    if (areMissing) this.#states.fill(MISSING)
  }

  /** Whether the folder of this file has to be made. */
  isMissing(path: string): boolean {
    return this.#isKnowing() && this.#states[innerFolderOf(path)] === MISSING
  }

  /** Whether the outer folder of this file has others in it than its inner one. */
  hasOthers(path: string): boolean {
    if (!this.#isKnowing()) return false
    const folder = innerFolderOf(path)
    const own = this.#states[folder] === THERE ? 1 : 0
    return (this.#counts[folder >> 8] as number) > own
  }

  /** A file has been put there. */
  noteThere(path: string): void {
    this.#note(path, THERE)
  }

  /** The inner folder has been removed. */
  noteMissing(path: string): void {
    this.#note(path, MISSING)
  }

  #note(path: string, state: number): void {
    if (!this.#isKnowing()) return
    const folder = innerFolderOf(path)
    const before = this.#states[folder]
    if (before === state) return
    this.#states[folder] = state
    this.#isBlank = false
    const outer = folder >> 8
    if (state === THERE) this.#counts[outer] = (this.#counts[outer] as number) + 1
    else if (before === THERE) this.#counts[outer] = (this.#counts[outer] as number) - 1
  }

  /** False beside others, who make and remove folders, too: what was known is forgotten. */
  #isKnowing(): boolean {
    if (this.#isAlone()) return true
    if (!this.#isBlank) {
      this.#states.fill(UNKNOWN)
      this.#counts.fill(0)
      this.#isBlank = true
    }
    return false
  }
}
