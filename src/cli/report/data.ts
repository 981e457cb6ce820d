/** What the report shows, worked out of the stored responses. The page (page.ts) only draws it. */
import { diskSize } from '../../manager/disk-use.ts'
import type { Inspection, RankedEntry } from '../../manager/inspection.ts'
import { entryKey, type StoredResponse } from '../../stored-response.ts'
import type { Session } from '../session.ts'
import { isoTime, shown, viewEntry, splitKey, type CacheType, type EntryView } from '../views.ts'
import { historyOf, type HistoryView } from './history.ts'
import { AGE_BINS, aheadOf, binned, SIZE_BINS, type Bin } from './bins.ts'

/** A folder of the treemap: an origin, or the first part of a path. */
export interface Folder {
  readonly name: string
  readonly entries: number
  /** Bytes on disk. */
  readonly size: number
  readonly parts: readonly Folder[]
}

export interface Row extends EntryView {
  /** Requests counted for it, where that is known. */
  readonly frequency: number | undefined
}

export interface Point {
  readonly key: string
  readonly size: number
  readonly frequency: number
  readonly region: RankedEntry<unknown>['region']
  /** Of the first that would go. */
  readonly isNext: boolean
}

/** Milliseconds from request to header section, of what is stored. */
interface OriginTimes {
  readonly origin: string
  readonly entries: number
  readonly median: number
  readonly slowest: number
}

export interface ReportData {
  readonly directory: string
  readonly writtenAt: string
  readonly type: CacheType
  readonly processes: readonly number[]
  readonly entries: number
  readonly diskBytes: number
  readonly bodyBytes: number
  readonly fresh: number
  readonly folders: readonly Folder[]
  readonly originCount: number
  readonly sizes: readonly Bin[]
  readonly ages: readonly Bin[]
  readonly ahead: readonly Bin[]
  /** Undefined where no snapshot says in which order entries would go. */
  readonly points: readonly Point[] | undefined
  readonly origins: readonly OriginTimes[]
  /** Undefined where no process has noted any. */
  readonly history: HistoryView | undefined
  /** The heaviest. */
  readonly rows: readonly Row[]
}

/** The share of all bytes that counts as next to go. */
const NEXT_SHARE = 0.05
/** What is drawn one by one: more would be a blot, and slow. */
const MOST_POINTS = 1_500
const MOST_ORIGINS = 12
const MOST_PARTS = 24
const MOST_TIMED = 8

export async function gather(
  session: Session,
  inspection: Inspection,
  records: readonly StoredResponse[],
  options: { readonly type: CacheType; readonly rows: number },
): Promise<ReportData> {
  const ranking = inspection.ranking(records)
  const frequencies = new Map(ranking?.map(({ key, frequency }) => [key, frequency]))
  const weighed = records.map((record) => ({ record, view: viewEntry(session, record, options.type) }))
  weighed.sort((a, b) => b.view.diskSize - a.view.diskSize)
  const views = weighed.map(({ view }) => view)
  const members = await inspection.members()
  return {
    directory: inspection.directory,
    writtenAt: isoTime(session.now),
    type: options.type,
    processes: members.map(({ pid }) => pid),
    entries: records.length,
    diskBytes: views.reduce((sum, view) => sum + view.diskSize, 0),
    bodyBytes: views.reduce((sum, view) => sum + view.bodySize, 0),
    fresh: views.filter(({ state }) => state === 'fresh').length,
    folders: foldersOf(session, records),
    originCount: new Set(records.map(originOf)).size,
    sizes: binned(views, SIZE_BINS, ({ bodySize }) => bodySize),
    ages: binned(views, AGE_BINS, ({ age }) => age),
    ahead: aheadOf(views),
    points: ranking && pointsOf(session, ranking),
    origins: timesOf(session, records),
    history: historyOf(await inspection.history(), isoTime),
    rows: weighed.slice(0, options.rows).map(({ record, view }) => ({
      ...view,
      frequency: frequencies.get(entryKey(record.key, record.variant)),
    })),
  }
}

function originOf({ key }: StoredResponse): string {
  const url = splitKey(key).url
  return URL.parse(url)?.origin ?? url
}

/** The first part of the path, with what follows where it is the whole of it. */
function partOf({ key }: StoredResponse): string {
  const path = URL.parse(splitKey(key).url)?.pathname ?? '/'
  const end = path.indexOf('/', 1)
  return end < 0 ? path : path.slice(0, end + 1)
}

function foldersOf(session: Session, records: readonly StoredResponse[]): Folder[] {
  const byOrigin = Map.groupBy(records, originOf)
  const folders = Array.from(byOrigin, ([origin, ofOrigin]): Folder => {
    const byPart = Map.groupBy(ofOrigin, partOf)
    const parts = Array.from(byPart, ([part, ofPart]) => folder(shown(session, part), ofPart))
    return { ...folder(shown(session, origin), ofOrigin), parts: heaviest(parts, MOST_PARTS) }
  })
  return heaviest(folders, MOST_ORIGINS)
}

function folder(name: string, records: readonly StoredResponse[]): Folder {
  const size = records.reduce((sum, record) => sum + diskSize(record), 0)
  return { name, entries: records.length, size, parts: [] }
}

/** So many, and the others as one. */
function heaviest(folders: Folder[], most: number): Folder[] {
  folders.sort((a, b) => b.size - a.size)
  if (folders.length <= most) return folders
  const rest = folders.slice(most - 1)
  const size = rest.reduce((sum, each) => sum + each.size, 0)
  const entries = rest.reduce((sum, each) => sum + each.entries, 0)
  return [...folders.slice(0, most - 1), { name: `${rest.length} others`, entries, size, parts: [] }]
}

/** In the order in which they would go; newcomers last. */
function pointsOf(session: Session, ranking: readonly RankedEntry<StoredResponse>[]): Point[] {
  let room = NEXT_SHARE * ranking.reduce((sum, { weight }) => sum + weight, 0)
  const hasMain = ranking.some(({ region }) => region !== 'window')
  const points = ranking.map(({ key, weight, frequency, region }): Point => {
    const isNext = room > 0 && (region !== 'window' || !hasMain)
    if (isNext) room -= weight
    return { key: shown(session, key), size: weight, frequency, region, isNext }
  })
  if (points.length <= MOST_POINTS) return points
  const next = points.filter(({ isNext }) => isNext).slice(0, MOST_POINTS / 3)
  const others = points.filter(({ isNext }) => !isNext)
  const step = Math.ceil(others.length / (MOST_POINTS - next.length))
  return [...next, ...others.filter((_, i) => i % step === 0)]
}

function timesOf(session: Session, records: readonly StoredResponse[]): OriginTimes[] {
  const origins = Array.from(Map.groupBy(records, originOf), ([origin, ofOrigin]): OriginTimes => {
    const times = ofOrigin.map(({ requestTime, responseTime }) => Math.max(0, responseTime - requestTime))
    times.sort((a, b) => a - b)
    const median = times[Math.floor((times.length - 1) / 2)] ?? 0
    return { origin: shown(session, origin), entries: times.length, median, slowest: times.at(-1) ?? 0 }
  })
  return origins.sort((a, b) => b.median - a.median).slice(0, MOST_TIMED)
}
