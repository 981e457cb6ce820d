/**
 * What a user's program knows after a guard: which error it is, and what that one has. Compiling this file is the check
 * (`npm run check:types`).
 */
import { findCacheError, isCacheError, type CacheError, type CacheErrorCode } from 'undici-streaming-cache'

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

export const codes: Same<CacheErrorCode, CacheError['code']> = true

export function describe(error: unknown): string {
  if (isCacheError(error, 'USC_ERR_DIRECTORY')) return error.directory
  if (!isCacheError(error)) return findCacheError(error)?.message ?? 'not ours'
  switch (error.code) {
    case 'USC_ERR_INVALID_OPTION':
      return error.option
    case 'USC_ERR_CLOSED':
    case 'USC_ERR_CONTENT':
      // @ts-expect-error -- these have no option
      return error.option as string
    default: {
      const directory: string = error.directory
      return directory
    }
  }
}

// @ts-expect-error -- there is no such code
export const isUnknown: boolean = isCacheError(new Error('no'), 'USC_ERR_UNKNOWN')
