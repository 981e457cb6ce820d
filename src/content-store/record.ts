/**
 * A stored response as JSON and back. What is read may have been damaged or planted: nothing is taken on trust, and
 * what is not whole is no record.
 */
import { sharedLines } from '../common-strings.ts'
import {
  CHUNK_SIZE,
  listOfChecksums,
  NO_VARY,
  RECORD_VERSION,
  TERM_NAMES,
  type StoredBody,
  type StoredResponse,
  type Terms,
} from '../stored-response.ts'

/** The JSON form. Checksums are base64 of little-endian 32-bit numbers: 8,5 KB for a body of 100 MiB. */
export interface RecordJson extends Omit<StoredResponse, 'body'> {
  readonly version: number
  readonly size: number
  readonly sha256: string
  readonly checksums: string
}

export function recordToJson(record: StoredResponse): RecordJson {
  const { body, ...head } = record
  const list = listOfChecksums(body)
  const checksums = Buffer.alloc(list.length * 4)
  for (const [i, checksum] of list.entries()) checksums.writeUInt32LE(checksum, i * 4)
  return {
    version: RECORD_VERSION,
    ...head,
    size: body.size,
    sha256: body.sha256,
    checksums: checksums.toString('base64'),
  }
}

/** The record in this JSON value, or undefined when it is of another version or not whole. */
export function recordFromJson(value: unknown): StoredResponse | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const json = value as Partial<RecordJson>
  if (json.version !== RECORD_VERSION || !isHead(json)) return undefined
  const { size, sha256 } = json
  if (!isCount(size) || typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256)) return undefined
  const checksums = checksumsFromBase64(json.checksums, Math.ceil(size / CHUNK_SIZE))
  if (checksums === undefined) return undefined
  const vary = json.vary.length === 0 ? NO_VARY : json.vary
  const fields = sharedLines(json.fields)
  const record = recordOf(json, vary, fields, size, sha256, checksums)
  // Few have these, and a start reads a hundred thousand records.
  return hasOptionals(json) ? { ...record, ...optionalsOf(json) } : record
}

/**
 * Apart from what checks it: V8 puts what always survives where it stays once it has seen enough of it made, which it sees
 * only as long as a function is not optimised; a small one is called often before it is.
 */
function recordOf(
  { key, variant, statusCode, statusMessage, scope, requestTime, responseTime }: Omit<StoredResponse, 'body'>,
  vary: readonly string[],
  fields: readonly string[],
  size: number,
  sha256: string,
  checksums: StoredBody['checksums'],
): StoredResponse {
  const body = { size, sha256, checksums }
  return { key, variant, vary, statusCode, statusMessage, fields, scope, requestTime, responseTime, body }
}

function hasOptionals({ tags, staleFrom, terms, metadata }: Partial<RecordJson>): boolean {
  return tags !== undefined || staleFrom !== undefined || terms !== undefined || metadata !== undefined
}

/** What a record may have beside: of another form it is left out. */
function optionalsOf(json: Partial<RecordJson>): Pick<StoredResponse, 'tags' | 'staleFrom' | 'terms' | 'metadata'> {
  const { tags, staleFrom, metadata } = json
  const terms = termsOf(json.terms)
  return {
    ...(terms && { terms }),
    ...(isJson(metadata) ? { metadata } : {}),
    ...(isListOfStrings(tags) && tags.length > 0 ? { tags } : {}),
    ...(isCount(staleFrom) ? { staleFrom } : {}),
  }
}

/** Few are laid down for many responses: one object for all that have the same. */
const knownTerms = new Map<string, Terms>()
const MAX_KNOWN_TERMS = 1_000

function termsOf(value: unknown): Terms | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const read: [string, number][] = []
  for (const name of TERM_NAMES) {
    const seconds: unknown = Reflect.get(value, name)
    if (isCount(seconds)) read.push([name, seconds])
  }
  if (read.length === 0) return undefined
  const text = read.join()
  const terms: Terms = knownTerms.get(text) ?? Object.fromEntries(read)
  if (knownTerms.size >= MAX_KNOWN_TERMS) knownTerms.clear()
  knownTerms.set(text, terms)
  return terms
}

function isHead(json: Partial<RecordJson>): json is Partial<RecordJson> & Omit<StoredResponse, 'body'> {
  return (
    typeof json.key === 'string' &&
    typeof json.variant === 'string' &&
    /^[0-9a-f]*$/.test(json.variant) &&
    isListOfStrings(json.vary) &&
    isCount(json.statusCode) &&
    json.statusCode >= 200 &&
    json.statusCode < 600 &&
    typeof json.statusMessage === 'string' &&
    isFieldLines(json.fields) &&
    (json.scope === 'shared' || json.scope === 'private') &&
    isCount(json.requestTime) &&
    isCount(json.responseTime)
  )
}

/** Field lines that cannot split a response: names are tokens, values have no CR, LF or NUL (RFC 9110 section 5.5). */
function isFieldLines(value: unknown): value is string[] {
  if (!isListOfStrings(value) || value.length % 2 !== 0) return false
  for (let i = 0; i < value.length; i += 2) {
    // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
    if (!isName(value[i] as string) || /[\r\n\0]/.test(value[i + 1] as string)) return false
  }
  return true
}

/** The same few names come again and again. */
const names = new Set<string>()
const MOST_NAMES = 1_000

function isName(text: string): boolean {
  if (names.has(text)) return true
  if (!/^[\w!#$%&'*+.^`|~-]+$/.test(text)) return false
  if (names.size < MOST_NAMES) names.add(text)
  return true
}

function isJson(value: unknown): value is string {
  if (typeof value !== 'string') return false
  try {
    JSON.parse(value)
    return true
  } catch {
    return false
  }
}

function isListOfStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((part) => typeof part === 'string')
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function checksumsFromBase64(value: unknown, count: number): StoredBody['checksums'] | undefined {
  if (typeof value !== 'string') return undefined
  const bytes = Buffer.from(value, 'base64')
  if (bytes.length !== 4 * count) return undefined
  return count === 1 ? bytes.readUInt32LE() : Array.from({ length: count }, (_, i) => bytes.readUInt32LE(i * 4))
}
