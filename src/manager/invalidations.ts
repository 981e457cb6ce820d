/**
 * What was invalidated and when, so that a response that may be older than the change is neither committed after it nor
 * taken from the disk. What this process fetches is judged by generations, counted in invalidations, that no clock can
 * disturb; what is found on disk, which another process may have put there, by the time of its request.
 */
import { groupsOf } from '../policy/cache-groups.ts'
import { keyOfGet } from '../policy/cache-key.ts'
import { searchVariation, withoutSearch } from '../policy/no-vary-search.ts'
import type { StoredResponse } from '../stored-response.ts'

/** Keys remembered at a time, and how many go when there are more. */
const REMEMBERED_KEYS = 10_000
const DROPPED_KEYS = 300

/** Invalidations of groups remembered at a time. */
const REMEMBERED_GROUPS = 1_000

interface GroupMark {
  readonly target: string
  readonly groups: ReadonlySet<string>
  readonly time: number
}

interface Mark {
  readonly generation: number
  /** In milliseconds since the epoch. */
  readonly time: number
}

const NEVER: Mark = { generation: 0, time: -Infinity }

export class Invalidations {
  /** Invalidations so far. */
  #generation = 0
  #all = NEVER
  /** Least recently invalidated first. */
  readonly #byKey = new Map<string, Mark>()
  readonly #byGroups: GroupMark[] = []

  /** To be remembered when a request is sent. */
  get generation(): number {
    return this.#generation
  }

  /** What was requested for a key until `time` is void, and what is being fetched for it now. */
  mark(key: string, time: number): void {
    this.#generation++
    for (const name of [key, pathOf(key)]) {
      const next = this.#next(this.#byKey.get(name), time)
      this.#byKey.delete(name)
      this.#byKey.set(name, next)
    }
    if (this.#byKey.size > REMEMBERED_KEYS) this.#dropOldest()
  }

  /** The same for every key. Without a time: for what is being fetched only. */
  markAll(time: number = -Infinity): void {
    this.#generation++
    this.#all = this.#next(this.#all, time)
  }

  /** The same for what belongs to one of these groups, where it is not known yet what that is. */
  markGroups(target: string, groups: ReadonlySet<string>, time: number): void {
    this.#byGroups.push({ target, groups, time })
    if (this.#byGroups.length > REMEMBERED_GROUPS) this.#byGroups.shift()
  }

  /**
   * Whether something was invalidated after this generation that a response would answer for: its key, or, as it may
   * answer for other queries, any of the same path.
   */
  concern(response: Pick<StoredResponse, 'key' | 'fields'>, generation: number): boolean {
    return this.#marksOf(response).some((mark) => mark.generation > generation)
  }

  /** Whether a stored response was requested before something that it would answer for was invalidated. */
  outdate(stored: Pick<StoredResponse, 'key' | 'fields' | 'requestTime'>, now: number): boolean {
    // A clock that was set back makes what is older look as if it were to come.
    const isAfter = ({ time }: { readonly time: number }): boolean =>
      time >= stored.requestTime || (time > -Infinity && stored.requestTime > now)
    return (
      this.#marksOf(stored).some(isAfter) ||
      this.#byGroups.some((mark) => isAfter(mark) && isOfGroups(stored, mark.target, mark.groups))
    )
  }

  /** Some at a time: a Map passes by what was deleted from its beginning each time it is looked through. */
  #dropOldest(): void {
    for (const name of this.#byKey.keys().take(DROPPED_KEYS)) this.#byKey.delete(name)
  }

  #marksOf({ key, fields }: Pick<StoredResponse, 'key' | 'fields'>): Mark[] {
    const ofPath = searchVariation(fields) === undefined ? NEVER : this.#byKey.get(pathOf(key))
    return [this.#all, this.#byKey.get(key) ?? NEVER, ofPath ?? NEVER]
  }

  #next(before: Mark = NEVER, time: number): Mark {
    return { generation: this.#generation, time: Math.max(before.time, time) }
  }
}

/** RFC 9875: whether it belongs to one of these groups, of the origin, host and partition of this key. */
export function isOfGroups(
  { key, fields }: Pick<StoredResponse, 'key' | 'fields'>,
  target: string,
  groups: ReadonlySet<string>,
): boolean {
  if (groupsOf(fields).isDisjointFrom(groups)) return false
  const [uri, meant] = [new URL(keyOfGet(key)), new URL(keyOfGet(target))]
  return uri.origin === meant.origin && siteOf(uri) === siteOf(meant)
}

/** Host and partition: without a key that the user has named. */
function siteOf({ hash }: URL): string {
  return hash.replace(/^#key=[^#]*/, '')
}

/** A name that is no key's. */
function pathOf(key: string): string {
  return ` ${withoutSearch(key)}`
}
