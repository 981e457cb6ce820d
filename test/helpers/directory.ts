/** What lies in a cache directory, and what of it this process holds open. */
import { mkdtemp, readdir, readlink, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

/** A new directory that goes with the test. */
export async function temporaryDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'usc-test-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
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
