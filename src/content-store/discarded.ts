/**
 * Temporary files that are given up: they go at once, and where the disk does not let them (read-only for a while, say),
 * with the next that goes.
 */
import { removeFile } from './removal.ts'

/** What is over this is left to the sweep of a later process. */
const MOST = 10_000

const left = new Set<string>()

/** Removes a file. Never rejects. */
export async function discard(path: string): Promise<void> {
  if (await remove(path)) await removeDiscarded()
}

/** Tries again what would not go. Never rejects. */
export async function removeDiscarded(): Promise<void> {
  for (const path of [...left]) if (!(await remove(path))) return
}

async function remove(path: string): Promise<boolean> {
  try {
    await removeFile(path)
    left.delete(path)
    return true
  } catch {
    if (left.size < MOST) left.add(path)
    return false
  }
}
