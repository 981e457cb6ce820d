/** Requests and responses as the user's functions see them. */
import type { CacheRequest, RequestFields, ResponseHead } from '../policy/cache-request.ts'
import { keyOfGet } from '../policy/cache-key.ts'
import { fieldsByName, type FieldsByName } from '../policy/field-lines.ts'

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

/** The target URI. */
export function uriOf({ key, laidDown }: Pick<CacheRequest, 'key' | 'laidDown'>): string {
  if (laidDown !== undefined) return laidDown.uri
  const uri = keyOfGet(key)
  const hash = uri.indexOf('#')
  return hash < 0 ? uri : uri.slice(0, hash)
}

export function viewOf(request: CacheRequest): RequestView {
  return viewOfUri(request.method, uriOf(request), request.fields)
}

/** The fields are a copy: what a function does to them is nobody else's. */
export function viewOfUri(method: string, url: string, fields: RequestFields): RequestView {
  return { method, url, headers: { ...fields } }
}

export function viewOfResponse({ statusCode, fields }: Pick<ResponseHead, 'statusCode' | 'fields'>): ResponseView {
  return { statusCode, headers: fieldsByName(fields) }
}
