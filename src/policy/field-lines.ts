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
  return received?.length === name.length && (received === name || received.toLowerCase() === name)
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

/** Fields by lower-case name; a field that came on several lines is an array. */
export type FieldsByName = Record<string, string | string[]>

/** Field lines as an object. A name like `__proto__` is a name like any other. */
export function fieldsByName(fields: FieldLines): FieldsByName {
  const values: FieldsByName = {}
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = (fields[i] as string).toLowerCase()
    const value = fields[i + 1] as string
    const known = Object.hasOwn(values, name) ? values[name] : undefined
    if (Array.isArray(known)) known.push(value)
    else if (known !== undefined) values[name] = [known, value]
    else if (name === '__proto__') define(values, name, value)
    else values[name] = value
  }
  return values
}

/** What an assignment would do something else with. */
function define(values: FieldsByName, name: string, value: string): void {
  Object.defineProperty(values, name, { value, enumerable: true, configurable: true, writable: true })
}
