/** Reading field lines (RFC 9110 section 5): flat arrays of name, value, name, value. */
import type { FieldLines } from '../stored-response.ts'

/** All lines of a field joined with ', ' (RFC 9110 section 5.3), or undefined when there is none. `name` is lower case. */
export function fieldValue(fields: FieldLines, name: string): string | undefined {
  let value: string | undefined
  for (let i = 0; i + 1 < fields.length; i += 2) {
    if (!sameName(fields[i], name)) continue
    const line = fields[i + 1] as string
    value = value === undefined ? line : `${value}, ${line}`
  }
  return value
}

/** The first line of a field, for fields whose value must not be joined, such as dates. `name` is lower case. */
export function firstLine(fields: FieldLines, name: string): string | undefined {
  for (let i = 0; i + 1 < fields.length; i += 2) if (sameName(fields[i], name)) return fields[i + 1]
  return undefined
}

function sameName(received: string | undefined, name: string): boolean {
  return received !== undefined && received.length === name.length && received.toLowerCase() === name
}

/** Members of a comma-separated list (RFC 9110 section 5.6.1), trimmed, empty ones left out. */
export function listMembers(value: string): string[] {
  return value
    .split(',')
    .map((member) => member.trim())
    .filter((member) => member !== '')
}

/** Lower-case names listed in the field `name`, such as `connection` or `vary`. */
export function listedNames(fields: FieldLines, name: string): string[] {
  const value = fieldValue(fields, name)
  return value === undefined ? [] : listMembers(value.toLowerCase())
}
