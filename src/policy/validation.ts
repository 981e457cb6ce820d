/** Validation (RFC 9111 section 4.3): asking the origin whether a stored response is still right. */
import { firstLine } from './field-lines.ts'
import { storedFields } from './storing.ts'
import type { ResponseHead } from './cache-request.ts'
import type { FieldLines, StoredResponse } from '../stored-response.ts'
import type { Times } from './storing.ts'

/**
 * Section 4.3.1: fields that make a request conditional, "If-None-Match" with the stored entity tag and
 * "If-Modified-Since" with the stored Last-Modified, both byte for byte. Empty without a validator.
 */
export function conditionalFields(stored: StoredResponse): Record<string, string> {
  const fields: Record<string, string> = {}
  const etag = firstLine(stored.fields, 'etag')
  if (etag !== undefined) fields['if-none-match'] = etag
  const lastModified = firstLine(stored.fields, 'last-modified')
  if (lastModified !== undefined) fields['if-modified-since'] = lastModified
  return fields
}

/**
 * Section 4.3.4: a 304 is for this stored response when its validators are. An entity tag decides alone: strong ones
 * by strong comparison, weak ones by weak. A 304 that has no validator answers the only one that was asked about.
 */
export function isFor(notModified: ResponseHead, stored: StoredResponse): boolean {
  const etag = firstLine(notModified.fields, 'etag')
  if (etag !== undefined) {
    const ours = firstLine(stored.fields, 'etag')
    if (ours === undefined) return false
    return etag.startsWith('W/') ? opaqueTag(etag) === opaqueTag(ours) : etag === ours || `W/${etag}` === ours
  }
  const lastModified = firstLine(notModified.fields, 'last-modified')
  const ours = firstLine(stored.fields, 'last-modified')
  return lastModified === undefined || ours === undefined || lastModified === ours
}

function opaqueTag(etag: string): string {
  return etag.startsWith('W/') ? etag.slice(2) : etag
}

/**
 * Section 3.2: the stored response with the fields of the 304, each name's lines "replacing" the stored ones, but for
 * what is never stored and Content-Length. A shared cache takes no Set-Cookie in this way.
 */
export function freshened(stored: StoredResponse, notModified: ResponseHead, times: Times): StoredResponse {
  // "a recipient with a clock that receives a response … without a Date MUST record the time it was received"
  const update = storedFields(notModified.fields, times.responseTime, stored.scope)
  return { ...stored, ...times, fields: mergedFields(stored, update) }
}

function mergedFields(stored: StoredResponse, update: FieldLines): FieldLines {
  const excepted = new Set(['content-length'])
  if (stored.scope === 'shared') excepted.add('set-cookie')
  const lines: string[] = []
  const replaced = new Set<string>()
  for (let i = 0; i + 1 < update.length; i += 2) {
    const name = (update[i] as string).toLowerCase()
    if (excepted.has(name)) continue
    replaced.add(name)
    lines.push(update[i] as string, update[i + 1] as string)
  }
  // The age of before says nothing about the response that the origin has just vouched for.
  replaced.add('age')
  const kept: string[] = []
  for (let i = 0; i + 1 < stored.fields.length; i += 2) {
    const name = stored.fields[i] as string
    if (!replaced.has(name.toLowerCase())) kept.push(name, stored.fields[i + 1] as string)
  }
  return [...kept, ...lines]
}

/**
 * Section 4.3.5: a 200 to HEAD says what a GET would bring. With the same validators and length it updates the stored
 * response to GET; undefined when one of them differs, and what is stored is right no more.
 */
export function updatedByHead(stored: StoredResponse, head: ResponseHead, times: Times): StoredResponse | undefined {
  const length = firstLine(head.fields, 'content-length')
  if (length !== undefined && length !== String(stored.body.size)) return undefined
  for (const name of ['etag', 'last-modified']) {
    if (firstLine(head.fields, name) !== firstLine(stored.fields, name)) return undefined
  }
  return freshened(stored, head, times)
}
