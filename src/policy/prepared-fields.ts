/**
 * A stored response's fields in the forms that consumers take, by name and raw, worked out once for many hits: only Age
 * and what the cache has to say changes from one to the next.
 */
import { fieldsByName, type FieldsByName } from './field-lines.ts'
import { RememberedByText } from './remembered.ts'
import type { FieldLines } from '../stored-response.ts'

export interface SentFields {
  readonly headers: FieldsByName
  /** Flat pairs. The Buffers are shared between hits. */
  readonly raw: Buffer[]
}

/** Bytes of memory that these fields take when they are prepared, roughly. */
export function preparedSize(fields: FieldLines): number {
  return fields.reduce((sum, part) => sum + part.length + PART_OVERHEAD, 0)
}

/** Prepared at the first hit: of what is read from disk, much is never asked for again before it goes. */
export class PreparedFields {
  readonly #fields: FieldLines
  #forms: Forms | undefined

  constructor(fields: FieldLines) {
    this.#fields = fields
  }

  /** With `age` in whole seconds, and with this member of Cache-Status after what caches before this one have said. */
  at(age: number, status: string | undefined): SentFields {
    this.#forms ??= new Forms(this.#fields)
    return this.#forms.at(age, status)
  }
}

class Forms {
  /** With places for what changes: a copy that only fills them is the cheapest. */
  readonly #headers: FieldsByName
  readonly #marked: FieldsByName
  /** What caches before this one have said. */
  readonly #before: string | string[] | undefined
  readonly #raw: readonly Buffer[]

  /** Of all lines but Age: "MUST generate … replacing any present in the response" (RFC 9111 section 5.1). */
  constructor(fields: FieldLines) {
    const lines: string[] = []
    for (let i = 0; i + 1 < fields.length; i += 2) {
      if ((fields[i] as string).toLowerCase() !== 'age') lines.push(fields[i] as string, fields[i + 1] as string)
    }
    const headers: FieldsByName = { ...fieldsByName(lines), age: '' }
    this.#before = headers[STATUS_NAME]
    this.#headers = headers
    this.#marked = { ...headers, [STATUS_NAME]: '' }
    // Most names and many values are those of other responses too: what is shared is in the processor's cache already.
    this.#raw = lines.map(bytesOf)
  }

  at(age: number, status: string | undefined): SentFields {
    const value = String(age)
    const headers = status === undefined ? { ...this.#headers } : { ...this.#marked }
    headers['age'] = value
    if (status !== undefined) headers[STATUS_NAME] = this.#before === undefined ? status : [this.#before, status].flat()
    return new FieldsOfHit(headers, this.#raw, value, status)
  }
}

class FieldsOfHit implements SentFields {
  readonly headers: FieldsByName
  readonly #prepared: readonly Buffer[]
  readonly #age: string
  readonly #status: string | undefined
  #raw: Buffer[] | undefined

  constructor(headers: FieldsByName, prepared: readonly Buffer[], age: string, status: string | undefined) {
    this.headers = headers
    this.#prepared = prepared
    this.#age = age
    this.#status = status
  }

  get raw(): Buffer[] {
    if (this.#raw !== undefined) return this.#raw
    const raw = [...this.#prepared, AGE, bytesOf(this.#age)]
    if (this.#status !== undefined) raw.push(STATUS, bytesOf(this.#status))
    this.#raw = raw
    return raw
  }
}

const STATUS_NAME = 'cache-status'
const STATUS = Buffer.from(STATUS_NAME)
const AGE = Buffer.from('age')
/** Bytes of a Buffer and of its string beside what is in them. */
const PART_OVERHEAD = 120

const known = new RememberedByText<Buffer>()

/** Names, ages and statuses of the moment are the same for many: so are these. */
export function bytesOf(text: string): Buffer {
  return known.get(text) ?? known.set(text, Buffer.from(text, 'latin1'))
}
