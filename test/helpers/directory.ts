/** What lies in a cache directory, and what of it this process holds open. */
import { rmSync } from 'node:fs'
import { mkdtemp, readdir, readlink } from 'node:fs/promises'
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

/** Files below a folder, as paths relative to it; none when it is missing. */
export async function filesIn(directory: string, folder: string): Promise<string[]> {
  const found = await readdir(join(directory, folder), { recursive: true, withFileTypes: true }).catch(() => [])
  return found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
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
