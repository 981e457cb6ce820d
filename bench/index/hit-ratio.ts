/** Hit ratios on traces: the index with each goal, npm's peers, reference policies, and what knowing the future gives. */
import { belady } from './policies/belady.ts'
import type { HitRatio } from './policies/belady.ts'
import { gdsf } from './policies/gdsf.ts'
import { indexPolicy } from './policies/index-policy.ts'
import { lru } from './policies/lru.ts'
import { lruCache, transitory } from './policies/npm-peers.ts'
import type { PolicySource } from './policies/policy.ts'
import { s3Fifo } from './policies/s3-fifo.ts'
import { sieve } from './policies/sieve.ts'
import { wTinyLfu } from './policies/w-tinylfu.ts'
import { printTable } from './table.ts'
import { cellsOf, loadTraces } from './traces.ts'
import type { Trace } from './traces.ts'

const INDEX = [indexPolicy('balanced'), indexPolicy('objects'), indexPolicy('bytes')]
const PEERS = [lruCache, transitory]
const REFERENCES = [lru, s3Fifo, sieve, wTinyLfu, gdsf]
const POLICIES: readonly PolicySource[] = [...INDEX, ...PEERS, ...REFERENCES]
const BOUND = 'bound'

/** Hit ratios of one trace: for each policy one for each cell. */
type TraceResult = ReadonlyMap<string, readonly HitRatio[]>

export function benchHitRatio(): void {
  const traces = loadTraces()
  const results = new Map<Trace, TraceResult>(traces.map((trace) => [trace, runTrace(trace)]))
  const sized = traces.filter(({ isSized }) => isSized)
  const unit = traces.filter(({ isSized }) => !isSized)
  printMeans('Sized traces, objects: percent of requests, mean over cache sizes', sized, results, 'objects')
  printMeans('Sized traces, bytes: percent of bytes, mean over cache sizes', sized, results, 'bytes')
  printMeans('Unit traces: percent of requests, mean over cache sizes', unit, results, 'objects')
  for (const policy of INDEX) printFloors(policy.name, traces, results)
}

function runTrace(trace: Trace): TraceResult {
  const cells = cellsOf(trace)
  const result = new Map<string, HitRatio[]>()
  for (const policy of POLICIES)
    result.set(
      policy.name,
      cells.map(({ capacity }) => run(policy, trace, capacity)),
    )
  const bounds = cells.map(({ capacity }) => {
    const all = (trace.isSized ? [false, true] : [false]).map((isBySize) => belady(trace, capacity, isBySize))
    return { objects: Math.max(...all.map((r) => r.objects)), bytes: Math.max(...all.map((r) => r.bytes)) }
  })
  return result.set(BOUND, bounds)
}

function run(source: PolicySource, trace: Trace, capacity: number): HitRatio {
  const policy = source.create(capacity, trace)
  let [hits, hitBytes, bytes] = [0, 0, 0]
  for (const object of trace.requests) {
    const size = trace.sizes[object] as number
    bytes += size
    if (policy.request(object, size)) {
      hits++
      hitBytes += size
    }
    if (policy.held !== undefined && policy.held() > capacity) {
      throw new Error(`Expected ${source.name} to hold ${capacity} at most on ${trace.name}, got ${policy.held()}`)
    }
  }
  return { objects: (hits / trace.requests.length) * 100, bytes: (hitBytes / bytes) * 100 }
}

function printMeans(
  title: string,
  traces: readonly Trace[],
  results: ReadonlyMap<Trace, TraceResult>,
  unit: keyof HitRatio,
): void {
  const names = [...POLICIES.map(({ name }) => name), BOUND]
  const rows = traces.map((trace) => names.map((name) => meanOf(results.get(trace)?.get(name) ?? [], unit)))
  const means = names.map((_, column) => mean(rows.map((row) => row[column] ?? NaN)))
  printTable(
    title,
    ['', ...names],
    [
      ...traces.map(({ name }, row) => [name, ...(rows[row] ?? []).map((value) => value.toFixed(1))]),
      ['mean', ...means.map((value) => value.toFixed(2))],
    ],
  )
}

/** How far the index falls below others at worst: by cell against LRU, by trace against the better of npm's peers. */
function printFloors(name: string, traces: readonly Trace[], results: ReadonlyMap<Trace, TraceResult>): void {
  const worst: Record<'cell' | keyof HitRatio, { gap: number; where: string }> = {
    cell: { gap: Infinity, where: '' },
    objects: { gap: Infinity, where: '' },
    bytes: { gap: Infinity, where: '' },
  }
  const note = (kind: keyof typeof worst, gap: number, where: string): void => {
    if (gap < worst[kind].gap) worst[kind] = { gap, where }
  }
  for (const trace of traces) {
    const result = results.get(trace) ?? new Map<string, HitRatio[]>()
    const own = result.get(name) ?? []
    const base = result.get(lru.name) ?? []
    for (const [at, cell] of cellsOf(trace).entries()) {
      const gap = (own[at]?.objects ?? NaN) - (base[at]?.objects ?? NaN)
      note('cell', gap, `${trace.name} at ${cell.share * 100} %`)
    }
    for (const unit of ['objects', 'bytes'] as const) {
      const better = Math.max(...PEERS.map((peer) => meanOf(result.get(peer.name) ?? [], unit)))
      note(unit, meanOf(own, unit) - better, trace.name)
    }
  }
  const show = ({ gap, where }: { gap: number; where: string }): string[] => [gap.toFixed(2), where]
  printTable(
    `Least lead of goal ${name}, in points`,
    ['', 'lead', 'where'],
    [
      ['objects, any cell, over LRU', ...show(worst.cell)],
      ["objects, any trace, over the better of npm's", ...show(worst.objects)],
      ["bytes, any trace, over the better of npm's", ...show(worst.bytes)],
    ],
  )
}

function meanOf(ratios: readonly HitRatio[], unit: keyof HitRatio): number {
  return mean(ratios.map((ratio) => ratio[unit]))
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

if (import.meta.main) benchHitRatio()
