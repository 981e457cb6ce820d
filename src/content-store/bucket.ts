/**
 * A bucket: the file that holds all variants of one cache key, a line each, in cacache's format
 * ("\n" sha1-of-json "\t" json). It is always replaced whole, never appended to, so it neither grows nor tears.
 *
 * Every line has the cache key itself as cacache's key, the newest variant last: `cacache.get(directory, key)` finds that
 * one, and `cacache.verify` on an idle directory keeps it and reclaims the others, which costs a miss each.
 */
import { createHash } from 'node:crypto'
import type { StoredResponse } from '../stored-response.ts'
import { recordFromJson, recordToJson } from './record.ts'

/** The bucket's bytes for these variants of one key. */
export function formatBucket(records: readonly StoredResponse[]): string {
  const newestLast = records.toSorted((a, b) => a.responseTime - b.responseTime)
  return newestLast.map(formatLine).join('')
}

function formatLine(record: StoredResponse): string {
  const line = JSON.stringify({
    key: record.key,
    integrity: integrityOf(record.body.sha256),
    time: record.responseTime,
    size: record.body.size,
    metadata: recordToJson(record),
  })
  return `\n${lineHash(line)}\t${line}`
}

/** What cacache calls a body by. */
export function integrityOf(sha256: string): string {
  return `sha256-${Buffer.from(sha256, 'hex').toString('base64')}`
}

/** Every whole record in a bucket's bytes. Torn, foreign or damaged lines are passed over, as cacache does. */
export function parseBucket(bytes: string): StoredResponse[] {
  const records = new Map<string, StoredResponse>()
  for (const line of bytes.split('\n')) {
    const record = parseLine(line)
    if (record !== undefined) records.set(record.variant, record)
  }
  return [...records.values()]
}

/** Whether nothing in a bucket's bytes is of use to anybody, cacache included. */
export function isRubbish(bytes: string): boolean {
  return bytes.split('\n').every((line) => jsonIn(line) === undefined)
}

function parseLine(line: string): StoredResponse | undefined {
  const json = jsonIn(line)
  if (json === undefined) return undefined
  try {
    const entry = JSON.parse(json) as { integrity?: unknown; metadata?: unknown } | null
    // A line without integrity is cacache's mark for "deleted".
    return entry?.integrity ? recordFromJson(entry.metadata) : undefined
  } catch {
    return undefined
  }
}

/** What a whole line says. */
function jsonIn(line: string): string | undefined {
  const tab = line.indexOf('\t')
  const json = line.slice(tab + 1)
  return tab >= 0 && lineHash(json) === line.slice(0, tab) ? json : undefined
}

function lineHash(json: string): string {
  return createHash('sha1').update(json).digest('hex')
}
