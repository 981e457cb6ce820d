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
 * Section 4.3.4: whether a 304 is for the stored response that was asked about. An entity tag in it decides, where it has
 * none a Last-Modified. In two things it is taken for ours where the letter would ask again, and both times because the
 * condition that it answers had the validators of one stored response and of no other:
 *
 * - Without any validator. A 304 "MUST generate" the ETag of its 200 (RFC 9110 section 15.4.5), and servers forget it.
 * - With `"x"` for a stored `W/"x"`. nginx makes the tag of what it compresses weak, and leaves that of its 304 as it is:
 *   by the letter no compressed response of such a server could ever be validated. See `isWeakened`.
 */
export function isFor(notModified: ResponseHead, stored: StoredResponse): boolean {
  const etag = firstLine(notModified.fields, 'etag')
  const ourTag = firstLine(stored.fields, 'etag')
  if (etag !== undefined) {
    if (ourTag === undefined) return false
    return isWeak(etag) || isWeak(ourTag) ? opaqueTag(etag) === opaqueTag(ourTag) : etag === ourTag
  }
  const lastModified = firstLine(notModified.fields, 'last-modified')
  const ours = firstLine(stored.fields, 'last-modified')
  return lastModified === undefined || ours === undefined || lastModified === ours
}

/** "All the stored responses … with one of those same strong validators are identified for update", asked about or not. */
export function hasStrongTagOf(notModified: ResponseHead, stored: StoredResponse): boolean {
  const etag = firstLine(notModified.fields, 'etag')
  return etag !== undefined && !isWeak(etag) && etag === firstLine(stored.fields, 'etag')
}

function isWeak(etag: string): boolean {
  return etag.startsWith('W/')
}

function opaqueTag(etag: string): string {
  return isWeak(etag) ? etag.slice(2) : etag
}

/**
 * The strong tag is that of other bytes with the same meaning, such as those before compression. What is stored keeps its
 * weak one, so that no part of it is ever put beside a part of those.
 */
function isWeakened(stored: FieldLines, update: FieldLines): boolean {
  return isWeak(firstLine(stored, 'etag') ?? '') && !isWeak(firstLine(update, 'etag') ?? 'W/')
}

/**
 * Section 3.2: the stored response with the fields of the 304, each name's lines "replacing" the stored ones, but for
 * what is never stored and Content-Length. A shared cache takes no Set-Cookie in this way.
 */
export function freshened(stored: StoredResponse, notModified: ResponseHead, times: Times): StoredResponse {
  // "a recipient with a clock that receives a response … without a Date MUST record the time it was received"
  const update = storedFields(notModified.fields, times.responseTime, stored.scope)
  // And once more for what the stored directives list and the update has: `no-cache="x"` binds that x, too.
  const { staleFrom: _, ...rest } = stored
  return { ...rest, ...times, fields: storedFields(mergedFields(stored, update), times.responseTime, stored.scope) }
}

function mergedFields(stored: StoredResponse, update: FieldLines): FieldLines {
  const excepted = new Set(['content-length'])
  if (stored.scope === 'shared') excepted.add('set-cookie')
  if (isWeakened(stored.fields, update)) excepted.add('etag')
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
 * Section 4.3.5: a 200 to HEAD says what a GET would bring. "If the stored response and HEAD response have matching values
 * for any received validator fields" and length it updates the stored response to GET; undefined when one of them differs,
 * and what is stored is right no more.
 */
export function updatedByHead(stored: StoredResponse, head: ResponseHead, times: Times): StoredResponse | undefined {
  const length = firstLine(head.fields, 'content-length')
  if (length !== undefined && length !== String(stored.body.size)) return undefined
  for (const name of ['etag', 'last-modified']) {
    const received = firstLine(head.fields, name)
    if (received !== undefined && received !== firstLine(stored.fields, name)) return undefined
  }
  return freshened(stored, head, times)
}
