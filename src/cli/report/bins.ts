/** Histograms: how many entries, and how many of their bytes, fall between which bounds. */
import type { EntryView } from '../views.ts'

export interface Bin {
  readonly label: string
  readonly entries: number
  /** Bytes on disk. */
  readonly bytes: number
}

/** What is below `below` and not in a bin before. */
export interface Bound {
  readonly label: string
  readonly below: number
}

const KIB = 1024
const HOUR = 3600
const DAY = 86_400

export const SIZE_BINS: readonly Bound[] = [
  { label: 'empty', below: 1 },
  { label: 'to 1 KiB', below: KIB + 1 },
  { label: 'to 8 KiB', below: 8 * KIB + 1 },
  { label: 'to 64 KiB', below: 64 * KIB + 1 },
  { label: 'to 512 KiB', below: 512 * KIB + 1 },
  { label: 'to 4 MiB', below: 4 * KIB ** 2 + 1 },
  { label: 'to 32 MiB', below: 32 * KIB ** 2 + 1 },
  { label: 'larger', below: Infinity },
]

export const AGE_BINS: readonly Bound[] = [
  { label: 'to 1 min', below: 60 },
  { label: 'to 10 min', below: 600 },
  { label: 'to 1 h', below: HOUR },
  { label: 'to 6 h', below: 6 * HOUR },
  { label: 'to 1 day', below: DAY },
  { label: 'to 1 week', below: 7 * DAY },
  { label: 'to 30 days', below: 30 * DAY },
  { label: 'older', below: Infinity },
]

const AHEAD_BINS: readonly Bound[] = [
  { label: 'within 1 min', below: 61 },
  { label: 'within 10 min', below: 601 },
  { label: 'within 1 h', below: HOUR + 1 },
  { label: 'within 6 h', below: 6 * HOUR + 1 },
  { label: 'within 1 day', below: DAY + 1 },
  { label: 'within 1 week', below: 7 * DAY + 1 },
  { label: 'later', below: Infinity },
]

export function binned(
  views: readonly EntryView[],
  bounds: readonly Bound[],
  valueOf: (view: EntryView) => number,
): Bin[] {
  const found = Map.groupBy(views, (view) => bounds.findIndex(({ below }) => valueOf(view) < below))
  return bounds.map(({ label }, i) => bin(label, found.get(i) ?? []))
}

/** When what is fresh now becomes stale; before that, what is stale and what is asked about before each use. */
export function aheadOf(views: readonly EntryView[]): Bin[] {
  const { fresh = [], stale = [], validate = [] } = Object.groupBy(views, ({ state }) => state)
  return [
    bin('stale now', stale),
    ...binned(fresh, AHEAD_BINS, ({ lifetime, age }) => lifetime - age),
    bin('asked each time', validate),
  ]
}

function bin(label: string, views: readonly EntryView[]): Bin {
  return { label, entries: views.length, bytes: views.reduce((sum, { diskSize }) => sum + diskSize, 0) }
}
