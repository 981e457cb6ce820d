/** Whose a directory is: what others can write, they can make us serve. */
import type { Stats } from 'node:fs'
import { lstat, mkdir, stat } from 'node:fs/promises'
import { DIRECTORY_MODE } from './layout.ts'

/** World-writable, and no sticky bit that keeps files from being replaced: that of /tmp itself. */
const OTHERS_WRITE = 0o002
const STICKY = 0o1000

/**
 * Why a folder is not to be trusted by this user, or undefined. `uid` is undefined where the system has no owners. A
 * superuser trusts what belongs to others: in containers it is given their volumes.
 */
export function whyNotOurs(
  { uid: owner, mode }: Pick<Stats, 'uid' | 'mode'>,
  uid: number | undefined,
): string | undefined {
  if (uid === undefined) return undefined
  if (uid !== 0 && owner !== uid && owner !== 0) return `it belongs to another user (uid ${owner})`
  const isOpen = (mode & OTHERS_WRITE) !== 0 && (mode & STICKY) === 0
  return isOpen ? 'everybody can write in it' : undefined
}

/** Makes those that are missing, for their owner alone. The first may be reached by a link. Resolves with what was missing. */
export async function makeFolders(folders: readonly string[]): Promise<string[]> {
  const mayBeLink = (path: string): boolean => path === folders[0]
  // Nearly always all are there, and a start waits for this.
  const exist = await Promise.all(folders.map((path) => isOurs(path, mayBeLink(path))))
  const missing = folders.filter((_, i) => exist[i] === false)
  for (const path of missing) {
    await mkdir(path, { recursive: true, mode: DIRECTORY_MODE })
    await assertOurs(path, mayBeLink(path))
  }
  return missing
}

/** False where there is nothing, or was nothing a moment ago: others may make it, too. */
async function isOurs(path: string, mayBeLink: boolean): Promise<boolean> {
  try {
    await assertOurs(path, mayBeLink)
    return true
  } catch (error) {
    // A link that leads nowhere is something.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' && !(mayBeLink && (await isLink(path)))) return false
    throw error
  }
}

/** The directory itself may be reached by a link; what lies in it is not. */
export async function assertOurs(path: string, mayBeLink: boolean): Promise<void> {
  const stats = await (mayBeLink ? stat(path) : lstat(path))
  const why = stats.isDirectory() ? whyNotOurs(stats, process.getuid?.()) : 'it is no folder'
  if (why !== undefined) throw new Error(`${path}: ${why}`)
}

async function isLink(path: string): Promise<boolean> {
  return await lstat(path).then(
    (stats) => stats.isSymbolicLink(),
    () => false,
  )
}
