/** Modes in which a request uses the cache: those of the Fetch standard, and one that knows no rules. */

export type CacheMode =
  /** By the rules of RFC 9111. */
  | 'default'
  /** Past the cache: nothing stored is used, and the answer is not stored. */
  | 'no-store'
  /** From the origin; the answer is stored. */
  | 'reload'
  /** What is stored is validated first, fresh or not. */
  | 'no-cache'
  /** What is stored is used, fresh or stale; the origin is asked only where there is nothing. */
  | 'force-cache'
  /** What is stored is used, fresh or stale; where there is nothing, the answer is 504. */
  | 'only-if-cached'
  /** As `force-cache`, and every complete 200 is stored, whatever its directives say; seen in this mode only. */
  | 'ignore-rules'

export const CACHE_MODES: readonly CacheMode[] = [
  'default',
  'no-store',
  'reload',
  'no-cache',
  'force-cache',
  'only-if-cached',
  'ignore-rules',
]

/** Freshness does not matter: what is stored is used. */
export function usesAnything(mode: CacheMode): boolean {
  return mode === 'force-cache' || mode === 'only-if-cached' || mode === 'ignore-rules'
}
