/** Stored responses as the manager's callers see them. */
import { Readable } from 'node:stream'
import type { BodyReader } from '../content-store/body-reader.ts'
import { fieldsByName, type FieldsByName } from '../policy/field-lines.ts'
import { entryKey, type StoredResponse } from '../stored-response.ts'

/** What JSON has. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [name: string]: JsonValue }

/** One stored response, without its body. */
export interface CachedEntry {
  /** Names this entry among all: the URL, with method and variant where there are such. */
  readonly key: string
  readonly statusCode: number
  readonly statusMessage: string
  readonly headers: FieldsByName
  /** Bytes of the body. */
  readonly bodySize: number
  /** Bytes on disk, in blocks of the file system. */
  readonly diskSize: number
  /** sha256 of the body, hexadecimal. */
  readonly sha256: string
  /** When the response came or was last validated. */
  readonly respondedAt: Date
  /** What it may be purged by. */
  readonly tags: readonly string[]
  /** What the interceptor's option `metadata`, or that of `put`, has noted with it. */
  readonly metadata?: JsonValue
}

/** A stored response with its body. */
export interface CachedResponse extends Omit<CachedEntry, 'diskSize'> {
  /** The body in chunks of 64 KiB, each checked. Fails with `ContentError` where it is damaged. */
  readonly body: Readable
}

export function describeEntry(stored: StoredResponse, diskSize: number): CachedEntry {
  return { ...describe(stored), diskSize }
}

export function toCachedResponse(stored: StoredResponse, body: BodyReader | Buffer): CachedResponse {
  return { ...describe(stored), body: Buffer.isBuffer(body) ? readableOf(body) : toReadable(body) }
}

function readableOf(body: Buffer): Readable {
  return Readable.from(body.length === 0 ? [] : [body], { objectMode: false })
}

function describe(stored: StoredResponse): Omit<CachedEntry, 'diskSize'> {
  return {
    key: entryKey(stored.key, stored.variant),
    statusCode: stored.statusCode,
    statusMessage: stored.statusMessage,
    headers: fieldsByName(stored.fields),
    bodySize: stored.body.size,
    sha256: stored.body.sha256,
    respondedAt: new Date(stored.responseTime),
    tags: stored.tags ?? [],
    ...(stored.metadata === undefined ? {} : { metadata: JSON.parse(stored.metadata) as JsonValue }),
  }
}

/** Pulls a chunk when one is asked for: nothing is read ahead of the consumer. */
export function toReadable(reader: BodyReader): Readable {
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
