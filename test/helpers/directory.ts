/** What lies in a cache directory, and what of it this process holds open. */
import { rmSync, type Dirent } from 'node:fs'
import { lstat, mkdtemp, readdir, readlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const made: string[] = []
process.once('exit', () => {
  for (const directory of made) rmSync(directory, { recursive: true, force: true })
})

/** A new directory that goes with the process: managers close after their test, in any order, and write when they do. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'usc-test-'))
  made.push(directory)
  return directory
}

/** All paths below a folder, while some come and go; none when it is missing. */
async function* walk(folder: string): AsyncGenerator<Dirent, void, void> {
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    yield entry
    if (entry.isDirectory()) yield* walk(join(folder, entry.name))
  }
}

/** Paths of the files below a folder; none when it is missing. */
export async function filesIn(directory: string, folder: string): Promise<string[]> {
  const paths: string[] = []
  for await (const entry of walk(join(directory, folder)))
    if (entry.isFile()) paths.push(join(entry.parentPath, entry.name))
  return paths
}

/** Folders below a folder with nothing in them. */
export async function emptyFoldersIn(directory: string, folder: string): Promise<string[]> {
  const empty: string[] = []
  for await (const entry of walk(join(directory, folder))) {
    const path = join(entry.parentPath, entry.name)
    if (entry.isDirectory() && (await readdir(path)).length === 0) empty.push(path)
  }
  return empty
}

/** All that lies in a directory. */
export async function pathsIn(directory: string): Promise<string[]> {
  const paths: string[] = []
  for await (const { parentPath, name } of walk(directory)) paths.push(join(parentPath, name))
  return paths
}

/** As `du -s --block-size=1`: the blocks of all files and folders, and of the directory itself. */
export async function diskUse(directory: string): Promise<number> {
  const paths = [directory, ...(await pathsIn(directory))]
  const stats = await Promise.all(paths.map((path) => lstat(path).catch(() => undefined)))
  return stats.reduce((sum, each) => sum + (each?.blocks ?? 0) * 512, 0)
}

export interface Leftovers {
  readonly buckets: number
  readonly contents: number
  readonly temporary: number
  /** Descriptors of this process below the directory. Counted on Linux only, else 0. */
  readonly descriptors: number
}

export async function leftovers(directory: string): Promise<Leftovers> {
  return {
    buckets: (await filesIn(directory, 'index-v5')).length,
    contents: (await filesIn(directory, 'content-v2')).length,
    temporary: (await filesIn(directory, 'tmp')).length,
    descriptors: await openDescriptors(directory),
  }
}

async function openDescriptors(directory: string): Promise<number> {
  const descriptors = await readdir('/proc/self/fd').catch(() => [])
  const targets = await Promise.all(descriptors.map((name) => readlink(`/proc/self/fd/${name}`).catch(() => '')))
  return targets.filter((target) => target.startsWith(`${directory}/`)).length
}
