/** The fields of a response served from the cache (RFC 9111 sections 4 and 5.1). */
import type { FieldLines, StoredResponse } from '../stored-response.ts'

/** The stored fields with an Age: "MUST generate … replacing any present in the response". `age` is in seconds. */
export function fieldsWithAge(stored: StoredResponse, age: number): FieldLines {
  const lines: string[] = []
  for (let i = 0; i + 1 < stored.fields.length; i += 2) {
    const name = stored.fields[i] as string
    if (name.toLowerCase() !== 'age') lines.push(name, stored.fields[i + 1] as string)
  }
  lines.push('age', String(Math.floor(age)))
  return lines
}
