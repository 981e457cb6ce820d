/**
 * The snapshot: every record the memory index held, coldest first, so that the next start knows at once what was hot.
 * A first line with version, count and checksum, then one JSON record a line. It is a hint: missing, old or damaged, it
 * costs nothing but time.
 */
import { readFile } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import type { StoredResponse } from '../stored-response.ts'
import { replaceFile } from './files.ts'
import type { Layout } from './layout.ts'
import { recordFromJson, recordToJson } from './record.ts'

const SNAPSHOT_VERSION = 1

interface Header {
  readonly version: number
  /** When it was written, in milliseconds since the epoch by the file system's clock, not the option `clock`. */
  readonly writtenAt: number
  readonly checksum: number
}

export interface Snapshot {
  readonly writtenAt: number
  readonly records: readonly StoredResponse[]
}

export async function writeSnapshot(layout: Layout, records: Iterable<StoredResponse>): Promise<void> {
  const writtenAt = Date.now()
  const lines = Array.from(records, (record) => JSON.stringify(recordToJson(record)))
  const body = lines.join('\n')
  const header: Header = { version: SNAPSHOT_VERSION, writtenAt, checksum: crc32(body) }
  await replaceFile(layout.snapshot, `${JSON.stringify(header)}\n${body}`, layout.temporaryFile())
}

/** The last snapshot, or undefined when there is none that is whole and of this version. */
export async function readSnapshot(layout: Layout): Promise<Snapshot | undefined> {
  try {
    const text = await readFile(layout.snapshot, 'utf8')
    const end = text.indexOf('\n')
    const header = JSON.parse(text.slice(0, end)) as Header
    const body = text.slice(end + 1)
    if (header.version !== SNAPSHOT_VERSION || header.checksum !== crc32(body)) return undefined
    const records = body === '' ? [] : body.split('\n').map((line) => recordFromJson(JSON.parse(line)))
    return { writtenAt: header.writtenAt, records: records.filter((record) => record !== undefined) }
  } catch {
    return undefined
  }
}
