/**
 * What a disk holds after some of the operations, when the power goes: of what was not written back yet, the data of
 * files may be missing, whole or in part, and the latest changes of folders.
 */
import { mkdir, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pick } from '../promises/promise.ts'
import type { Operation } from './operations.ts'

/** What has become of a file's data that was not written back. */
type Fate = (data: Buffer, random: () => number) => Buffer

const PAGE = 4096

const FATES = {
  whole: (data) => data,
  emptied: () => Buffer.alloc(0),
  zeroed: (data) => Buffer.alloc(data.length),
  cut: (data, random) => data.subarray(0, Math.floor(random() * data.length)),
  /** Pages in the middle are missing. */
  torn: (data, random) => {
    const torn = Buffer.from(data)
    for (let at = 0; at < data.length; at += PAGE)
      if (random() < 0.3) torn.fill(0, at, Math.min(at + PAGE, data.length))
    return torn
  },
} satisfies Record<string, Fate>

export interface LossModel {
  readonly name: string
  /** One of these for each file, by chance. */
  readonly fates: readonly Fate[]
  /** Whether each folder loses its latest changes, back to some point of its own. */
  readonly losesChanges: boolean
  /** Else the process alone has ended. */
  readonly isPowerLoss: boolean
}

const { whole, emptied, zeroed, cut, torn } = FATES

export const LOSS_MODELS: readonly LossModel[] = [
  { name: 'killed', fates: [whole], losesChanges: false, isPowerLoss: false },
  { name: 'nothing lost', fates: [whole], losesChanges: false, isPowerLoss: true },
  { name: 'data emptied', fates: [whole, emptied, emptied], losesChanges: false, isPowerLoss: true },
  { name: 'data zeroed', fates: [whole, zeroed, zeroed], losesChanges: false, isPowerLoss: true },
  { name: 'data cut', fates: [whole, cut, cut], losesChanges: false, isPowerLoss: true },
  { name: 'pages torn', fates: [whole, torn, torn], losesChanges: false, isPowerLoss: true },
  { name: 'folders behind', fates: [whole], losesChanges: true, isPowerLoss: true },
  { name: 'everything', fates: [whole, emptied, zeroed, cut, torn], losesChanges: true, isPowerLoss: true },
]

export interface Crash {
  readonly operations: readonly Operation[]
  /** How many of them were done. */
  readonly length: number
  /** How many of them had been written back: nothing of these is lost. */
  readonly writtenBack: number
  readonly model: LossModel
  readonly random: () => number
  /** The file times: when the last operation before this number was done, in milliseconds since the epoch. */
  readonly timeOf: (operation: number) => number
}

interface Change {
  readonly at: number
  readonly name: string
  /** Undefined: the name goes. */
  readonly file: number | 'folder' | undefined
}

/** Makes the directory what it would be after the crash. */
export async function materialise(crash: Crash, directory: string): Promise<void> {
  const changes = changesByFolder(crash.operations.slice(0, crash.length))
  await fill('.')

  async function fill(folder: string): Promise<void> {
    await mkdir(join(directory, folder), { recursive: true, mode: 0o700 })
    const { writtenBack, length, model, random } = crash
    const some = writtenBack + Math.floor(random() * (length - writtenBack + 1))
    const kept = model.losesChanges ? pick(random, [writtenBack, some, length]) : length
    const entries = new Map<string, number | 'folder'>()
    for (const { at, name, file } of changes.get(folder) ?? []) {
      if (at >= kept) break
      if (file === undefined) entries.delete(name)
      else entries.set(name, file)
    }
    for (const [name, file] of entries) {
      if (file === 'folder') await fill(join(folder, name))
      else await putFile(join(directory, folder, name), file)
    }
  }

  async function putFile(path: string, file: number): Promise<void> {
    const pieces: Uint8Array[] = []
    let last = 0
    for (const [at, operation] of crash.operations.entries()) {
      if (at >= crash.length) break
      if (!('file' in operation) || operation.file !== file || operation.kind === 'rename') continue
      last = at
      if (operation.kind === 'write') pieces.push(operation.bytes)
    }
    const data = Buffer.concat(pieces)
    const fate = last < crash.writtenBack ? whole : pick(crash.random, crash.model.fates)
    await writeFile(path, fate(data, crash.random), { mode: 0o600 })
    const time = crash.timeOf(last) / 1000
    await utimes(path, time, time)
  }
}

function changesByFolder(operations: readonly Operation[]): Map<string, Change[]> {
  const changes = new Map<string, Change[]>()
  const change = (at: number, path: string, file: Change['file']): void => {
    const folder = dirname(path)
    const name = path.slice(folder === '.' ? 0 : folder.length + 1)
    changes.set(folder, [...(changes.get(folder) ?? []), { at, name, file }])
  }
  for (const [at, operation] of operations.entries()) {
    if (operation.kind === 'folder') change(at, operation.path, 'folder')
    else if (operation.kind === 'create') change(at, operation.path, operation.file)
    else if (operation.kind === 'remove') change(at, operation.path, undefined)
    else if (operation.kind === 'rename') {
      change(at, operation.to, operation.file)
      change(at, operation.from, undefined)
    }
  }
  return changes
}
