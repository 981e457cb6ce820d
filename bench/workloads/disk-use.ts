/** What a directory takes on disk, in blocks as `du` counts them, without folders, and without our snapshot and journals. */
import { lstat, readdir } from 'node:fs/promises'
import { join, sep } from 'node:path'

const BLOCK_BYTES = 512

export interface DiskUse {
  readonly bytes: number
  /** Content files, where it is a directory of cacache's. */
  readonly contents: number
}

export async function diskUse(directory: string): Promise<DiskUse> {
  let bytes = 0
  let contents = 0
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    const [top] = path.slice(directory.length + 1).split(sep)
    if (!entry.isFile() || top === 'snapshot' || top === 'procs') continue
    // It may be evicted meanwhile.
    const blocks = await lstat(path).then(
      (stats) => stats.blocks,
      () => 0,
    )
    bytes += blocks * BLOCK_BYTES
    if (top === 'content-v2') contents++
  }
  return { bytes, contents }
}
