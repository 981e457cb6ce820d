/** Stored responses as the manager's callers see them. */
import { Readable } from 'node:stream'
import type { BodyReader } from '../content-store/body-reader.ts'
import { entryKey, type FieldLines, type StoredResponse } from '../stored-response.ts'

/** Fields by lower-case name; a field that came on several lines is an array. */
export type HeaderRecord = Record<string, string | string[]>

/** One stored response, without its body. */
export interface CachedEntry {
  /** Names this entry among all: the URL, with method and variant where there are such. */
  readonly key: string
  readonly statusCode: number
  readonly statusMessage: string
  readonly headers: HeaderRecord
  /** Bytes of the body. */
  readonly bodySize: number
  /** Bytes on disk, in blocks of the file system. */
  readonly diskSize: number
  /** sha256 of the body, hexadecimal. */
  readonly sha256: string
  /** When the response came or was last validated. */
  readonly respondedAt: Date
}

/** A stored response with its body. */
export interface CachedResponse extends Omit<CachedEntry, 'diskSize'> {
  /** The body in chunks of 64 KiB, each checked. Fails with `ContentError` where it is damaged. */
  readonly body: Readable
}

export function describeEntry(stored: StoredResponse, diskSize: number): CachedEntry {
  return { ...describe(stored), diskSize }
}

export function toCachedResponse(stored: StoredResponse, reader: BodyReader): CachedResponse {
  return { ...describe(stored), body: toReadable(reader) }
}

function describe(stored: StoredResponse): Omit<CachedEntry, 'diskSize'> {
  return {
    key: entryKey(stored.key, stored.variant),
    statusCode: stored.statusCode,
    statusMessage: stored.statusMessage,
    headers: toHeaderRecord(stored.fields),
    bodySize: stored.body.size,
    sha256: stored.body.sha256,
    respondedAt: new Date(stored.responseTime),
  }
}

/** Field lines as an object. A name like `__proto__` is a name like any other. */
export function toHeaderRecord(fields: FieldLines): HeaderRecord {
  const values = new Map<string, string | string[]>()
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = (fields[i] as string).toLowerCase()
    const value = fields[i + 1] as string
    const known = values.get(name)
    values.set(name, known === undefined ? value : Array.isArray(known) ? [...known, value] : [known, value])
  }
  return Object.fromEntries(values)
}

/** Pulls a chunk when one is asked for: nothing is read ahead of the consumer. */
function toReadable(reader: BodyReader): Readable {
  return new Readable({
    highWaterMark: 0,
    read() {
      reader.next().then(
        (chunk) => this.push(chunk ?? null),
        (error: Error) => this.destroy(error),
      )
    },
    destroy(error, callback) {
      reader.close()
      callback(error)
    },
  })
}
