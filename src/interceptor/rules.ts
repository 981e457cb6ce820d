/**
 * Rules: what is laid down for some origins, paths, content types and statuses. The first that matches counts. What a
 * request's mode is must be known before its response: for that the first counts that looks at the request alone.
 */
import { InvalidOptionError } from '../errors.ts'
import { rejectUnknown } from '../manager/options.ts'
import type { CacheMode } from '../policy/cache-mode.ts'
import type { ResponseHead } from '../policy/cache-request.ts'
import { fieldValue } from '../policy/field-lines.ts'
import type { Terms } from '../stored-response.ts'
import { originFilter } from './origins.ts'
import { matcherOf, type Matcher, type Pattern } from './patterns.ts'
import { resolveMode, resolveSeconds, resolveTerms, TERMS, type TermsOptions } from './terms-options.ts'

/** A status, or all of a class: `'5xx'`. */
export type StatusPattern = number | `${2 | 3 | 4 | 5}xx`

export interface Rule extends TermsOptions {
  /** Origins as in the option `origins`. Default all. */
  readonly origin?: Pattern | readonly Pattern[]
  /** Paths, without the query: `/api/*` (`*` stands for anything), or a RegExp. Default all. */
  readonly path?: Pattern | readonly Pattern[]
  /** Media types of responses, in lower case and without parameters: `image/*`, or a RegExp. Default all. */
  readonly contentType?: Pattern | readonly Pattern[]
  /** Statuses of responses. `ttl` and `minTtl` are for errors only in a rule that names their status. Default all. */
  readonly status?: StatusPattern | readonly StatusPattern[]
  /** Seconds of freshness for errors that state none, in the place of the interceptor's. Default none. */
  readonly negativeTtl?: number
  /** How the request uses the cache. With `contentType` or `status` only `no-store`: such a response is not stored. */
  readonly mode?: CacheMode
}

interface CompiledRule {
  readonly matchesRequest: (uri: string) => boolean
  readonly matchesResponse: ((response: Pick<ResponseHead, 'statusCode' | 'fields'>) => boolean) | undefined
  readonly mode: CacheMode | undefined
  readonly outcome: RuleOutcome
}

/** What a rule says of a response. */
export interface RuleOutcome {
  readonly terms: Terms | undefined
  readonly negativeTtl: number | undefined
  readonly namesStatus: boolean
  readonly refuses: boolean
}

const CRITERIA = { origin: true, path: true, contentType: true, status: true } as const
const KNOWN = { ...CRITERIA, ...TERMS, negativeTtl: true, mode: true } as const

export class Rules {
  readonly #rules: readonly CompiledRule[]
  readonly #ofRequests: readonly CompiledRule[]

  /** @throws {InvalidOptionError} when a rule is wrong; it names which */
  constructor(given: readonly Rule[]) {
    if (!Array.isArray(given)) throw new InvalidOptionError('rules', 'a list of rules', given)
    this.#rules = given.map((rule: Rule, i) => compile(rule, `rules[${i}]`))
    const ofRequests = this.#rules.filter(({ matchesResponse }) => matchesResponse === undefined)
    this.#ofRequests = ofRequests.some(({ mode }) => mode !== undefined) ? ofRequests : []
  }

  /** Some rule says in which mode requests are. */
  get haveModes(): boolean {
    return this.#ofRequests.length > 0
  }

  modeOf(uri: string): CacheMode | undefined {
    return this.#ofRequests.find(({ matchesRequest }) => matchesRequest(uri))?.mode
  }

  /** What the first that matches says of this response. */
  outcomeOf(uri: string, response: Pick<ResponseHead, 'statusCode' | 'fields'>): RuleOutcome | undefined {
    return this.#rules.find((rule) => rule.matchesRequest(uri) && rule.matchesResponse?.(response) !== false)?.outcome
  }
}

function compile(rule: Rule, path: string): CompiledRule {
  if (typeof rule !== 'object' || rule === null) throw new InvalidOptionError(path, 'an object', rule)
  rejectUnknown(rule, KNOWN, `${path}.`)
  const { origin, contentType, status } = rule
  const mode = resolveMode(`${path}.mode`, rule.mode)
  const matchesResponse = responseMatcher(path, contentType, status)
  if (matchesResponse !== undefined && mode !== undefined && mode !== 'no-store') {
    throw new InvalidOptionError(`${path}.mode`, "'no-store' beside contentType or status", mode)
  }
  const terms = resolveTerms(`${path}.`, rule)
  const negativeTtl = resolveSeconds(`${path}.negativeTtl`, rule.negativeTtl)
  const refuses = matchesResponse !== undefined && mode === 'no-store'
  return {
    matchesRequest: requestMatcher(path, origin, rule.path),
    matchesResponse,
    mode,
    outcome: { terms, negativeTtl, namesStatus: status !== undefined, refuses },
  }
}

function requestMatcher(path: string, origin: Rule['origin'], pattern: Rule['path']): (uri: string) => boolean {
  const isOrigin = origin === undefined ? undefined : originsOf(`${path}.origin`, origin)
  const what = 'a path such as /api/*, a RegExp, or a list of them'
  const isPath = pattern === undefined ? undefined : matcherOf(`${path}.path`, pattern, what)
  return (uri) => {
    const slash = uri.indexOf('/', uri.indexOf('//') + 2)
    return isOrigin?.(uri.slice(0, slash)) !== false && isPath?.(pathOf(uri, slash)) !== false
  }
}

function originsOf(option: string, given: NonNullable<Rule['origin']>): Matcher {
  const origins = [given].flat()
  if (origins.length === 0) throw new InvalidOptionError(option, 'an origin, a RegExp, or a list of them', given)
  return originFilter(Array.isArray(given) ? (i) => `${option}[${i}]` : () => option, origins)
}

function pathOf(uri: string, start: number): string {
  const query = uri.indexOf('?', start)
  return query < 0 ? uri.slice(start) : uri.slice(start, query)
}

function responseMatcher(
  path: string,
  contentType: Rule['contentType'],
  status: Rule['status'],
): CompiledRule['matchesResponse'] {
  if (contentType === undefined && status === undefined) return undefined
  const what = 'a media type such as image/*, a RegExp, or a list of them'
  const isType =
    contentType === undefined
      ? undefined
      : matcherOf(`${path}.contentType`, contentType, what, (text) => text.toLowerCase())
  const isStatus = status === undefined ? undefined : statusMatcher(`${path}.status`, status)
  return ({ statusCode, fields }) =>
    isStatus?.(statusCode) !== false && (isType === undefined || hasType(fields, isType))
}

function hasType(fields: ResponseHead['fields'], isType: Matcher): boolean {
  const type = fieldValue(fields, 'content-type')?.split(';')[0]?.trim().toLowerCase()
  return type !== undefined && isType(type)
}

function statusMatcher(option: string, given: NonNullable<Rule['status']>): (statusCode: number) => boolean {
  const statuses: readonly unknown[] = [given].flat()
  const what = "a status from 200 to 599, a class such as '4xx', or a list of them"
  if (statuses.length === 0) throw new InvalidOptionError(option, what, given)
  const named = new Set(statuses)
  for (const [i, status] of statuses.entries()) {
    const isNumber = Number.isInteger(status) && (status as number) >= 200 && (status as number) <= 599
    if (isNumber || (typeof status === 'string' && /^[2-5]xx$/.test(status))) continue
    throw new InvalidOptionError(Array.isArray(given) ? `${option}[${i}]` : option, what, status)
  }
  return (statusCode) => named.has(statusCode) || named.has(`${Math.floor(statusCode / 100)}xx`)
}
