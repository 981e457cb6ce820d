/** What a stored response answers to a request (RFC 9111 sections 4, 4.3.2 and 5.1): status, fields, and which bytes. */
import type { CacheRequest } from './cache-request.ts'
import { isNotModified, isRangeOfSame } from './preconditions.ts'
import { requestedRange, type ByteRange } from './ranges.ts'
import type { FieldLines, StoredResponse } from '../stored-response.ts'

export interface Served {
  readonly statusCode: number
  readonly statusMessage: string
  readonly fields: FieldLines
  /** Bytes of the body to send. Undefined: no content. */
  readonly bytes: ByteRange | undefined
}

/** The request asks for the whole, on no condition: what `served` says then is known beforehand. */
export function asksForAll(request: CacheRequest): boolean {
  if (request.method !== 'GET') return false
  if (request.isPlain) return true
  const { fields } = request
  return (
    fields['range'] === undefined && fields['if-none-match'] === undefined && fields['if-modified-since'] === undefined
  )
}

/** `age` in seconds. Conditions go before ranges (RFC 9110 section 13.2.2). */
export function served(stored: StoredResponse, request: CacheRequest, age: number): Served {
  if (isNotModified(stored, request)) return notModified(stored, age)
  const { size } = stored.body
  const fields = fieldsWithAge(stored, age)
  const { statusCode, statusMessage } = stored
  const whole = { statusCode, statusMessage, fields, bytes: { start: 0, end: size } }
  if (request.method === 'HEAD' || size === 0) return { ...whole, bytes: undefined }
  const range = request.fields['range']
  if (range === undefined || statusCode !== 200 || !isRangeOfSame(stored, request.fields['if-range'])) return whole
  const bytes = requestedRange(range, size)
  if (bytes === undefined) return whole
  return bytes === 'unsatisfiable' ? unsatisfiable(stored, age) : partial(fields, bytes, size)
}

/** RFC 9110 section 15.4.5: fields that a 304 "MUST generate" when the 200 would have had them; and the Age. */
const NOT_MODIFIED_FIELDS = new Set(['content-location', 'date', 'etag', 'vary', 'cache-control', 'expires', 'age'])

function notModified(stored: StoredResponse, age: number): Served {
  const fields = selected(fieldsWithAge(stored, age), (name) => NOT_MODIFIED_FIELDS.has(name))
  return { statusCode: 304, statusMessage: 'Not Modified', fields, bytes: undefined }
}

/**
 * Section 15.3.7: all fields of the 200, with the length of the part and where it lies; but a Content-Digest is one of
 * "the actual message content" (RFC 9530 section 2), which is the part.
 */
function partial(fields: FieldLines, bytes: ByteRange, size: number): Served {
  const kept = selected(fields, (name) => name !== 'content-length' && name !== 'content-digest')
  const length = String(bytes.end - bytes.start)
  const where = `bytes ${bytes.start}-${bytes.end - 1}/${size}`
  const lines = [...kept, 'content-length', length, 'content-range', where]
  return { statusCode: 206, statusMessage: 'Partial Content', fields: lines, bytes }
}

/** Section 15.5.17: "SHOULD generate a Content-Range header field specifying the current length". */
function unsatisfiable(stored: StoredResponse, age: number): Served {
  const kept = selected(fieldsWithAge(stored, age), (name) => name === 'date' || name === 'age')
  const fields = [...kept, 'content-length', '0', 'content-range', `bytes */${stored.body.size}`]
  return { statusCode: 416, statusMessage: 'Range Not Satisfiable', fields, bytes: undefined }
}

/** The stored fields with an Age: "MUST generate … replacing any present in the response". */
function fieldsWithAge(stored: StoredResponse, age: number): FieldLines {
  return [...selected(stored.fields, (name) => name !== 'age'), 'age', String(Math.floor(age))]
}

function selected(fields: FieldLines, isWanted: (name: string) => boolean): string[] {
  const lines: string[] = []
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = fields[i] as string
    if (isWanted(name.toLowerCase())) lines.push(name, fields[i + 1] as string)
  }
  return lines
}
