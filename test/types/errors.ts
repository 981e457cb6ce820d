/**
 * What a user's program knows after a guard: which error it is, and what that one has. Compiling this file is the check
 * (`npm run check:types`).
 */
import { findCacheError, isCacheError, type CacheErrorCode } from 'undici-streaming-cache'

/** Every code is named here: one that is added is an error of the linter, which knows that the switch is for all. */
export function describe(error: unknown): string {
  if (!isCacheError(error)) return findCacheError(error)?.message ?? 'not ours'
  switch (error.code) {
    case 'USC_ERR_INVALID_OPTION':
      return error.option
    case 'USC_ERR_DIRECTORY':
      return error.directory
    case 'USC_ERR_CLOSED':
    case 'USC_ERR_CONTENT':
      // @ts-expect-error -- these have no option
      return error.option as string
  }
}

export function directoryOf(error: unknown): string | undefined {
  return isCacheError(error, 'USC_ERR_DIRECTORY') ? error.directory : undefined
}

// @ts-expect-error -- there is no such code
export const unknownCode: CacheErrorCode = 'USC_ERR_UNKNOWN'
