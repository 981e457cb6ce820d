/**
 * Opens a file to be read. A planted symbolic link is not followed, a pipe not waited for, and the time of the reading not
 * noted: Linux else writes to the disk for the first hit of each body (where the system knows the flags).
 */
import { constants, open, openSync } from 'node:fs'
import { promisify } from 'node:util'
import { NO_FOLLOW } from './layout.ts'

const PLAIN = constants.O_RDONLY | NO_FOLLOW | (constants.O_NONBLOCK ?? 0)

/** Without the last flag once it has been refused: it is the owner's alone, and some file systems do not know it. */
let flags = PLAIN | (constants.O_NOATIME ?? 0)

const openPatiently = promisify<string, number, number>(open)

export function openNow(path: string): number {
  const tried = flags
  try {
    return openSync(path, tried)
  } catch (error) {
    if (!isRefused(error, tried)) throw error
    return openSync(path, PLAIN)
  }
}

/** The same through the thread pool. */
export async function openInPool(path: string): Promise<number> {
  const tried = flags
  try {
    return await openPatiently(path, tried)
  } catch (error) {
    if (!isRefused(error, tried)) throw error
    return await openPatiently(path, PLAIN)
  }
}

function isRefused(error: unknown, tried: number): boolean {
  const { code } = error as NodeJS.ErrnoException
  if (tried === PLAIN || (code !== 'EPERM' && code !== 'EINVAL')) return false
  flags = PLAIN
  return true
}

/** Whether the file of a stored body that could not be opened is not there. */
export function isMissing(error: unknown): boolean {
  const { cause } = error as { cause?: NodeJS.ErrnoException }
  return cause?.code === 'ENOENT'
}
