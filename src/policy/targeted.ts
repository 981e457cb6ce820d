/**
 * Targeted cache control (RFC 9213): fields such as CDN-Cache-Control that speak to some caches only. None is read unless
 * it is on the target list: "the suffix alone is no identification" (section 2.4).
 */
import { parseDictionary } from 'structured-headers'
import { fieldValue } from './field-lines.ts'
import type { FieldLines } from '../stored-response.ts'

/**
 * The fields that freshness and storing are decided by. The first target field that is valid and not empty stands in for
 * Cache-Control, and then "MUST ignore the Cache-Control and Expires header fields" (section 2.2).
 */
export function effectiveFields(fields: FieldLines, targets: readonly string[]): FieldLines {
  for (const target of targets) {
    const control = targetedControl(fieldValue(fields, target))
    if (control === undefined) continue
    const others: string[] = ['cache-control', control]
    for (let i = 0; i + 1 < fields.length; i += 2) {
      const name = (fields[i] as string).toLowerCase()
      if (name !== 'cache-control' && name !== 'expires') others.push(fields[i] as string, fields[i + 1] as string)
    }
    return others
  }
  return fields
}

/** The dictionary as Cache-Control would say it. Undefined when it is absent, empty or malformed: it is ignored whole. */
function targetedControl(value: string | undefined): string | undefined {
  if (value === undefined || value.trim() === '') return undefined
  try {
    const members = Array.from(parseDictionary(value), ([name, [member]]) => toDirective(name, member))
    return members.filter((member) => member !== undefined).join(', ')
  } catch {
    return undefined
  }
}

/** Section 2.1: a value of another type than its directive has is not consumed; parameters mean nothing. */
function toDirective(name: string, value: unknown): string | undefined {
  if (value === true) return name
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return `${name}=${value}`
  // Field lists of `private` and `no-cache`; whatever else comes in their place counts as the stricter reading.
  return name === 'private' || name === 'no-cache' ? name : undefined
}
