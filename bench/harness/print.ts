/** A row of the table as it is printed: what each contender did in each way to ask, then what is to be reached. */
import { printTable } from '../index/table.ts'
import type { PeerName } from '../peers/peers.ts'
import { atMost, checkCells, formatNumber, type Check } from './checks.ts'
import { busyStallMs, cpuMicroseconds, perSecond, stallMs, type Metric, type Results } from './results.ts'
import type { Workload } from './workload.ts'

/** Milliseconds for which nothing else in the process gets a turn. */
const MAX_STALL_MS = 10

export function printRow(workload: Workload, results: Results): Check[] {
  for (const mode of workload.modes) printMode(workload, mode.name, results)
  printFinished(workload, results)
  const checks = [...workload.checks(results), ...stallChecks(workload, results)]
  printTable(`${workload.name}: to reach`, ['', 'limit', 'measured', ''], checks.map(checkCells))
  return checks
}

function printMode({ title, contenders }: Workload, mode: string, results: Results): void {
  const present = contenders.filter((peer) => results.samples(mode, peer).length > 0)
  if (present.length === 0) return
  const names = new Set(
    present.flatMap((peer) => results.samples(mode, peer).flatMap((each) => Object.keys(each.figures))),
  )
  const hasWritten = present.some((peer) => results.sum(mode, peer, ({ writtenBytes }) => writtenBytes) > 0)
  const head = ['operations/s', 'CPU µs', 'stall ms (CPU)', 'origin', ...(hasWritten ? ['disk KB'] : []), ...names]
  const rows = present.map((peer) => [
    peer,
    formatNumber(results.median(mode, peer, perSecond)),
    formatNumber(results.median(mode, peer, cpuMicroseconds)),
    stallCell(results, mode, peer),
    formatNumber(
      results.sum(mode, peer, ({ originRequests, operations }) => originRequests / operations) /
        results.samples(mode, peer).length,
    ),
    ...(hasWritten
      ? [formatNumber(results.median(mode, peer, ({ writtenBytes, operations }) => writtenBytes / 1024 / operations))]
      : []),
    ...[...names].map((name) => formatNumber(results.median(mode, peer, ({ figures }) => figures[name] ?? NaN))),
  ])
  printTable(`${title}; ${mode}`, ['an operation, medians', ...head], rows)
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
    ({ name, ignoresStalls }) => ignoresStalls !== true && results.samples(name, 'this').length > 0,
  )
  if (judged.length === 0) return []
  const longest = (metric: Metric): number => Math.max(...judged.map(({ name }) => results.most(name, 'this', metric)))
  const busy = formatNumber(longest(busyStallMs))
  return [atMost(`longest stall of the event loop (by CPU time ${busy} ms)`, longest(stallMs), MAX_STALL_MS, 'ms')]
}
