/**
 * The snapshot: every record that the memory index held, and the index's own state (what is held in which order, what
 * was asked for how often), so that the next start knows at once what was hot. It is a hint: missing, old or damaged, it
 * costs nothing but time.
 *
 * A first line of JSON (`Header`), filled up to its fixed length, then one JSON record a line, then the index's bytes. It
 * is read and written piece by piece: with a hundred thousand records it is 60 MB, and the event loop has other work.
 */
import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import type { StoredResponse } from '../stored-response.ts'
import { discard } from './discarded.ts'
import { moveInto, withFolder } from './files.ts'
import { FILE_MODE, NO_FOLLOW, type Layout } from './layout.ts'
import { recordFromJson, recordToJson } from './record.ts'

const SNAPSHOT_VERSION = 3
/** Bytes of the first line. */
const HEADER_BYTES = 256
/** Bytes read at a time: their records are parsed in about a millisecond. */
const PIECE_BYTES = 65_536
/** Records written at a time. */
const PIECE_RECORDS = 128

interface About {
  readonly version: number
  /** When it was written, in milliseconds since the epoch by the file system's clock, not the option `clock`. */
  readonly writtenAt: number
  readonly isWhole: boolean
  readonly recordBytes: number
  readonly indexBytes: number
}

interface Header extends About {
  /** crc32 of all that follows the first line, and of what that says. */
  readonly checksum: number
}

export interface Snapshot {
  /** In the order of the index's places; undefined in the place of what was held and not on disk. */
  readonly records: readonly (StoredResponse | undefined)[]
  readonly index: Uint8Array
  /** The records are all that lies in the directory, as far as it was written to before. */
  readonly isWhole: boolean
  /** What was written to the directory before is in it, in milliseconds since the epoch. */
  readonly writtenAt: number
}

/** What is to be written: everything as it is at this moment, though it is read bit by bit. */
interface SnapshotContent {
  readonly records: Iterable<StoredResponse | undefined>
  /** Asked for after the records. */
  readonly index: () => Uint8Array
  readonly isWhole: boolean
  /** What has been written to the directory in the last `lag` milliseconds may not be in it. */
  readonly lag: number
}

export type Take = () => SnapshotContent

/** `take` is called once it is known what time it is for the file system, which may be another machine's. */
export async function writeSnapshot(layout: Layout, take: Take): Promise<void> {
  const temporary = layout.temporaryFile()
  const file = await withFolder(temporary, () => open(temporary, 'wx', FILE_MODE))
  try {
    try {
      const time = Math.min(Date.now(), Math.floor((await file.stat()).mtimeMs))
      const { records, index, isWhole, lag } = take()
      const { recordBytes, checksum } = await writeRecords(file, records)
      const state = index()
      await file.write(state, 0, state.length, HEADER_BYTES + recordBytes)
      const about = { version: SNAPSHOT_VERSION, writtenAt: time - lag, isWhole, recordBytes, indexBytes: state.length }
      const header: Header = { ...about, checksum: sum(about, crc32(state, checksum)) }
      await file.write(`${JSON.stringify(header).padEnd(HEADER_BYTES - 1)}\n`, 0)
    } finally {
      await file.close()
    }
    await moveInto(temporary, layout.snapshot)
  } catch (error) {
    await discard(temporary)
    throw error
  }
}

async function writeRecords(
  file: FileHandle,
  records: Iterable<StoredResponse | undefined>,
): Promise<{ recordBytes: number; checksum: number }> {
  let recordBytes = 0
  let checksum = 0
  for (const piece of piecesOf(records)) {
    const bytes = Buffer.from(piece.map(lineOf).join(''))
    checksum = crc32(bytes, checksum)
    await file.write(bytes, 0, bytes.length, HEADER_BYTES + recordBytes)
    recordBytes += bytes.length
  }
  return { recordBytes, checksum }
}

function lineOf(record: StoredResponse | undefined): string {
  return `${JSON.stringify(record === undefined ? null : recordToJson(record))}\n`
}

function* piecesOf<T>(records: Iterable<T>): Generator<T[], void, void> {
  let piece: T[] = []
  for (const record of records) {
    if (piece.push(record) < PIECE_RECORDS) continue
    yield piece
    piece = []
  }
  yield piece
}

/**
 * The last snapshot, or undefined when there is none that is whole and of this version, or `mayGoOn` has said no on the
 * way.
 */
export async function readSnapshot(layout: Layout, mayGoOn: () => boolean): Promise<Snapshot | undefined> {
  let file: FileHandle | undefined
  try {
    file = await open(layout.snapshot, constants.O_RDONLY | NO_FOLLOW)
    return await read(file, mayGoOn)
  } catch {
    return undefined
  } finally {
    await file?.close()
  }
}

async function read(file: FileHandle, mayGoOn: () => boolean): Promise<Snapshot | undefined> {
  const first = Buffer.alloc(HEADER_BYTES)
  await file.read(first, 0, HEADER_BYTES, 0)
  const { checksum, ...about } = JSON.parse(first.toString()) as Header
  const { version, writtenAt, isWhole, recordBytes, indexBytes } = about
  const { size } = await file.stat()
  if (version !== SNAPSHOT_VERSION || size !== HEADER_BYTES + recordBytes + indexBytes) return undefined
  const records: (StoredResponse | undefined)[] = []
  let rest: Buffer = Buffer.alloc(0)
  let found = 0
  for await (const bytes of pieces(file, HEADER_BYTES, recordBytes)) {
    if (!mayGoOn()) return undefined
    found = crc32(bytes, found)
    rest = take(rest, bytes, records)
  }
  const index = Buffer.alloc(indexBytes)
  await fill(file, index, HEADER_BYTES + recordBytes)
  if (sum(about, crc32(index, found)) !== checksum || rest.length > 0) return undefined
  return { writtenAt, isWhole, records, index }
}

/** Reads the records that end in these bytes. What is left waits for the rest of its line. */
function take(rest: Buffer, bytes: Buffer, records: (StoredResponse | undefined)[]): Buffer {
  const end = bytes.lastIndexOf(10)
  if (end < 0) return Buffer.concat([rest, bytes])
  // Together: a character may lie on both sides.
  const lines = bytes.subarray(0, end)
  const text = (rest.length === 0 ? lines : Buffer.concat([rest, lines])).toString()
  // A thousand texts of one record each take longer to parse than one of all.
  for (const json of JSON.parse(`[${text.replaceAll('\n', ',')}]`) as unknown[]) {
    const record = json === null ? undefined : recordFromJson(json)
    if (record === undefined && json !== null) throw new Error('A record of another version')
    records.push(record)
  }
  return Buffer.from(bytes.subarray(end + 1))
}

/** So many bytes from there, a piece at a time; the next one is read while the last one is used. */
async function* pieces(file: FileHandle, from: number, count: number): AsyncGenerator<Buffer, void, void> {
  const buffers = [Buffer.allocUnsafeSlow(PIECE_BYTES), Buffer.allocUnsafeSlow(PIECE_BYTES)]
  const read = async (piece: number): Promise<Buffer> => {
    const start = piece * PIECE_BYTES
    const bytes = (buffers[piece % 2] as Buffer).subarray(0, Math.max(0, Math.min(PIECE_BYTES, count - start)))
    await fill(file, bytes, from + start)
    return bytes
  }
  let next = read(0)
  try {
    for (let piece = 0; piece * PIECE_BYTES < count; piece++) {
      const bytes = await next
      next = read(piece + 1)
      // It may fail before anybody waits for it.
      next.catch(() => {})
      yield bytes
    }
  } finally {
    // The file is closed after this.
    await next.catch(() => {})
  }
}

async function fill(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  let at = 0
  while (at < bytes.length) {
    const { bytesRead } = await file.read(bytes, at, bytes.length - at, position + at)
    if (bytesRead === 0) throw new Error('The snapshot is shorter than it says')
    at += bytesRead
  }
}

function sum({ version, writtenAt, isWhole, recordBytes, indexBytes }: About, ofContent: number): number {
  return crc32(JSON.stringify([version, writtenAt, isWhole, recordBytes, indexBytes]), ofContent)
}
