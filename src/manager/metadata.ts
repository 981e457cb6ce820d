/** What users note with stored responses: anything that JSON has, kept as its text. */
import { InvalidOptionError } from '../errors.ts'

/** Bytes of one response's at most, whatever else is laid down. */
export const MOST_METADATA: number = 2 ** 20

/**
 * Undefined for undefined.
 * @throws {InvalidOptionError} when JSON has no such value
 */
export function metadataJson(option: string, value: unknown): string | undefined {
  if (value === undefined) return undefined
  const json = value instanceof Promise ? undefined : toJson(value)
  if (json === undefined) throw new InvalidOptionError(option, 'plain JSON', value)
  return json
}

function toJson(value: unknown): string | undefined {
  try {
    return JSON.stringify(value)
  } catch {
    return undefined
  }
}
