/** Taking files away, and the folders that nothing is left in. */
import { rm, rmdir, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { KnownFolders } from './known-folders.ts'

/** Removes a file, by one call where `rm` makes three. What else lies in its place goes by `removeOther`. */
export async function removeFile(
  path: string,
  removeOther: () => Promise<unknown> = () => rm(path, { recursive: true, force: true }),
): Promise<void> {
  try {
    await unlink(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') await removeOther()
  }
}

/** Removes the two folders of a file that has gone, as far as nothing is in them. */
export async function removeEmptyFolders(path: string, known?: KnownFolders): Promise<void> {
  const folder = dirname(path)
  try {
    await rmdir(folder)
    known?.noteMissing(path)
    if (known?.hasOthers(path) !== true) await rmdir(dirname(folder))
  } catch {
    // Not empty, most often; and what cannot be removed is tried again with the next file that goes.
  }
}
