/**
 * What the cache was worth over time: a line for each stretch in which a process was asked for something. Lines are
 * appended by everybody who has the directory open, and drawn together by the leader when there are too many, the older
 * half two by two: the last hours stay exact, weeks become coarse.
 */
import { constants } from 'node:fs'
import { open, readFile } from 'node:fs/promises'
import { replaceFile } from './files.ts'
import { FILE_MODE, NO_FOLLOW, type Layout } from './layout.ts'

/** Counts of one process, or of several, over a stretch of time. */
export interface Stretch {
  /** In milliseconds since the epoch. */
  readonly from: number
  readonly to: number
  readonly hits: number
  readonly misses: number
  /** Bytes of stored bodies handed to callers. */
  readonly bytesServed: number
  /** Bytes of bodies that came from origins. */
  readonly bytesFromNetwork: number
}

/** Bytes of the file from which on it is made shorter: two blocks. */
const MAX_BYTES = 8_192
/** A file that has grown to this is none of ours. */
const MAX_READ_BYTES = 1_048_576
const NAMES = ['from', 'to', 'hits', 'misses', 'bytesServed', 'bytesFromNetwork'] as const

/** Adds a stretch. `mayShorten`: nobody else is to do it. */
export async function appendHistory(layout: Layout, stretch: Stretch, mayShorten: boolean): Promise<void> {
  const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | NO_FOLLOW
  const file = await open(layout.history, flags, FILE_MODE)
  let size: number
  try {
    await file.write(lineOf(stretch))
    size = (await file.stat()).size
  } finally {
    await file.close()
  }
  if (!mayShorten || size <= MAX_BYTES) return
  let stretches = await readHistory(layout)
  do stretches = shortened(stretches)
  while (stretches.length > 1 && lengthOf(stretches) > MAX_BYTES / 2)
  // What another process appends at this moment is lost: a minute of its counts.
  await replaceFile(layout.history, stretches.map(lineOf).join(''), layout.temporaryFile())
}

/** All stretches, oldest first; those of several processes may overlap. What is not whole is left out. */
export async function readHistory(layout: Layout): Promise<Stretch[]> {
  const file = await open(layout.history, constants.O_RDONLY | NO_FOLLOW).catch(() => undefined)
  if (file === undefined) return []
  try {
    if ((await file.stat()).size > MAX_READ_BYTES) return []
    const text = await readFile(file, 'utf8')
    const stretches = text.split('\n').map(stretchOf)
    return stretches.filter((stretch) => stretch !== undefined).toSorted((a, b) => a.from - b.from)
  } finally {
    await file.close()
  }
}

/** The older half two by two. */
function shortened(stretches: readonly Stretch[]): Stretch[] {
  const half = Math.ceil(stretches.length / 2)
  const older: Stretch[] = []
  for (let i = 0; i < half; i += 2) {
    const [a, b] = [stretches[i] as Stretch, stretches[i + 1]]
    older.push(b === undefined ? a : joined(a, b))
  }
  return [...older, ...stretches.slice(half + (half % 2))]
}

function joined(a: Stretch, b: Stretch): Stretch {
  return {
    from: Math.min(a.from, b.from),
    to: Math.max(a.to, b.to),
    hits: a.hits + b.hits,
    misses: a.misses + b.misses,
    bytesServed: a.bytesServed + b.bytesServed,
    bytesFromNetwork: a.bytesFromNetwork + b.bytesFromNetwork,
  }
}

function lengthOf(stretches: readonly Stretch[]): number {
  return stretches.reduce((sum, stretch) => sum + lineOf(stretch).length, 0)
}

function lineOf(stretch: Stretch): string {
  return `${JSON.stringify(NAMES.map((name) => stretch[name]))}\n`
}

function stretchOf(line: string): Stretch | undefined {
  let numbers: unknown
  try {
    numbers = JSON.parse(line)
  } catch {
    // Cut off by the end of its writer.
    return undefined
  }
  if (!Array.isArray(numbers) || numbers.length !== NAMES.length) return undefined
  if (!numbers.every((number) => Number.isSafeInteger(number) && number >= 0)) return undefined
  const stretch = Object.fromEntries(NAMES.map((name, i) => [name, numbers[i] as number])) as unknown as Stretch
  return stretch.from <= stretch.to ? stretch : undefined
}
