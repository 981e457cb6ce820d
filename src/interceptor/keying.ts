/**
 * Which cache key a request has where the user says so: by a function of his, or without some parameters of the query.
 *
 * A key stays a URI, so that what is stored can be listed, purged and invalidated like everything else: an absolute URL
 * stands in the place of the target URI; any other text names something of the target's origin, in a fragment, which no
 * target URI has.
 */
import { InvalidOptionError } from '../errors.ts'
import type { Statistics } from '../manager/statistics.ts'
import type { RequestFields } from '../policy/cache-request.ts'
import { viewOfUri, type RequestView } from './message-views.ts'
import { matcherOf, type Matcher, type Pattern } from './patterns.ts'

/**
 * An absolute http or https URL is taken in the place of the request's own, without its fragment; other texts are keys of
 * the request's origin; undefined leaves the key as it is.
 */
export type KeyFunction = (request: RequestView) => string | undefined

export interface KeyOptions {
  /** The cache key of a request. What it throws is an event, and the key is as without it. Default the target URI. */
  readonly key?: KeyFunction
  /** Names of query parameters, with `*` for anything, or RegExps, that are left out of the key. Default none. */
  readonly ignoreQuery?: readonly Pattern[]
}

export interface Keying {
  readonly key: KeyFunction | undefined
  /** Tried on the names of parameters. */
  readonly ignores: Matcher | undefined
}

/** @throws {InvalidOptionError} when an option is of the wrong type */
export function resolveKeying(path: string, { key, ignoreQuery }: KeyOptions): Keying {
  if (key !== undefined && typeof key !== 'function') throw new InvalidOptionError(`${path}key`, 'a function', key)
  const what = 'a list of parameter names such as utm_*, and RegExps'
  if (ignoreQuery !== undefined && !Array.isArray(ignoreQuery))
    throw new InvalidOptionError(`${path}ignoreQuery`, what, ignoreQuery)
  const isNone = ignoreQuery === undefined || ignoreQuery.length === 0
  return { key, ignores: isNone ? undefined : matcherOf(`${path}ignoreQuery`, ignoreQuery, what) }
}

/** The URI that the key of a GET for this target is made of. */
export function keyUri(
  target: string,
  request: { readonly fields: RequestFields },
  keying: Keying,
  statistics: Statistics,
): string {
  const { key, ignores } = keying
  if (key !== undefined) {
    try {
      const named = key(viewOfUri('GET', target, request.fields))
      if (named !== undefined) return namedUri(target, named)
    } catch (error) {
      statistics.fault('key', error, target)
    }
  }
  return ignores === undefined ? target : withoutParameters(target, ignores)
}

function namedUri(target: string, named: unknown): string {
  if (typeof named !== 'string' || named === '') throw new InvalidOptionError('key(…)', 'a string or undefined', named)
  const url = /^https?:/i.test(named) ? URL.parse(named) : null
  if (url === null) return `${new URL(target).origin}/#key=${encodeURIComponent(named)}`
  url.hash = ''
  return url.href
}

/** All other parameters stay as they are, byte for byte and in their order. */
function withoutParameters(target: string, ignores: Matcher): string {
  const start = target.indexOf('?')
  if (start < 0) return target
  const kept = target
    .slice(start + 1)
    .split('&')
    .filter((parameter) => !ignores(nameOf(parameter)))
  return kept.length === 0 ? target.slice(0, start) : `${target.slice(0, start)}?${kept.join('&')}`
}

function nameOf(parameter: string): string {
  const name = parameter.split('=', 1)[0] ?? ''
  return /[%+]/.test(name) ? (new URLSearchParams(name).keys().next().value ?? name) : name
}
