/** Tags of a response that is about to be stored: from a field of its own, from the user's function, or both. */
import { InvalidOptionError } from '../errors.ts'
import type { CacheRequest, ResponseHead } from '../policy/cache-request.ts'
import { fieldsByName, fieldValue, type FieldsByName } from '../policy/field-lines.ts'
import { keyOfGet } from '../policy/cache-key.ts'

/** A request as the user's functions see it. */
export interface RequestView {
  readonly method: string
  /** Absolute, without what the cache adds to keys. */
  readonly url: string
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | undefined>>
}

/** A response as the user's functions see it. */
export interface ResponseView {
  readonly statusCode: number
  /** By lower-case name; what came on several lines is an array. */
  readonly headers: FieldsByName
}

export type TagsFunction = (request: RequestView, response: ResponseView) => Iterable<string>

/** Tags of one response at most; what is beyond is left out. */
export const MAX_TAGS = 256

export type Tagging = (request: CacheRequest, response: ResponseHead) => readonly string[]

/** @throws {InvalidOptionError} when an option is of the wrong type */
export function taggingBy(tags: TagsFunction | undefined, tagsHeader: string | undefined): Tagging | undefined {
  if (tags !== undefined && typeof tags !== 'function') throw new InvalidOptionError('tags', 'a function', tags)
  if (tagsHeader !== undefined && (typeof tagsHeader !== 'string' || !/^[\w!#$%&'*+.^`|~-]+$/.test(tagsHeader))) {
    throw new InvalidOptionError('tagsHeader', 'a field name such as cache-tag', tagsHeader)
  }
  if (tags === undefined && tagsHeader === undefined) return undefined
  const name = tagsHeader?.toLowerCase()
  return (request, response) => {
    // Lists of Cache-Tag have commas, those of Surrogate-Key and xkey spaces; no tag has either.
    const ofField = name === undefined ? [] : (fieldValue(response.fields, name) ?? '').split(/[\s,]+/)
    const ofFunction = tags === undefined ? [] : Array.from(tags(viewOf(request), viewOfResponse(response)), String)
    return [...new Set([...ofField, ...ofFunction])].filter((tag) => tag !== '').slice(0, MAX_TAGS)
  }
}

export function viewOf({ method, key, fields }: CacheRequest): RequestView {
  const uri = keyOfGet(key)
  const hash = uri.indexOf('#')
  return { method, url: hash < 0 ? uri : uri.slice(0, hash), headers: fields }
}

export function viewOfResponse({ statusCode, fields }: ResponseHead): ResponseView {
  return { statusCode, headers: fieldsByName(fields) }
}
