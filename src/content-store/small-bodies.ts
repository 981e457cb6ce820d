/** Reads bodies of one chunk in one go, open, read, close, as long as the disk is quick (patience.ts). */
import { hash } from 'node:crypto'
import { readSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import { ContentError } from '../errors.ts'
import type { StoredBody } from '../stored-response.ts'
import { closeNow, isOutOfDescriptors } from './descriptors.ts'
import { openNow } from './opening.ts'
import { Patience } from './patience.ts'

/** A read that takes longer, in milliseconds, is slow. */
const SLOW_MS = 2

/** What a record says of a body of one chunk at most. */
export function describeBody(body: Buffer): StoredBody {
  return { size: body.length, sha256: hash('sha256', body, 'hex'), checksums: body.length === 0 ? [] : crc32(body) }
}

/** Whether these are the bytes that were stored, of a body of one chunk at most. */
export function isIntact(bytes: Buffer, { size, checksums }: StoredBody): boolean {
  return bytes.length === size && (size === 0 || crc32(bytes) === checksums)
}

export class SmallBodies {
  readonly #patience = new Patience(SLOW_MS)

  /**
   * The body in this file, checked. Undefined when it is better read asynchronously.
   * @throws {ContentError} when it is missing, of another length, or damaged
   */
  read(path: string, body: StoredBody): Buffer | undefined {
    if (this.#patience.isCalledFor()) return undefined
    try {
      return this.#patience.quickly(() => readChecked(path, body))
    } catch (error) {
      if (isOutOfDescriptors(error)) return undefined
      throw error
    }
  }
}

function readChecked(path: string, body: StoredBody): Buffer {
  let descriptor: number
  try {
    descriptor = openNow(path)
  } catch (error) {
    throw new ContentError(`Stored body cannot be opened: ${path}`, error)
  }
  try {
    // One byte more than there should be shows a file that has grown.
    const bytes = Buffer.allocUnsafeSlow(body.size + 1)
    const count = readSync(descriptor, bytes, 0, bytes.length, 0)
    if (count !== body.size) throw new ContentError(`Stored body has ${count} bytes instead of ${body.size}: ${path}`)
    const chunk = bytes.subarray(0, count)
    if (!isIntact(chunk, body)) throw new ContentError(`Stored body is damaged: ${path}`)
    return chunk
  } catch (error) {
    throw error instanceof ContentError ? error : new ContentError(`Stored body cannot be read: ${path}`, error)
  } finally {
    closeNow(descriptor)
  }
}
