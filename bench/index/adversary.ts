/**
 * What an attacker can do: junk requests beside real ones, keys whose hashes collide, and a guarded victim. The worst
 * case is taken where it can be: this attacker knows the sketch's seed, which in use is drawn for each process.
 */
import { hashKey } from '../../src/metadata-index/key-hash.ts'
import { MetadataIndex } from '../../src/metadata-index/metadata-index.ts'
import { indexPolicy, seeded } from './policies/index-policy.ts'
import { lruCache, transitory } from './policies/npm-peers.ts'
import type { PolicySource } from './policies/policy.ts'
import { printTable } from './table.ts'
import { loadTraces } from './traces.ts'
import type { Trace } from './traces.ts'

const CACHE_SHARE = 0.05
const POLICIES = [indexPolicy('balanced'), indexPolicy('objects'), indexPolicy('bytes'), lruCache, transitory]
/** How often each junk object is asked for in a row; 0 is no junk at all. */
const JUNK_REPEATS = [0, 1, 3, 8]

const COLLIDING_KEYS = 20_000
const HELD = 2_000
const WARM_CANDIDATES = 20_000
/** The lowest bits of the hash choose the sketch's block: all these keys share one, of 2,048. */
const BLOCK_BITS = 0x7ff

export function benchAdversary(): void {
  printTable(
    'One junk request beside each real one, 5 % of unique bytes: percent of the real requests that are hits',
    [
      '',
      'goal or peer',
      ...JUNK_REPEATS.map((repeats) => (repeats === 0 ? 'no junk' : `asked ${repeats}x`)),
      'most lost',
    ],
    loadTraces()
      .filter(({ isSized }) => isSized)
      .flatMap((trace) => POLICIES.map((policy) => junkRow(trace, policy))),
  )
  benchCollisions()
}

function junkRow(trace: Trace, policy: PolicySource): string[] {
  const ratios = JUNK_REPEATS.map((repeats) => hitRatioBesideJunk(trace, policy, repeats))
  const lost = Math.max(...ratios.map((ratio) => (ratios[0] as number) - ratio))
  return [trace.name, policy.name, ...ratios.map((ratio) => ratio.toFixed(1)), lost.toFixed(1)]
}

/** Junk has the sizes of the trace's own objects, and names that the trace does not use. */
function hitRatioBesideJunk(trace: Trace, source: PolicySource, repeats: number): number {
  const { requests, objectCount } = trace
  const sizes = new Uint32Array(objectCount + requests.length)
  for (let at = 0; at < sizes.length; at++) sizes[at] = trace.sizes[at % objectCount] as number
  const policy = source.create(Math.floor(CACHE_SHARE * trace.uniqueBytes), {
    ...trace,
    sizes,
    objectCount: sizes.length,
  })
  let hits = 0
  for (const [at, object] of requests.entries()) {
    if (policy.request(object, sizes[object] as number)) hits++
    if (repeats === 0) continue
    const junk = objectCount + Math.floor(at / repeats)
    policy.request(junk, sizes[junk] as number)
  }
  return (hits / requests.length) * 100
}

function benchCollisions(): void {
  const colliding = makeKeys((hash) => (hash & BLOCK_BITS) === 0)
  const ordinary = makeKeys(() => true)
  // Alternating, and the best of each: a ratio of times on a machine that others use as well.
  const times = Array.from({ length: 7 }, () => [timeOf(colliding), timeOf(ordinary)] as const)
  const best = (at: 0 | 1): number => Math.min(...times.map((pair) => pair[at]))
  const warm = WARM_CANDIDATES.toLocaleString('en')
  printTable(
    'The sketch attacked with its seed known',
    ['', ''],
    [
      ['time of keys that share one block, times that of ordinary keys', (best(0) / best(1)).toFixed(2)],
      [`of ${warm} warm candidates admitted to a main that is guarded`, String(admitted(seeded(2)))],
      ['the same without chance', String(admitted(() => 0.5))],
    ],
  )
}

/** A miss and a set for each key, three times over; nanoseconds an operation of the thread's CPU time. */
function timeOf(keys: readonly string[]): number {
  const index = new MetadataIndex<number>({ maxEntries: HELD, maxWeight: Infinity, random: knownSeed(seeded(3)) })
  const before = process.threadCpuUsage()
  for (let round = 0; round < 3; round++) {
    for (const key of keys) if (index.get(key) === undefined) index.set(key, 0, 1)
  }
  const { user, system } = process.threadCpuUsage(before)
  return ((user + system) * 1000) / keys.length / 3
}

/**
 * Everything held has been asked for as often as can be told, and that goes on; candidates are warm, but never as hot. By
 * worth alone none could enter main.
 */
function admitted(chance: () => number): number {
  const index = new MetadataIndex<number>({ maxEntries: HELD, maxWeight: Infinity, random: knownSeed(chance) })
  const victims = Array.from({ length: HELD }, (_, i) => `victim ${i}`)
  for (const victim of victims) index.set(victim, 0, 1)
  for (let round = 0; round < 20; round++) for (const victim of victims) index.get(victim)
  let count = 0
  for (let candidate = 0; candidate < WARM_CANDIDATES; candidate++) {
    const key = `candidate ${candidate}`
    for (let times = 0; times < 8; times++) index.get(key)
    count += index.set(key, 0, 1).filter(({ reason }) => reason === 'count').length
    for (let guard = 0; guard < 8; guard++) index.get(victims[(candidate * 8 + guard) % HELD] as string)
  }
  return count
}

/** The first draw is the seed of the hash: 0 here, as `makeKeys` takes it. */
function knownSeed(random: () => number): () => number {
  let isFirst = true
  return () => {
    if (!isFirst) return random()
    isFirst = false
    return 0
  }
}

function makeKeys(isWanted: (hash: number) => boolean): string[] {
  const keys: string[] = []
  for (let i = 0; keys.length < COLLIDING_KEYS; i++) {
    const key = `GET https://example.com/${i}`
    if (isWanted(hashKey(key, 0))) keys.push(key)
  }
  return keys
}

if (import.meta.main) benchAdversary()
