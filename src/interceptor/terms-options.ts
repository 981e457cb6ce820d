/** Lifetimes and windows as options: of the interceptor, of its rules, and of single requests. */
import { InvalidOptionError } from '../errors.ts'
import { CACHE_MODES, type CacheMode } from '../policy/cache-mode.ts'
import { TERM_NAMES, type Terms } from '../stored-response.ts'

/** All in seconds, from the moment at which a response came or was last validated. */
export interface TermsOptions {
  /**
   * Freshness of what may be stored, in the place of what it states. Errors (400 and above) have theirs by `negativeTtl`
   * or by a rule that names their status.
   */
  readonly ttl?: number
  /** Freshness at least, of what `ttl` would be for. */
  readonly minTtl?: number
  /** Freshness at most. It caps a lifetime, wherever that comes from, and never extends one. */
  readonly maxTtl?: number
  /** In the place of a response's own stale-if-error; where it says `must-revalidate` and the like, that holds. */
  readonly staleIfError?: number
  /** In the place of a response's own stale-while-revalidate, as above. */
  readonly staleWhileRevalidate?: number
}

/** For those who know which options there are. */
export const TERMS: Readonly<Record<string, true>> = Object.fromEntries(TERM_NAMES.map((name) => [name, true]))

/** RFC 9111 section 1.2.2. */
const MOST_SECONDS = 2 ** 31

/**
 * Undefined where none is given. `path` goes before the names of options in errors.
 * @throws {InvalidOptionError} when one is out of range, or the least is more than the most
 */
export function resolveTerms(path: string, given: TermsOptions): Terms | undefined {
  const terms: Record<string, number> = {}
  for (const name of TERM_NAMES) {
    const value = resolveSeconds(path + name, given[name])
    if (value !== undefined) terms[name] = value
  }
  const { minTtl = 0, maxTtl = Infinity } = terms
  if (minTtl > maxTtl) throw new InvalidOptionError(`${path}minTtl`, `${maxTtl} (maxTtl) at most`, minTtl)
  return Object.keys(terms).length === 0 ? undefined : terms
}

/** @throws {InvalidOptionError} when it is out of range */
export function resolveSeconds(option: string, value: unknown): number | undefined {
  if (value === undefined) return undefined
  if (Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= MOST_SECONDS) return value as number
  throw new InvalidOptionError(option, `an integer from 0 to ${MOST_SECONDS}, in seconds`, value)
}

/** @throws {InvalidOptionError} when it is none */
export function resolveMode(option: string, value: unknown): CacheMode | undefined {
  if (value === undefined || CACHE_MODES.includes(value as CacheMode)) return value as CacheMode | undefined
  throw new InvalidOptionError(option, `one of ${CACHE_MODES.join(', ')}`, value)
}

/** Each of the first where it is given, else of the second. */
export function mergeTerms(first: Terms | undefined, second: Terms | undefined): Terms | undefined {
  if (first === undefined || second === undefined) return first ?? second
  return { ...second, ...first }
}
