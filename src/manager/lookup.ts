/** What a look-up brings. */
import type { StoredResponse } from '../stored-response.ts'
import type { HotResponse } from './memory-tier.ts'

/** A stored response answers as it is. */
export interface Hit {
  readonly outcome: 'hit'
  readonly stored: StoredResponse
  /** All of it, where it is in memory. */
  readonly hot: HotResponse | undefined
  readonly age: number
  readonly ttl: number
  /** It is stale, and to be validated in the background. */
  readonly revalidate: boolean
}

/** What the cache can do for a request. */
export type Lookup =
  | Hit
  | {
      readonly outcome: 'validate'
      readonly stored: StoredResponse
      readonly because: 'stale' | 'request'
      /** Entry key of what is selected. */
      readonly name: string
    }
  /** `name`: entry key of what would be selected, as far as it is known. */
  | { readonly outcome: 'miss'; readonly because: 'uri-miss' | 'vary-miss'; readonly name: string }
  /** Something that decides it is under way: look again when `ready` resolves. It never rejects. */
  | { readonly outcome: 'pending'; readonly ready: Promise<void> }
