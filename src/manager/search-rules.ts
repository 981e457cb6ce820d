/** Which keys are equivalent though their queries differ, by the No-Vary-Search of what is stored under them. */
import { searchThatMatters, searchVariation, withoutSearch, type SearchVariation } from '../policy/no-vary-search.ts'
import type { StoredResponse } from '../stored-response.ts'

/** Keys of one path whose responses say the same about queries, by what matters of their own, and how many responses. */
interface Rule {
  readonly variation: SearchVariation
  readonly keys: Map<string, Map<string, number>>
}

type Noted = Pick<StoredResponse, 'key' | 'fields'>

export class SearchRules {
  /** By key without query, then by what No-Vary-Search says. */
  readonly #paths = new Map<string, Map<string, Rule>>()

  note(stored: Noted): void {
    const variation = searchVariation(stored.fields)
    if (variation !== undefined) this.#count(stored.key, variation, 1)
  }

  forget(stored: Noted): void {
    const variation = searchVariation(stored.fields)
    if (variation !== undefined) this.#count(stored.key, variation, -1)
  }

  /** Other keys under which something is stored that says that it may answer this one. */
  equivalents(key: string): string[] {
    const rules = this.#paths.get(withoutSearch(key))
    if (rules === undefined) return []
    const found = [...rules.values()].flatMap(({ variation, keys }) => [
      ...(keys.get(searchThatMatters(key, variation))?.keys() ?? []),
    ])
    return [...new Set(found)].filter((other) => other !== key)
  }

  #count(key: string, variation: SearchVariation, change: 1 | -1): void {
    const path = withoutSearch(key)
    const name = JSON.stringify([variation.byOrder, variation.onlyNames, [...variation.names].toSorted()])
    const search = searchThatMatters(key, variation)
    const rules = this.#paths.get(path) ?? new Map<string, Rule>()
    const rule = rules.get(name) ?? { variation, keys: new Map<string, Map<string, number>>() }
    const keys = rule.keys.get(search) ?? new Map<string, number>()
    this.#paths.set(path, rules)
    rules.set(name, rule)
    rule.keys.set(search, keys)
    keys.set(key, (keys.get(key) ?? 0) + change)
    // What is empty goes, from the inside out.
    if (keys.get(key) === 0) keys.delete(key)
    if (keys.size === 0) rule.keys.delete(search)
    if (rule.keys.size === 0) rules.delete(name)
    if (rules.size === 0) this.#paths.delete(path)
  }
}
