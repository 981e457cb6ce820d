/** Tags of a response that is about to be stored: from a field of its own, from the user's function, or both. */
import { InvalidOptionError } from '../errors.ts'
import type { CacheRequest, ResponseHead } from '../policy/cache-request.ts'
import { fieldValue } from '../policy/field-lines.ts'
import { viewOf, viewOfResponse, type RequestView, type ResponseView } from './message-views.ts'

export type TagsFunction = (request: RequestView, response: ResponseView) => Iterable<string>

/** Tags of one response at most; what is beyond is left out. */
export const MAX_TAGS = 256

/** `own`: those that the request itself brings. */
export type Tagging = (request: CacheRequest, response: ResponseHead, own: readonly string[]) => readonly string[]

/** @throws {InvalidOptionError} when an option is of the wrong type */
export function taggingBy(tags: TagsFunction | undefined, tagsHeader: string | undefined): Tagging | undefined {
  if (tags !== undefined && typeof tags !== 'function') throw new InvalidOptionError('tags', 'a function', tags)
  if (tagsHeader !== undefined && (typeof tagsHeader !== 'string' || !/^[\w!#$%&'*+.^`|~-]+$/.test(tagsHeader))) {
    throw new InvalidOptionError('tagsHeader', 'a field name such as cache-tag', tagsHeader)
  }
  if (tags === undefined && tagsHeader === undefined) return undefined
  const name = tagsHeader?.toLowerCase()
  return (request, response, own) => {
    // Lists of Cache-Tag have commas, those of Surrogate-Key and xkey spaces; no tag has either.
    const ofField = name === undefined ? [] : (fieldValue(response.fields, name) ?? '').split(/[\s,]+/)
    const ofFunction = tags === undefined ? [] : Array.from(tags(viewOf(request), viewOfResponse(response)), String)
    return [...new Set([...own, ...ofField, ...ofFunction])].filter((tag) => tag !== '').slice(0, MAX_TAGS)
  }
}
