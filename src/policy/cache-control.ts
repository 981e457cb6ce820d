/**
 * Cache-Control (RFC 9111 section 5.2), read so that nothing restrictive is missed: names in any case, several lines,
 * quoted arguments with commas in them, white space around `=`. What does not parse counts as the stricter reading.
 */
import { fieldValue, listMembers } from './field-lines.ts'
import { RememberedByText } from './remembered.ts'
import type { FieldLines } from '../stored-response.ts'
import type { RequestFields } from './cache-request.ts'

/** Directives by lower-case name. The argument is `true` where there is none, and without its quotes where it had any. */
export type Directives = ReadonlyMap<string, string | true>

/** "the largest positive integer it can conveniently represent", at least 2^31 (RFC 9111 section 1.2.2). */
export const MAX_DELTA_SECONDS: number = 2 ** 31

const NONE: Directives = new Map()

/** Origins and clients say the same few things again and again. */
const parsed = new RememberedByText<Directives>()

export function parseDirectives(value: string | undefined): Directives {
  if (value === undefined) return NONE
  return parsed.get(value) ?? parsed.set(value, parse(value))
}

function parse(value: string): Directives {
  const directives = new Map<string, string | true>()
  for (const member of splitOutsideQuotes(value)) {
    const equals = member.indexOf('=')
    const name = (equals < 0 ? member : member.slice(0, equals)).trim().toLowerCase()
    if (name === '') continue
    const argument = argumentOf(name, equals < 0 ? undefined : member, equals)
    const known = directives.get(name)
    directives.set(name, known === undefined ? argument : stricter(name, known, argument))
  }
  return directives
}

export function responseDirectives(fields: FieldLines): Directives {
  return parseDirectives(fieldValue(fields, 'cache-control'))
}

/**
 * Directives of a request. `Pragma: no-cache` counts as `no-cache` where there is no Cache-Control (section 5.4).
 */
export function requestDirectives(fields: RequestFields): Directives {
  const value = fields['cache-control']
  if (value !== undefined) return parseDirectives(value)
  const pragma = fields['pragma']
  return pragma !== undefined && parseDirectives(pragma).has('no-cache') ? new Map([['no-cache', true]]) : NONE
}

/**
 * The argument as seconds (RFC 9111 section 1.2.2), undefined when the directive is absent.
 * "Caches are encouraged to consider responses that have invalid freshness information … to be stale": that is 0.
 */
export function seconds(directives: Directives, name: string): number | undefined {
  const argument = directives.get(name)
  if (argument === undefined) return undefined
  if (argument === true || !/^\d+$/.test(argument)) return 0
  return Math.min(Number(argument), MAX_DELTA_SECONDS)
}

/**
 * Field names that a qualified `private` or `no-cache` lists (sections 5.2.2.4 and 5.2.2.7); undefined when the
 * directive is absent or holds for the whole response.
 */
export function listedFields(directives: Directives, name: 'private' | 'no-cache'): readonly string[] | undefined {
  const argument = directives.get(name)
  return typeof argument === 'string' ? listMembers(argument) : undefined
}

/** The directive is there and holds for the whole response. */
export function isWhole(directives: Directives, name: 'private' | 'no-cache'): boolean {
  return directives.get(name) === true
}

function argumentOf(name: string, member: string | undefined, equals: number): string | true {
  if (member === undefined) return true
  const argument = member.slice(equals + 1)
  if (name !== 'private' && name !== 'no-cache') return unquote(argument.trim())
  // A list of fields narrows what must not be reused: one that is not exactly of its grammar narrows nothing.
  const [, list] = FIELD_LIST.exec(`${member.slice(0, equals).trimStart()}=${argument.trimEnd()}`) ?? []
  return list?.toLowerCase() ?? true
}

const FIELD_LIST = /^[\w-]+="([\w!#$%&'*+.^`|~-]+(?:[ \t]*,[ \t]*[\w!#$%&'*+.^`|~-]+)*)"$/

/** Of a directive given twice: without argument is stricter than with one, less time stricter than more. */
function stricter(name: string, a: string | true, b: string | true): string | true {
  if (a === true || b === true) return true
  if (name === 'private' || name === 'no-cache') return `${a}, ${b}`
  return /^\d+$/.test(a) && /^\d+$/.test(b) ? (Number(a) <= Number(b) ? a : b) : /^\d+$/.test(a) ? b : a
}

function unquote(argument: string): string {
  if (!argument.startsWith('"')) return argument
  const inner = argument.length > 1 && argument.endsWith('"') ? argument.slice(1, -1) : argument.slice(1)
  return inner.replaceAll(/\\(.)/g, '$1')
}

/** Splits at the commas that are not inside a quoted string (RFC 9110 section 5.6.4). */
function splitOutsideQuotes(value: string): string[] {
  const members: string[] = []
  let start = 0
  let quoted = false
  for (let i = 0; i < value.length; i++) {
    const character = value[i]
    if (quoted && character === '\\') i++
    else if (character === '"') quoted = !quoted
    else if (character === ',' && !quoted) {
      members.push(value.slice(start, i))
      start = i + 1
    }
  }
  // A quote that never ends would hide every directive behind it: read the rest without quotes.
  if (quoted) return [...members, ...value.slice(start).replaceAll('"', '').split(',')]
  members.push(value.slice(start))
  return members
}
