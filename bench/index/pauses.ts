/**
 * How long one call can keep the event loop: aging of the sketch, growth, and the snapshot. A thread's CPU time is too
 * coarse for that (4 ms on some kernels), so the clock on the wall is read; what other processes do to it is left out by
 * running the same calls several times over, with the same chance, and taking the least time of each.
 */
import { MetadataIndex } from '../../src/metadata-index/metadata-index.ts'
import { seeded } from './policies/index-policy.ts'
import { printTable } from './table.ts'
import { makeKeys } from './time.ts'

const ENTRIES = 1_000_000
/** More than a sample of the sketch, 30 requests an entry, so that all is aged once at least. */
const REQUESTS = 32 * ENTRIES
/** Requests between two readings of the clock: a pause is within one such block. */
const BLOCK = 64
const SNAPSHOT_ENTRIES = 100_000
const SNAPSHOTS = 5
const ROUNDS = 3
const GROWTH_STEPS = 8

export function benchPauses(): void {
  const keys = makeKeys(ENTRIES)
  const rounds = Array.from({ length: ROUNDS }, () => {
    const index = newIndex(ENTRIES)
    const map = new Map<string, number>()
    return {
      growth: times(keys, (key) => void index.set(key, 0, 1)),
      mapGrowth: times(keys, (key, at) => void map.set(key, at)),
      blocks: agingBlocks(index, keys),
    }
  })
  const growth = longest(leastOfEach(rounds.map((round) => round.growth)))
  const mapGrowth = longest(leastOfEach(rounds.map((round) => round.mapGrowth)))
  const blocks = leastOfEach(rounds.map((round) => round.blocks)).toSorted()
  printTable(
    `Growth to ${ENTRIES.toLocaleString('en')} entries: the ${GROWTH_STEPS} longest calls of \`set\`, ms`,
    ['', ...growth.map((_, rank) => `${rank + 1}.`)],
    [
      ['index', ...growth.map((ms) => ms.toFixed(2))],
      ["V8's Map alone", ...mapGrowth.map((ms) => ms.toFixed(2))],
    ],
  )
  printTable(
    `Aging: blocks of ${BLOCK} requests among ${ENTRIES.toLocaleString('en')} entries, ${REQUESTS / 1e6} million requests, ms`,
    ['', 'median', '99.99 %', 'longest'],
    [['index', ...[0.5, 0.9999, 1].map((share) => quantile(blocks, share).toFixed(3))]],
  )
  printSnapshots(keys.slice(0, SNAPSHOT_ENTRIES))
}

function newIndex(maxEntries: number): MetadataIndex<number> {
  return new MetadataIndex<number>({ maxEntries, maxWeight: Infinity, random: seeded(1) })
}

/** Milliseconds of each step. */
function times(keys: readonly string[], step: (key: string, at: number) => void): Float64Array {
  const each = new Float64Array(keys.length)
  for (const [at, key] of keys.entries()) each[at] = timed(() => step(key, at))
  return each
}

function leastOfEach(rounds: readonly Float64Array[]): Float64Array {
  return (rounds[0] as Float64Array).map((_, at) => Math.min(...rounds.map((round) => round[at] as number)))
}

function longest(each: Float64Array): number[] {
  return [...each.toSorted().subarray(-GROWTH_STEPS)].toReversed()
}

function agingBlocks(index: MetadataIndex<number>, keys: readonly string[]): Float64Array {
  const random = seeded(4)
  const order = new Uint32Array(BLOCK)
  return new Float64Array(REQUESTS / BLOCK).map(() => {
    for (let at = 0; at < BLOCK; at++) order[at] = random() * keys.length
    return timed(() => {
      for (const object of order) index.get(keys[object] as string)
    })
  })
}

function printSnapshots(keys: readonly string[]): void {
  const index = newIndex(keys.length)
  for (const key of keys) index.set(key, 0, 1)
  const entryAt = (position: number) => ({ key: keys[position] as string, value: 0, weight: 1 })
  const [saving, restoring]: [Float64Array, Float64Array] = [new Float64Array(SNAPSHOTS), new Float64Array(SNAPSHOTS)]
  let bytes = 0
  for (let round = 0; round < SNAPSHOTS; round++) {
    let taken = index.snapshot()
    saving[round] = timed(() => {
      taken = index.snapshot()
    })
    for (const _ of taken.values());
    const snapshot = taken.state()
    bytes = snapshot.length
    const other = newIndex(keys.length)
    let isRestored = false
    restoring[round] = timed(() => {
      isRestored = other.restore(snapshot, entryAt)
    })
    if (!isRestored || other.entryCount !== keys.length) throw new Error('Expected the snapshot to be restored whole')
  }
  const row = (times: Float64Array): string[] => [0.5, 1].map((share) => quantile(times.toSorted(), share).toFixed(1))
  printTable(
    `Snapshot of ${keys.length.toLocaleString('en')} entries, ${(bytes / 1e6).toFixed(1)} MB, ms, ${SNAPSHOTS} rounds`,
    ['', 'median', 'longest'],
    [
      ['snapshot', ...row(saving)],
      ['restore', ...row(restoring)],
    ],
  )
}

function quantile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN
}

/** Milliseconds. */
function timed(run: () => void): number {
  const before = performance.now()
  run()
  return performance.now() - before
}

if (import.meta.main) benchPauses()
