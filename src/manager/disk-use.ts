/**
 * What a stored response takes on disk, as `du` counts it: whole blocks of its files, and of the folders they lie in.
 *
 * cacache's layout puts each file two folders down, of 256 and of 256 in each: 4 KiB for every one of them that is there.
 * Names are digests, so that entries share folders only when there are many: until then each has its own.
 */
import { CHUNK_SIZE, type StoredResponse } from '../stored-response.ts'

/** Bytes in a block of the file system: a file takes whole ones, a folder one. */
const BLOCK_SIZE = 4096
/** A body and a bucket. */
const FILES = 2
/** Outer folders, and inner ones in all, of each kind of file. */
const OUTER_FOLDERS = 256
const INNER_FOLDERS = OUTER_FOLDERS ** 2
/** The six folders that are always there, what that of temporary files grows to when many are written, and small files: the history has up to three blocks. */
const FIXED = 12 * BLOCK_SIZE
/** Bytes of a bucket line beside names, field lines and checksums: digests, times, punctuation. */
const LINE_OVERHEAD = 600
/** Bytes of UTF-8, or with a backslash, that a character may take. */
const BYTES_OF_CHARACTER = 3

type SizedHead = Pick<StoredResponse, 'key' | 'fields'> &
  Partial<Pick<StoredResponse, 'vary' | 'statusMessage' | 'tags' | 'metadata'>>

/** Bytes that a stored response takes: its content file and its line in the bucket, and a folder for each. */
export function diskSize(stored: SizedHead & Pick<StoredResponse, 'body'>): number {
  return diskSizeWith(stored, stored.body.size)
}

/** The same of one whose body is to have so many bytes. */
export function diskSizeWith(head: SizedHead, bodySize: number): number {
  return wholeBlocks(bodySize) + wholeBlocks(lineSize(head, bodySize)) + FILES * BLOCK_SIZE
}

/**
 * Bytes beside that for so many stored responses: of outer folders, less the inner ones that they must share. Never less
 * than what is there: the one who chooses keys may avoid that they share.
 */
export function sharedSize(entryCount: number): number {
  const outer = Math.min(entryCount, OUTER_FOLDERS)
  const shared = Math.max(0, entryCount - INNER_FOLDERS)
  return (outer - shared) * FILES * BLOCK_SIZE
}

/** What is left of `maxSize` for so many stored responses, beside the snapshot. */
export function roomFor(entryCount: number, maxSize: number, snapshotSize: number): number {
  return Math.max(0, maxSize - FIXED - snapshotSize - sharedSize(entryCount))
}

function lineSize(
  { key, fields, vary = [], statusMessage = '', tags = [], metadata = '' }: SizedHead,
  bodySize: number,
): number {
  const fixed = LINE_OVERHEAD + Math.ceil((bodySize / CHUNK_SIZE) * 6)
  const length =
    2 * key.length + statusMessage.length + lengthOf(fields) + lengthOf(vary) + lengthOf(tags) + metadata.length
  // A header section of usual size takes a block whatever is in it.
  if (fixed + length * BYTES_OF_CHARACTER <= BLOCK_SIZE) return BLOCK_SIZE
  return fixed + Buffer.byteLength(JSON.stringify([key, key, statusMessage, fields, vary, tags, metadata]))
}

function lengthOf(parts: readonly string[]): number {
  let sum = 0
  for (const part of parts) sum += part.length + 3
  return sum
}

function wholeBlocks(bytes: number): number {
  return Math.ceil(bytes / BLOCK_SIZE) * BLOCK_SIZE
}
