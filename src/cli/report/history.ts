/** The hit ratio over time, for the report: what processes have noted, in so many columns as a page has room for. */
import type { Stretch } from '../../manager/inspection.ts'

/** What was answered in one stretch of time; all stretches are equally long. */
export interface Column {
  readonly from: string
  readonly hits: number
  readonly misses: number
}

export interface HistoryView {
  readonly since: string
  readonly until: string
  readonly hits: number
  readonly misses: number
  /** Bytes of stored bodies handed to callers. */
  readonly bytesServed: number
  readonly bytesFromNetwork: number
  readonly columns: readonly Column[]
}

const COLUMNS = 48

/** Undefined where nothing was noted. */
export function historyOf(stretches: readonly Stretch[], isoTime: (time: number) => string): HistoryView | undefined {
  if (stretches.length === 0) return undefined
  const since = stretches.reduce((least, { from }) => Math.min(least, from), Infinity)
  const until = stretches.reduce((most, { to }) => Math.max(most, to), 0)
  const width = Math.max(1, (until - since) / COLUMNS)
  const counts = Array.from({ length: COLUMNS }, () => ({ hits: 0, misses: 0 }))
  for (const stretch of stretches) spread(stretch, since, width, counts)
  const sum = (count: (stretch: Stretch) => number) => stretches.reduce((total, each) => total + count(each), 0)
  return {
    since: isoTime(since),
    until: isoTime(until),
    hits: sum(({ hits }) => hits),
    misses: sum(({ misses }) => misses),
    bytesServed: sum(({ bytesServed }) => bytesServed),
    bytesFromNetwork: sum(({ bytesFromNetwork }) => bytesFromNetwork),
    columns: counts.map(({ hits, misses }, i) => ({ from: isoTime(since + i * width), hits, misses })),
  }
}

/** A stretch counts in each column by its share of it. */
function spread(
  { from, to, hits, misses }: Stretch,
  since: number,
  width: number,
  columns: { hits: number; misses: number }[],
): void {
  const first = Math.min(COLUMNS - 1, Math.floor((from - since) / width))
  const last = Math.min(COLUMNS - 1, Math.floor((to - since) / width))
  for (let i = first; i <= last; i++) {
    const start = Math.max(from, since + i * width)
    const end = i === last ? to : Math.min(to, since + (i + 1) * width)
    const share = to === from ? 1 / (last - first + 1) : Math.max(0, end - start) / (to - from)
    const column = columns[i] as { hits: number; misses: number }
    column.hits += hits * share
    column.misses += misses * share
  }
}
