/**
 * Walks over files two folders down, as cacache lays them out: ab/cd/ef… A folder's own time tells whether anything in it
 * has been added, replaced or removed, so that of what has not changed nothing has to be read.
 */
import { rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Looks } from './looks.ts'
import { removeEmptyFolders } from './removal.ts'

/** A file found on disk: its name is the hash that cacache gives it. */
export interface FoundFile {
  readonly hash: string
}

/** Second-level folders, each named by the first four digits of the hashes in it. */
export class Folders {
  readonly #has = new Uint8Array(0x1_0000)

  /** By its number, of which the name is four hexadecimal digits. */
  add(folder: number): void {
    this.#has[folder] = 1
  }

  /** Whether the folder of this hash is among them. */
  has(hash: string): boolean {
    return this.#has[Number.parseInt(hash.slice(0, 4), 16)] === 1
  }
}

/** Folders in which nothing has been added, replaced or removed since `time`, in milliseconds since the epoch. */
export async function foldersUnchangedSince(root: string, time: number): Promise<Folders> {
  const looks = new Looks()
  const unchanged = new Folders()
  const patient: string[] = []
  for (const first of await foldersIn(root, looks)) {
    for (const second of await foldersIn(join(root, first), looks)) {
      // Of many thousands: no promise for each, nor a path put together from parts.
      const modifiedAt = looks.timeNow(`${root}/${first}/${second}`)
      if (modifiedAt === undefined) patient.push(first + second)
      else if (modifiedAt < time) unchanged.add(numberOf(first, second))
      if (looks.isDue) await looks.rest()
    }
  }
  await looks.each(patient, async (folder) => {
    const [first, second] = [folder.slice(0, 2), folder.slice(2)]
    const state = await looks.state(join(root, first, second))
    if (state !== undefined && state.modifiedAt < time) unchanged.add(numberOf(first, second))
  })
  return unchanged
}

/** NaN for what cacache has not named, which is nobody's number. */
function numberOf(first: string, second: string): number {
  return first.length === 2 && second.length === 2 ? Number(`0x${first}${second}`) : NaN
}

/** Every file, in no order, but for those in folders to be passed over. To tidy up: folders that a crash has left empty go. */
export async function* walk(
  root: string,
  passOver?: Folders,
  isTidying = false,
): AsyncGenerator<FoundFile, void, void> {
  const looks = new Looks()
  for (const first of await foldersIn(root, looks)) {
    const folders = await foldersIn(join(root, first), looks)
    if (isTidying && folders.length === 0) await rmdir(join(root, first)).catch(() => {})
    const found: FoundFile[] = []
    const wanted = passOver === undefined ? folders : folders.filter((second) => !passOver.has(first + second))
    await looks.each(wanted, async (second) => {
      const files = await looks.list(join(root, first, second))
      // One that has just been made is made again.
      if (isTidying && files.length === 0) await removeEmptyFolders(join(root, first, second, 'none'))
      for (const file of files) {
        if (file.isFile()) found.push({ hash: first + second + file.name })
      }
    })
    yield* found
  }
}

/** What a link leads to is no part of the directory. */
async function foldersIn(path: string, looks: Looks): Promise<string[]> {
  return (await looks.list(path)).filter((entry) => entry.isDirectory()).map(({ name }) => name)
}
