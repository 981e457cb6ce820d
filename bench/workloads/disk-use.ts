/** What a directory takes on disk, in blocks as `du` counts them, without folders, and without our snapshot and journals. */
import type { Dirent } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'

const BLOCK_BYTES = 512
const LEFT_OUT = new Set(['snapshot', 'procs', 'history'])

export interface DiskUse {
  readonly bytes: number
  /** Content files, where it is a directory of cacache's. */
  readonly contents: number
}

export async function diskUse(directory: string): Promise<DiskUse> {
  const use = { bytes: 0, contents: 0 }
  for (const entry of await entriesOf(directory)) {
    if (LEFT_OUT.has(entry.name)) continue
    const found = await useOf(entry)
    use.bytes += found.bytes
    if (entry.name === 'content-v2') use.contents = found.files
  }
  return use
}

async function useOf(entry: Dirent): Promise<{ bytes: number; files: number }> {
  const path = join(entry.parentPath, entry.name)
  if (!entry.isDirectory()) {
    const stats = await lstat(path).catch(() => undefined)
    return { bytes: (stats?.blocks ?? 0) * BLOCK_BYTES, files: stats === undefined ? 0 : 1 }
  }
  const sum = { bytes: 0, files: 0 }
  for (const each of await entriesOf(path)) {
    const { bytes, files } = await useOf(each)
    sum.bytes += bytes
    sum.files += files
  }
  return sum
}

/** It may be evicted meanwhile, and its folder with it. */
async function entriesOf(folder: string): Promise<Dirent[]> {
  return await readdir(folder, { withFileTypes: true }).catch(() => [])
}
