/**
 * Every error class of the package, each with a `code`.
 *
 * | code                       | class                | when                                                          |
 * |----------------------------|----------------------|---------------------------------------------------------------|
 * | `USC_ERR_INVALID_OPTION`   | `InvalidOptionError` | an option or argument is wrong; thrown at construction        |
 * | `USC_ERR_DIRECTORY`        | `DirectoryError`     | the cache directory cannot be made or is not ours to write in |
 * | `USC_ERR_CLOSED`           | `ClosedError`        | a method of a closed manager was called                       |
 * | `USC_ERR_CONTENT`          | `ContentError`       | a stored body is missing, of another length, or damaged       |
 *
 * `isCacheError` and `findCacheError` tell them without `instanceof`.
 *
 * None of them reaches the caller of a request because of the cache alone: a request meets at most `ContentError`,
 * when a body turns out damaged after its first chunks went out.
 */

/** An option or argument is wrong. The message says what was expected and what came. */
export class InvalidOptionError extends TypeError {
  readonly code = 'USC_ERR_INVALID_OPTION'
  /** Name of the option, such as `maxEntries`. */
  readonly option: string

  constructor(option: string, expected: string, received: unknown) {
    super(`Expected \`${option}\` to be ${expected}, got ${describe(received)}`)
    this.name = 'InvalidOptionError'
    this.option = option
  }
}

/** The cache directory cannot be made, read or written (`cause` is the system's error), or not be shared as it would be. */
export class DirectoryError extends Error {
  readonly code = 'USC_ERR_DIRECTORY'
  readonly directory: string

  constructor(directory: string, reason: string, cause?: unknown) {
    super(`Cannot keep a cache in ${directory}: ${reason}`, { cause })
    this.name = 'DirectoryError'
    this.directory = directory
  }
}

/** A method was called after `close()`. */
export class ClosedError extends Error {
  readonly code = 'USC_ERR_CLOSED'

  constructor() {
    super('The manager is closed')
    this.name = 'ClosedError'
  }
}

/** A stored body is missing, has another length than its record says, or fails its checksum. */
export class ContentError extends Error {
  readonly code = 'USC_ERR_CONTENT'

  constructor(message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'ContentError'
  }
}

/** Any of them: `code` says which. */
export type CacheError = InvalidOptionError | DirectoryError | ClosedError | ContentError

export type CacheErrorCode = CacheError['code']

const CODES: Readonly<Record<CacheErrorCode, true>> = {
  USC_ERR_INVALID_OPTION: true,
  USC_ERR_DIRECTORY: true,
  USC_ERR_CLOSED: true,
  USC_ERR_CONTENT: true,
}

/** A chain of causes is followed so far: it may lead back to its beginning. */
const MAX_CAUSES = 16

/**
 * Tells errors of this package by their code, also those of another copy of it, for which `instanceof` does not hold.
 *
 * @example
 * if (isCacheError(error, 'USC_ERR_DIRECTORY')) console.error(error.directory, error.cause)
 */
export function isCacheError<C extends CacheErrorCode = CacheErrorCode>(
  value: unknown,
  code?: C,
): value is Extract<CacheError, { readonly code: C }> {
  if (typeof value !== 'object' || value === null || !('code' in value)) return false
  return typeof value.code === 'string' && Object.hasOwn(CODES, value.code) && (code ?? value.code) === value.code
}

/**
 * The first error of this package in a chain of causes: what Node's `fetch` and streams reject with has ours as its
 * `cause`. Undefined where there is none.
 */
export function findCacheError(error: unknown): CacheError | undefined {
  let current = error
  for (let i = 0; i < MAX_CAUSES; i++) {
    if (isCacheError(current)) return current
    if (typeof current !== 'object' || current === null || !('cause' in current)) return undefined
    current = current.cause
  }
  return undefined
}

/** A value as an error message shows it: its type, and the value itself where it is short. */
function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (typeof value === 'string')
    return `the string ${JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value)}`
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') {
    return `the ${typeof value} ${value}`
  }
  if (Array.isArray(value)) return `an array of length ${value.length}`
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'symbol') return 'a symbol'
  return `an object of class ${value.constructor?.name ?? 'unknown'}`
}
