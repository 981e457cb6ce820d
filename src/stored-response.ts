/**
 * The record that flows through every layer: what is kept of a response beside its bytes.
 *
 * On disk it is one line of a cacache index bucket (`content-store/bucket.ts`), so every field is plain JSON.
 * A field may be added when readers treat its absence as the old meaning; anything else needs a new `RECORD_VERSION`.
 */

/** Version of the record's meaning on disk. Records of another version are ignored and go with the next clean-up. */
export const RECORD_VERSION = 1

/** Bytes of a body that are read, checked and handed on at a time. */
export const CHUNK_SIZE = 65_536

/** Field lines in the order and case they came: name, value, name, value … as Latin-1 strings. */
export type FieldLines = readonly string[]

/** What `vary` is of nearly every record: one list for all. */
export const NO_VARY: readonly string[] = Object.freeze([])

/** What is known of a stored body. */
export interface StoredBody {
  /** Length in bytes. */
  readonly size: number
  /** sha256 of the whole body, hexadecimal: the name of its content file. */
  readonly sha256: string
  /**
   * crc32 of each `CHUNK_SIZE` bytes, in order, so that a hit is checked before a byte of it goes out. That of the only
   * chunk stands for itself: nearly all bodies have but one, and a list for each would take more memory than the rest of this.
   */
  readonly checksums: number | readonly number[]
}

/** The crc32 of each chunk as a body's record keeps them: see `StoredBody`. */
export function compactChecksums(checksums: readonly number[]): number | readonly number[] {
  const [only] = checksums
  return checksums.length === 1 && only !== undefined ? only : checksums
}

export function listOfChecksums({ checksums }: Pick<StoredBody, 'checksums'>): readonly number[] {
  return typeof checksums === 'number' ? [checksums] : checksums
}

/** Whose requests a stored response may answer: everybody's, or only those of a private cache (RFC 9111 section 1). */
type Scope = 'shared' | 'private'

/**
 * What the cache's user has laid down beside the response's own words, in seconds: how it was when the response was
 * stored or last validated. See `policy/terms.ts`.
 */
export interface Terms {
  /** Freshness from the response's arrival on, in the place of what it states. */
  readonly ttl?: number
  /** Freshness from its arrival on at least. */
  readonly minTtl?: number
  /** Freshness from its arrival on at most. It goes before the other two. */
  readonly maxTtl?: number
  /** In the place of its stale-if-error. */
  readonly staleIfError?: number
  /** In the place of its stale-while-revalidate. */
  readonly staleWhileRevalidate?: number
}

export const TERM_NAMES: readonly (keyof Terms)[] = ['ttl', 'minTtl', 'maxTtl', 'staleIfError', 'staleWhileRevalidate']

export interface StoredResponse {
  /** Cache key: method (unless GET) and target URI, RFC 9111 section 2. All variants of a URI have the same key. */
  readonly key: string
  /** Digest of the request fields that Vary nominates, '' where there is no Vary. Never the values themselves. */
  readonly variant: string
  /** Field names that Vary nominates, lower case and sorted. */
  readonly vary: readonly string[]
  readonly statusCode: number
  readonly statusMessage: string
  readonly fields: FieldLines
  readonly scope: Scope
  /** When the request was sent, in milliseconds since the epoch. */
  readonly requestTime: number
  /** When the response's header section arrived, in milliseconds since the epoch. */
  readonly responseTime: number
  readonly body: StoredBody
  /** What it may be purged by, where it has such. */
  readonly tags?: readonly string[]
  /** Marked stale at this time, in milliseconds since the epoch, whatever its fields say; a validation ends that. */
  readonly staleFrom?: number
  /** Laid down for it, where anything is. */
  readonly terms?: Terms
  /** JSON that its user has noted with it, where any is. */
  readonly metadata?: string
}

/** Name of one stored response among all: its cache key, and its variant where there is one. */
export function entryKey(key: string, variant: string): string {
  return variant === '' ? key : `${key}#vary=${variant}`
}

/** Bytes of a URL and a header section as they are sent, roughly: names, values, and four of punctuation a line. */
export function headSize({ key, fields }: Pick<StoredResponse, 'key' | 'fields'>): number {
  return fields.reduce((sum, part) => sum + part.length + 2, key.length)
}
