/**
 * A journal: the file in which one manager tells the others on its directory what it has done. It is appended to by its
 * owner alone, a line of JSON for each note, and read by everybody else from where they stopped.
 *
 * Notes name cache keys and not only their digests: what is invalidated with a key (other queries of its path) can be
 * found from the key alone, and the buckets beside it have it anyway. A note follows the change on disk that it tells
 * of, but for an invalidation, which comes before: whoever dies in between leaves either a change that the next sweep
 * finds or an invalidation that is done by whoever reads it.
 */
import { constants } from 'node:fs'
import { lstat, open, writeFile, type FileHandle } from 'node:fs/promises'
import { FILE_MODE, NO_FOLLOW } from './layout.ts'

export type Note =
  /** A bucket has a new record, whose body is one of these (sha256). */
  | { readonly note: 'stored'; readonly key: string; readonly bodies: readonly string[] }
  /** A bucket may have lost records, and nobody may need these bodies any more. */
  | { readonly note: 'erased'; readonly key: string; readonly bodies: readonly string[] }
  /** By the leader: what others have stored with these bodies counts now, and something has gone for it if need be. */
  | { readonly note: 'noticed'; readonly bodies: readonly string[] }
  /** What was requested for a key until `time`, in milliseconds since the epoch, is void. */
  | { readonly note: 'invalidated'; readonly key: string; readonly time: number }
  /** The same for what belongs to one of these cache groups (RFC 9875) of the origin of `uri`. */
  | { readonly note: 'groups'; readonly uri: string; readonly groups: readonly string[]; readonly time: number }
  /** The same for everything. */
  | { readonly note: 'cleared'; readonly time: number }
  /** The last note: its writer has closed, or goes on in another journal. */
  | { readonly note: 'ended' }

const PIECE = 65_536
/** Bytes of the longest line that is waited for; more than that is nothing of ours. */
const MAX_LINE = 4_194_304

export class JournalWriter {
  readonly name: string
  readonly #path: string
  readonly #onFault: (error: unknown) => void
  #file: FileHandle | undefined
  #lines: string[] = []
  #writing: Promise<void> | undefined
  #size = 0

  private constructor(name: string, path: string, onFault: (error: unknown) => void) {
    this.name = name
    this.#path = path
    this.#onFault = onFault
  }

  /** A new, empty journal. Faults of writing it later go to `onFault`. */
  static async create(name: string, path: string, onFault: (error: unknown) => void): Promise<JournalWriter> {
    await writeFile(path, '', { flag: 'wx', mode: FILE_MODE })
    return new JournalWriter(name, path, onFault)
  }

  /** Bytes written. */
  get size(): number {
    return this.#size
  }

  /** In the order of the calls; what comes while the disk is busy goes out in one write. */
  append(note: Note): void {
    this.#lines.push(`${JSON.stringify(note)}\n`)
    this.#writing ??= this.#write()
  }

  /** Resolves when every note is in the file. */
  async flushed(): Promise<void> {
    await this.#writing
  }

  async close(): Promise<void> {
    await this.flushed()
    await this.#file?.close()
    this.#file = undefined
  }

  /** Writes again what the disk did not take. */
  retry(): void {
    if (this.#lines.length > 0) this.#writing ??= this.#write()
  }

  async #write(): Promise<void> {
    let bytes: Buffer = Buffer.alloc(0)
    try {
      // Opened with the first note: who is alone writes none.
      this.#file ??= await open(this.#path, constants.O_WRONLY | constants.O_APPEND | NO_FOLLOW)
      while (this.#lines.length > 0) {
        bytes = Buffer.from(this.#lines.join(''))
        this.#lines = []
        await this.#file.writeFile(bytes)
        this.#size += bytes.length
        bytes = Buffer.alloc(0)
      }
    } catch (error) {
      // A line that was torn ends there; one that comes twice does no harm.
      if (bytes.length > 0 && bytes.length < MAX_LINE) this.#lines.unshift(`\n${bytes.toString()}`)
      this.#onFault(error)
    }
    this.#writing = undefined
  }
}

export class JournalReader {
  readonly #path: string
  #file: FileHandle | undefined
  #position = 0
  #rest: Buffer = Buffer.alloc(0)
  #ended = false

  constructor(path: string) {
    this.#path = path
  }

  /** Its writer has closed it. */
  get isEnded(): boolean {
    return this.#ended
  }

  /** Notes that came since the last call. None where the file is gone. */
  async read(): Promise<Note[]> {
    this.#file ??= await openOrNone(this.#path)
    const notes: Note[] = []
    while (this.#file !== undefined) {
      const piece = Buffer.allocUnsafe(PIECE)
      const { bytesRead } = await this.#file.read(piece, 0, PIECE, this.#position)
      this.#position += bytesRead
      notes.push(...this.#take(piece.subarray(0, bytesRead)))
      if (bytesRead < PIECE) break
    }
    return notes
  }

  /** When its writer last gave a sign of life, in milliseconds since the epoch. Undefined where the file is gone. */
  async lastSign(): Promise<number | undefined> {
    return (await lstat(this.#path).catch(() => undefined))?.mtimeMs
  }

  async close(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    await file?.close()
  }

  /** The notes in whole lines; what is left waits for the rest of its line. */
  #take(bytes: Buffer): Note[] {
    const end = bytes.lastIndexOf(10) + 1
    if (end === 0) {
      this.#rest = this.#rest.length + bytes.length > MAX_LINE ? Buffer.alloc(0) : Buffer.concat([this.#rest, bytes])
      return []
    }
    const lines = Buffer.concat([this.#rest, bytes.subarray(0, end)]).toString('utf8')
    this.#rest = Buffer.from(bytes.subarray(end))
    const notes = lines.split('\n').map((line) => parseNote(line))
    if (notes.some((note) => note?.note === 'ended')) this.#ended = true
    return notes.filter((note) => note !== undefined)
  }
}

async function openOrNone(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, constants.O_RDONLY | NO_FOLLOW)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** The note in a line, or undefined where it is torn or planted: nothing in it is taken on trust. */
function parseNote(line: string): Note | undefined {
  let note: Partial<Record<string, unknown>> | null
  try {
    note = JSON.parse(line)
  } catch {
    return undefined
  }
  const { note: type, key, bodies, uri, groups, time } = note ?? {}
  const isTimed = Number.isSafeInteger(time)
  if (type === 'stored' || type === 'erased') {
    return typeof key === 'string' && isListOfDigests(bodies) ? { note: type, key, bodies } : undefined
  }
  if (type === 'noticed') return isListOfDigests(bodies) ? { note: type, bodies } : undefined
  if (type === 'invalidated')
    return typeof key === 'string' && isTimed ? { note: type, key, time: time as number } : undefined
  if (type === 'groups') {
    if (typeof uri !== 'string' || !URL.canParse(uri) || !isListOfStrings(groups) || !isTimed) return undefined
    return { note: type, uri, groups, time: time as number }
  }
  if (type === 'cleared') return isTimed ? { note: type, time: time as number } : undefined
  return type === 'ended' ? { note: type } : undefined
}

function isListOfStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((part) => typeof part === 'string')
}

function isListOfDigests(value: unknown): value is string[] {
  return isListOfStrings(value) && value.every((part) => /^[0-9a-f]{64}$/.test(part))
}
