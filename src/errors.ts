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
