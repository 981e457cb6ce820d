/** Field lines between undici's forms: flat pairs, flat Buffers, and objects by lower-case name. */
import type { IncomingHttpHeaders } from 'node:http'
import { bytesOf } from '../policy/field-bytes.ts'
import { fieldsByName, type FieldsByName } from '../policy/field-lines.ts'
import type { SentFields } from '../policy/prepared-fields.ts'
import type { FieldLines } from '../stored-response.ts'
import type { RawHeaders } from './dispatch.ts'

/**
 * Field lines of a response: the raw ones in their order and case where there are such, else those of the object.
 * undici 7's wrappers nest repeated values: name, [value, value].
 */
export function toFieldLines(raw: RawHeaders, headers: IncomingHttpHeaders): FieldLines {
  const lines: string[] = []
  if (Array.isArray(raw)) {
    for (let i = 0; i + 1 < raw.length; i += 2) {
      const name = latin1(raw[i])
      const value: unknown = raw[i + 1]
      if (Array.isArray(value)) for (const each of value) lines.push(name, latin1(each))
      else lines.push(name, latin1(value))
    }
    return lines
  }
  for (const [name, value] of Object.entries(headers)) {
    for (const line of [value].flat()) if (line !== undefined) lines.push(name, line)
  }
  return lines
}

/** Flat Buffers, one pair a line: the one form of raw headers that every fetch of undici 6 to 8 reads right. */
export function toRawHeaders(fields: FieldLines): Buffer[] {
  return fields.map((part) => Buffer.from(part, 'latin1'))
}

/** Field lines in both forms. */
export function sentFields(fields: FieldLines): SentFields {
  return new SentLines(fields)
}

/** Most consumers read one form only. */
class SentLines implements SentFields {
  readonly headers: FieldsByName
  readonly #fields: FieldLines
  #raw: Buffer[] | undefined

  constructor(fields: FieldLines) {
    this.headers = fieldsByName(fields)
    this.#fields = fields
  }

  get raw(): Buffer[] {
    this.#raw ??= this.#fields.map(bytesOf)
    return this.#raw
  }
}

function latin1(part: unknown): string {
  return Buffer.isBuffer(part) ? part.toString('latin1') : String(part)
}
