/** A row of the table as it is printed: what each contender did in each way to ask, then what is to be reached. */
import { printTable } from '../index/table.ts'
import type { PeerName } from '../peers/peers.ts'
import { atMost, checkCells, formatNumber, type Check } from './checks.ts'
import { busyStallMs, cpuMicroseconds, figure, perSecond, stallMs, type Metric, type Results } from './results.ts'
import type { Mode, Workload } from './workload.ts'

/** Milliseconds for which nothing else in the process gets a turn. */
const MAX_STALL_MS = 10
const KIB = 1024

export function printRow(workload: Workload, results: Results): Check[] {
  for (const mode of workload.modes) printMode(workload, mode, results)
  printFinished(workload, results)
  const checks = [...workload.checks(results), ...stallChecks(workload, results)]
  printTable(`${workload.name}: to reach`, ['', 'limit', 'measured', ''], checks.map(checkCells))
  return checks
}

function printMode({ title, contenders }: Workload, { name: mode, figuresOnly }: Mode, results: Results): void {
  const present = contenders.filter((peer) => results.samples(mode, peer).length > 0)
  if (present.length === 0) return
  const columns = [...(figuresOnly === true ? [] : TIMES), ORIGIN, ...figureColumns(present, mode, results)]
  // Nothing was written by anybody, or nobody says.
  const shown = present.some((peer) => results.sum(mode, peer, WRITTEN) > 0) ? [...columns, DISK] : columns
  const rows = present.map((peer) => [peer, ...shown.map(({ cell }) => cell(results, mode, peer))])
  printTable(`${title}; ${mode}`, ['medians', ...shown.map(({ head }) => head)], rows)
}

interface Column {
  readonly head: string
  readonly cell: (results: Results, mode: string, peer: PeerName) => string
}

const WRITTEN: Metric = ({ writtenBytes, operations }) => writtenBytes / KIB / operations

const TIMES: readonly Column[] = [
  medianColumn('operations/s', perSecond),
  medianColumn('CPU µs', cpuMicroseconds),
  { head: 'longest stall, ms (CPU)', cell: stallCell },
]
const ORIGIN = medianColumn('origin requests', ({ originRequests, operations }) => originRequests / operations)
const DISK = medianColumn('written, KiB', WRITTEN)

function figureColumns(peers: readonly PeerName[], mode: string, results: Results): Column[] {
  const samples = peers.flatMap((peer) => results.samples(mode, peer))
  const names = new Set(samples.flatMap(({ figures }) => Object.keys(figures)))
  return Array.from(names, (name) => medianColumn(name, figure(name)))
}

function medianColumn(head: string, metric: Metric): Column {
  return { head, cell: (results, mode, peer) => formatNumber(results.median(mode, peer, metric)) }
}

/** The longest of all, and the longest by the thread's own CPU time. */
function stallCell(results: Results, mode: string, peer: PeerName): string {
  return `${formatNumber(results.most(mode, peer, stallMs))} (${formatNumber(results.most(mode, peer, busyStallMs))})`
}

function printFinished(workload: Workload, results: Results): void {
  const figures = workload.contenders.map(
    (peer) => [peer, { ...workload.summary?.(results, peer), ...results.finished(peer) }] as const,
  )
  const names = [...new Set(figures.flatMap(([, each]) => Object.keys(each)))]
  if (names.length === 0) return
  const rows = figures
    .filter(([, each]) => Object.keys(each).length > 0)
    .map(([peer, each]) => [peer, ...names.map((name) => formatNumber(each[name] ?? NaN))])
  printTable('At the end', ['', ...names], rows)
}

function stallChecks({ modes }: Workload, results: Results): Check[] {
  const judged = modes.filter(
    ({ name, figuresOnly }) => figuresOnly !== true && results.samples(name, 'this').length > 0,
  )
  if (judged.length === 0) return []
  const longest = (metric: Metric): number => Math.max(...judged.map(({ name }) => results.most(name, 'this', metric)))
  const busy = formatNumber(longest(busyStallMs))
  return [atMost(`longest stall of the event loop (by CPU time ${busy} ms)`, longest(stallMs), MAX_STALL_MS, 'ms')]
}
