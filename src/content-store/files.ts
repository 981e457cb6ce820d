/** Putting files in their place: whole or not at all, and with their folder when that has vanished meanwhile. */
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { discard } from './discarded.ts'
import type { KnownFolders } from './known-folders.ts'
import { DIRECTORY_MODE, FILE_MODE } from './layout.ts'

/** A folder that was made goes again when somebody else finds it empty before it is used. */
const ATTEMPTS = 10

/**
 * Runs `action`, which makes `path`; when its folder turns out to be missing, or is known to be, makes that, and runs it
 * again.
 */
export async function withFolder<T>(path: string, action: () => Promise<T>, known?: KnownFolders): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      if (attempt > 1 || known?.isMissing(path) === true)
        await mkdir(dirname(path), { recursive: true, mode: DIRECTORY_MODE })
      const result = await action()
      known?.noteThere(path)
      return result
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || attempt === ATTEMPTS) throw error
    }
  }
}

/** Renames a file to its final name, over whatever is there: names like these are the cache's own. */
export async function moveInto(from: string, to: string, known?: KnownFolders): Promise<void> {
  try {
    await withFolder(to, () => rename(from, to), known)
  } catch (error) {
    if (!isFolder(error)) throw error
    // Not even an empty one makes way by itself.
    await rm(to, { recursive: true, force: true })
    await withFolder(to, () => rename(from, to), known)
  }
}

/** Whether the error says that a folder lies where a file should. */
export function isFolder(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'EISDIR' || code === 'ENOTEMPTY' || code === 'EEXIST'
}

export async function createFile(path: string, bytes: string | Uint8Array): Promise<void> {
  await writeFile(path, bytes, { flag: 'wx', mode: FILE_MODE })
}

/** Replaces a file whole, by a temporary one, which `create` makes, and a rename. */
export async function replaceFile(
  path: string,
  bytes: string | Uint8Array,
  temporary: string,
  create: () => Promise<void> = () => createFile(temporary, bytes),
  known?: KnownFolders,
): Promise<void> {
  try {
    await withFolder(temporary, create)
    await moveInto(temporary, path, known)
  } catch (error) {
    await discard(temporary)
    throw error
  }
}
