/**
 * No-Vary-Search (draft-ietf-httpbis-no-vary-search): a response says which parts of the query do not matter, so that it
 * may answer requests for other URIs than its own. Looked at only where an option asks for it.
 */
import { parseDictionary } from 'structured-headers'
import { fieldValue } from './field-lines.ts'
import type { FieldLines } from '../stored-response.ts'

/** What of a query matters: by default all of it, in its order. */
export interface SearchVariation {
  /** Whether the order of parameters with different names matters. */
  readonly byOrder: boolean
  /** Names that matter not (`params=("a")`), or the only ones that matter (`params, except=("a")`). */
  readonly names: ReadonlySet<string>
  readonly onlyNames: boolean
}

/** What the response says, or undefined where it says nothing or nothing that can be understood: then all matters. */
export function searchVariation(fields: FieldLines): SearchVariation | undefined {
  const value = fieldValue(fields, 'no-vary-search')
  if (value === undefined) return undefined
  try {
    const members = new Map(Array.from(parseDictionary(value), ([name, [member]]) => [name, member] as const))
    return variationOf(members)
  } catch {
    return undefined
  }
}

const KNOWN = new Set(['key-order', 'params', 'except'])

function variationOf(members: ReadonlyMap<string, unknown>): SearchVariation | undefined {
  for (const name of members.keys()) if (!KNOWN.has(name)) return undefined
  const keyOrder = members.get('key-order') ?? false
  const params = members.get('params') ?? false
  const except = members.get('except')
  if (typeof keyOrder !== 'boolean') return undefined
  const byOrder = !keyOrder
  // "except" is about what `params` as a whole leaves out.
  if (except !== undefined) {
    const names = params === true ? namesOf(except) : undefined
    return names && { byOrder, names, onlyNames: true }
  }
  if (typeof params === 'boolean') return { byOrder, names: new Set(), onlyNames: params }
  const names = namesOf(params)
  return names && { byOrder, names, onlyNames: false }
}

/** An inner list of strings, each in the form that it has in a query. */
function namesOf(list: unknown): ReadonlySet<string> | undefined {
  if (!Array.isArray(list)) return undefined
  const names = list.map(([name]: [unknown]) => name)
  if (!names.every((name) => typeof name === 'string')) return undefined
  return new Set(names.map((name) => new URLSearchParams(`=${name.replaceAll('&', '%26')}`).get('') ?? ''))
}

/** The cache key without its query: responses of other paths, origins, hosts or partitions are never equivalent. */
export function withoutSearch(key: string): string {
  const { start, end } = searchOf(key)
  return key.slice(0, start) + key.slice(end)
}

/** Where the query lies in a key. What follows a `#` is not of the URI: see `toCacheRequest`. */
function searchOf(key: string): { start: number; end: number } {
  const hash = key.indexOf('#')
  const end = hash < 0 ? key.length : hash
  const start = key.indexOf('?')
  return { start: start < 0 || start > end ? end : start, end }
}

/** What matters of the key's query: two keys of one path are equivalent where this is the same. */
export function searchThatMatters(key: string, { byOrder, names, onlyNames }: SearchVariation): string {
  const { start, end } = searchOf(key)
  const parameters = [...new URLSearchParams(key.slice(start, end))]
  const matter = parameters.filter(([name]) => names.has(name) === onlyNames)
  // By name alone, and stable: the order of values of one name matters always.
  return JSON.stringify(byOrder ? matter : matter.toSorted(([a], [b]) => (a < b ? -1 : Number(a > b))))
}
