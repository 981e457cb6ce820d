/** Vary (RFC 9111 section 4.1): which stored response of a URI a request selects. */
import { createHash } from 'node:crypto'
import { fieldValue, listMembers } from './field-lines.ts'
import { RememberedByText } from './remembered.ts'
import type { RequestFields } from './cache-request.ts'
import { NO_VARY, type FieldLines } from '../stored-response.ts'

/** More nominated fields than this is no negotiation but an accident or an attack: such a response is not stored. */
export const MAX_VARY_NAMES = 32

/**
 * Names that Vary nominates: lower case, sorted, each once. Undefined when nothing can ever match it: a member `*`
 * ("a stored response with a Vary header field value containing a member "*" always fails to match"), a member that is
 * no field name, or too many of them.
 */
export function varyNames(fields: FieldLines): readonly string[] | undefined {
  const value = fieldValue(fields, 'vary')
  if (value === undefined) return NO_VARY
  const names = [...new Set(listMembers(value.toLowerCase()))].sort()
  const valid =
    names.length <= MAX_VARY_NAMES && names.every((name) => name !== '*' && /^[\w!#$%&'+.^`|~-]+$/.test(name))
  return valid ? names : undefined
}

/**
 * Digest of the request's values for the nominated fields: '' without any. Two requests match exactly when their
 * digests are equal. It is a digest so that no credential that Vary nominates ever lies on the disk.
 */
export function variantOf(names: readonly string[], fields: RequestFields): string {
  if (names.length === 0) return ''
  if (names.some((name) => CREDENTIALS.has(name))) return digest(names, fields)
  let text = ''
  // With lengths, so that no two lists of fields give one text, whatever is in them.
  for (const name of names) text += `${name}:${fields[name]?.length ?? ''}:${fields[name] ?? ''}\n`
  return digests.get(text) ?? digests.set(text, digest(names, fields))
}

/** Clients send the same few preferences again and again. */
const digests = new RememberedByText<string>()
/** Values that are not to stay in memory. */
const CREDENTIALS = new Set(['authorization', 'proxy-authorization', 'cookie'])

function digest(names: readonly string[], fields: RequestFields): string {
  const selecting = names.map((name) => [name, normalised(name, fields[name])])
  return createHash('sha256').update(JSON.stringify(selecting)).digest('hex').slice(0, 32)
}

/**
 * A value without differences that mean nothing (section 4.1): white space around list members everywhere; for
 * Accept-Encoding and Accept-Language, whose members are weighted and not ordered (RFC 9110 sections 12.5.3 and 12.5.4),
 * also letter case and order. "If a header field is absent from a request, it can only match another request if it is
 * also absent there": null is not ''.
 */
function normalised(name: string, value: string | undefined): string | null {
  if (value === undefined) return null
  if (name === 'accept-encoding' || name === 'accept-language') {
    return listMembers(value.toLowerCase())
      .map((member) => member.replaceAll(/\s/g, ''))
      .sort()
      .join(',')
  }
  // A comma inside a quoted string is not a list's: such a value is compared as it is.
  return value.includes('"') ? value.trim() : listMembers(value).join(',')
}
