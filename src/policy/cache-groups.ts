/** Cache groups (RFC 9875): responses of one origin that an unsafe request invalidates together. */
import { parseList } from 'structured-headers'
import { fieldValue, type FieldsByName } from './field-lines.ts'
import type { FieldLines } from '../stored-response.ts'

/** Groups that a stored response belongs to. */
export function groupsOf(fields: FieldLines): ReadonlySet<string> {
  return strings(fieldValue(fields, 'cache-groups'))
}

/** Groups that an answer to an unsafe request invalidates (section 3). */
export function invalidatedGroups(headers: Readonly<Partial<FieldsByName>>): ReadonlySet<string> {
  const value = headers['cache-group-invalidation']
  return strings(value === undefined ? undefined : [value].flat().join(', '))
}

/** Section 2: a List of Strings, whose order and parameters mean nothing; anything else is ignored whole. */
function strings(value: string | undefined): ReadonlySet<string> {
  if (value === undefined) return new Set()
  try {
    const members = parseList(value).map(([member]) => member)
    return members.every((member) => typeof member === 'string') ? new Set(members) : new Set()
  } catch {
    return new Set()
  }
}
