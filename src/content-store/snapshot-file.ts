/**
 * The snapshot: every record that the memory index held, and the index's own state (what is held in which order, what
 * was asked for how often), so that the next start knows at once what was hot. It is a hint: missing, old or damaged, it
 * costs nothing but time.
 *
 * A first line of JSON (`Header`), then one JSON record a line, then the index's bytes.
 */
import { readFile } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import type { StoredResponse } from '../stored-response.ts'
import { replaceFile } from './files.ts'
import type { Layout } from './layout.ts'
import { recordFromJson, recordToJson } from './record.ts'

const SNAPSHOT_VERSION = 2

interface Header {
  readonly version: number
  /** When it was written, in milliseconds since the epoch by the file system's clock, not the option `clock`. */
  readonly writtenAt: number
  /** Bytes of the records. */
  readonly recordBytes: number
  /** crc32 of all that follows the first line. */
  readonly checksum: number
}

export interface Snapshot {
  readonly writtenAt: number
  readonly records: readonly StoredResponse[]
  readonly index: Uint8Array
}

export async function writeSnapshot(
  layout: Layout,
  records: Iterable<StoredResponse>,
  index: Uint8Array,
  writtenAt: number,
): Promise<void> {
  const lines = Buffer.from(Array.from(records, (record) => JSON.stringify(recordToJson(record))).join('\n'))
  const checksum = crc32(index, crc32(lines))
  const header: Header = { version: SNAPSHOT_VERSION, writtenAt, recordBytes: lines.length, checksum }
  const bytes = Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), lines, index])
  await replaceFile(layout.snapshot, bytes, layout.temporaryFile())
}

/** The last snapshot, or undefined when there is none that is whole and of this version. */
export async function readSnapshot(layout: Layout): Promise<Snapshot | undefined> {
  try {
    const bytes = await readFile(layout.snapshot)
    const end = bytes.indexOf('\n')
    const { version, writtenAt, recordBytes, checksum } = JSON.parse(bytes.toString('utf8', 0, end)) as Header
    const content = bytes.subarray(end + 1)
    if (version !== SNAPSHOT_VERSION || checksum !== crc32(content)) return undefined
    const lines = content.toString('utf8', 0, recordBytes)
    const records = lines === '' ? [] : lines.split('\n').map((line) => recordFromJson(JSON.parse(line)))
    return {
      writtenAt,
      records: records.filter((record) => record !== undefined),
      index: content.subarray(recordBytes),
    }
  } catch {
    return undefined
  }
}
