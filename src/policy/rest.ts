/**
 * The rest of a stored body whose file turned out damaged when its beginning was already with the caller: from the
 * origin, by a range request (RFC 9110 section 14), and only where it is certain to be the rest of the same.
 */
import { firstLine } from './field-lines.ts'
import type { ResponseHead } from './cache-request.ts'
import type { ByteRange } from './ranges.ts'
import type { StoredResponse } from '../stored-response.ts'

/**
 * Fields that ask for the rest of a stored response. Undefined without a strong entity tag: "a client MUST NOT generate an
 * If-Range header field containing an entity tag that is marked as weak" (section 13.1.5).
 */
export function restFields(stored: StoredResponse, { start, end }: ByteRange): Record<string, string> | undefined {
  const etag = firstLine(stored.fields, 'etag')
  if (stored.statusCode !== 200 || etag === undefined || !etag.startsWith('"')) return undefined
  return { range: `bytes=${start}-${end - 1}`, 'if-range': etag }
}

/**
 * How many bytes of the answer come before the rest: none of the part that was asked for, all before `start` where the
 * origin sends the whole of the same. Undefined where the answer is of something else.
 */
export function bytesBeforeRest(
  answer: ResponseHead,
  stored: StoredResponse,
  { start, end }: ByteRange,
): number | undefined {
  if (firstLine(answer.fields, 'etag') !== firstLine(stored.fields, 'etag')) return undefined
  if (answer.statusCode === 200) return start
  const isAsked = firstLine(answer.fields, 'content-range') === `bytes ${start}-${end - 1}/${stored.body.size}`
  return answer.statusCode === 206 && isAsked ? 0 : undefined
}

/** Whether the answer looks like the same response once more, as far as fields can tell. */
export function isRepeated(answer: ResponseHead, { statusCode, fields }: StoredResponse): boolean {
  const names = ['etag', 'last-modified', 'content-length', 'content-encoding', 'content-type']
  return (
    answer.statusCode === statusCode &&
    names.every((name) => firstLine(answer.fields, name) === firstLine(fields, name))
  )
}
