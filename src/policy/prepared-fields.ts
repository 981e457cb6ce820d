/**
 * A stored response's fields in the forms that consumers take, by name and raw, worked out once for many hits: only Age
 * and what the cache has to say changes from one to the next.
 */
import { bytesOf, bytesOnce } from './field-bytes.ts'
import { fieldsByName, type FieldsByName } from './field-lines.ts'
import type { FieldLines } from '../stored-response.ts'

export interface SentFields {
  readonly headers: FieldsByName
  /** Flat pairs, for the taker to keep. The Buffers are shared between hits. */
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
  readonly #lines: FieldLines
  /** With what was said last of these two. */
  #raw: Buffer[] | undefined
  #age: string | undefined
  #status: string | undefined

  constructor(fields: FieldLines) {
    const lines = withoutAge(fields)
    const headers: FieldsByName = { ...fieldsByName(lines), age: '' }
    this.#before = headers[STATUS_NAME]
    this.#headers = headers
    this.#marked = { ...headers, [STATUS_NAME]: '' }
    this.#lines = lines
  }

  /** Made when somebody asks. What other responses say too is shared: the processor has it at hand. */
  rawAt(age: string, status: string | undefined): Buffer[] {
    const raw = (this.#raw ??= [...this.#lines.map(bytesOf), AGE, AGE, STATUS, STATUS])
    const { length } = raw
    // All hits of a second have the same.
    if (age !== this.#age) raw[length - 3] = bytesOf((this.#age = age))
    if (status === undefined) return raw.slice(0, length - 2)
    if (status !== this.#status) raw[length - 1] = bytesOf((this.#status = status))
    return raw.slice()
  }

  at(age: number, status: string | undefined): SentFields {
    const headers = status === undefined ? { ...this.#headers } : { ...this.#marked }
    return new FieldsOfHit(headers, this.#before, this, age, status)
  }
}

/** Fields that are sent once: with less work than preparing them. */
export function fieldsOnce(fields: FieldLines, age: number, status: string | undefined): SentFields {
  const lines = withoutAge(fields)
  const headers = fieldsByName(lines)
  return new FieldsOfHit(headers, headers[STATUS_NAME], lines, age, status)
}

/** RFC 9111 section 5.1: "MUST generate … replacing any present in the response". */
function withoutAge(fields: FieldLines): FieldLines {
  const isAge = (name: string | undefined): boolean => name?.length === 3 && name.toLowerCase() === 'age'
  return fields.some((name, i) => i % 2 === 0 && isAge(name))
    ? fields.filter((_, i) => !isAge(fields[i - (i % 2)]))
    : fields
}

class FieldsOfHit implements SentFields {
  readonly headers: FieldsByName
  readonly #stored: Forms | FieldLines
  readonly #age: string
  readonly #status: string | undefined
  #raw: Buffer[] | undefined

  /** `before` is what caches before this one have said. */
  constructor(
    headers: FieldsByName,
    before: string | string[] | undefined,
    stored: Forms | FieldLines,
    age: number,
    status: string | undefined,
  ) {
    this.headers = headers
    this.#stored = stored
    this.#age = String(age)
    this.#status = status
    headers['age'] = this.#age
    if (status !== undefined) headers[STATUS_NAME] = before === undefined ? status : [before, status].flat()
  }

  get raw(): Buffer[] {
    const stored = this.#stored
    this.#raw ??=
      stored instanceof Forms ? stored.rawAt(this.#age, this.#status) : rawOnce(stored, this.#age, this.#status)
    return this.#raw
  }
}

const STATUS_NAME = 'cache-status'
const STATUS = bytesOf(STATUS_NAME)
const AGE = bytesOf('age')
/** Bytes of a Buffer and of its string beside what is in them. */
const PART_OVERHEAD = 120

/**
 * The names will come again, and values that are known already; others are not worth knowing. Most are those of the
 * response before this one, and the same strings: comparing takes less than looking for them.
 */
function rawOnce(lines: FieldLines, age: string, status: string | undefined): Buffer[] {
  const before = last
  const raw = lines.map((part, i) => (part === before.lines[i] ? before.raw[i] : undefined) ?? inBytes(part, i))
  last = { lines, raw }
  return status === undefined ? [...raw, AGE, bytesOf(age)] : [...raw, AGE, bytesOf(age), STATUS, bytesOf(status)]
}

function inBytes(part: string, i: number): Buffer {
  return i % 2 === 0 ? bytesOf(part) : bytesOnce(part)
}

let last: { readonly lines: FieldLines; readonly raw: readonly Buffer[] } = { lines: [], raw: [] }
