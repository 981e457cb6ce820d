/** Which variants of a URL are stored, and by which fields a request selects among them (RFC 9111 section 4.1). */
import type { CacheRequest, RequestFields } from '../policy/cache-request.ts'
import { variantOf } from '../policy/vary.ts'
import { entryKey, type StoredResponse } from '../stored-response.ts'

type Varying = Pick<StoredResponse, 'key' | 'vary' | 'variant'>

/** Field names that stored variants of one key vary on, and those variants, least recently used first. */
interface VaryRule {
  readonly names: readonly string[]
  readonly variants: Set<string>
}

const NONE: readonly never[] = Object.freeze([])

export class Variants {
  /** By key; nearly always there is one. */
  readonly #rules = new Map<string, VaryRule[]>()

  /** The entry key of all that this request can select; undefined where there are several. */
  nameOf(request: CacheRequest): string | undefined {
    const { key } = request
    const [rule, more] = this.#rulesOf(key)
    if (rule === undefined) return key
    return more === undefined ? entryKey(key, variantOf(rule.names, request.fields)) : undefined
  }

  /** Entry keys of what a request with these fields may select: one for each set of names that there is. */
  selectable(key: string, fields: RequestFields): readonly string[] {
    return this.#rulesOf(key).map(({ names }) => entryKey(key, variantOf(names, fields)))
  }

  /** All of a key; of those that vary on the same fields the least recently used first. */
  of(key: string): readonly string[] {
    return this.#rulesOf(key).flatMap(({ variants }) => [...variants])
  }

  note({ key, vary, variant }: Varying): void {
    if (variant === '') return
    const rules = this.#rulesOf(key)
    const known = ruleFor(rules, vary)
    if (known === undefined) this.#rules.set(key, [...rules, { names: vary, variants: new Set([variant]) }])
    else known.variants.add(variant)
  }

  use({ key, vary, variant }: Varying): void {
    if (variant === '') return
    const rule = ruleFor(this.#rulesOf(key), vary)
    if (rule === undefined || rule.variants.size === 1) return
    // A Set keeps the order of insertion: what is used goes to its end.
    if (rule.variants.delete(variant)) rule.variants.add(variant)
  }

  forget({ key, vary, variant }: Varying): void {
    const rules = this.#rulesOf(key)
    const rule = ruleFor(rules, vary)
    if (rule?.variants.delete(variant) !== true || rule.variants.size > 0) return
    if (rules.length === 1) this.#rules.delete(key)
    else
      this.#rules.set(
        key,
        rules.filter((each) => each !== rule),
      )
  }

  #rulesOf(key: string): readonly VaryRule[] {
    return (this.#rules.size > 0 && this.#rules.get(key)) || NONE
  }
}

function ruleFor(rules: readonly VaryRule[], vary: readonly string[]): VaryRule | undefined {
  return rules.find(({ names }) => names === vary || names.join() === vary.join())
}
