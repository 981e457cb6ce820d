/**
 * Time of a hit and of a mix of hits and misses, in nanoseconds of the thread's CPU time. All peers are made and warmed
 * before anything is timed; then they take turns, each round beginning with another, and all are asked the same in a
 * round. The best of five rounds counts, and the median stands beside it: compare within one run only.
 */
import { createPeer, PEER_NAMES } from './peers.ts'
import type { Peer, PeerName, Weighing } from './peers.ts'
import { seeded } from './policies/index-policy.ts'
import { printTable } from './table.ts'

const ROUNDS = 5
const OPERATIONS = 2_000_000

/** What all peers are asked in one round, and how. */
type Round = (peer: Peer) => void

interface Workload {
  readonly peers: ReadonlyMap<PeerName, Peer>
  /** Another round of the same kind: the stream goes on. */
  readonly next: () => Round
}

export function benchTime(entryCounts: readonly number[]): void {
  for (const entryCount of entryCounts) {
    const hits = timeOf(hitsOf(entryCount))
    const mixes = timeOf(mixOf(entryCount))
    printTable(
      `Time, ${entryCount.toLocaleString('en')} entries, ns, best of ${ROUNDS} rounds and median`,
      ['', 'hit', 'x lru-cache', 'median', 'x', 'mix', 'x lru-cache', 'median', 'x'],
      PEER_NAMES.map((name) => [name, ...columns(hits, name), ...columns(mixes, name)]),
    )
  }
}

type Times = ReadonlyMap<PeerName, readonly number[]>

/** Nanoseconds an operation, one for each round. */
function timeOf({ peers, next }: Workload): Times {
  const times = new Map<PeerName, number[]>(PEER_NAMES.map((name) => [name, []]))
  const warmUp = next()
  for (const peer of peers.values()) warmUp(peer)
  for (let round = 0; round < ROUNDS; round++) {
    const run = next()
    for (let turn = 0; turn < PEER_NAMES.length; turn++) {
      const name = PEER_NAMES[(round + turn) % PEER_NAMES.length] as PeerName
      times.get(name)?.push(cpuTime(peers.get(name) as Peer, run))
    }
  }
  return times
}

function columns(times: Times, name: PeerName): string[] {
  return [best, median].flatMap((pick) => {
    const [own, base] = [pick(times.get(name) ?? []), pick(times.get('lru-cache') ?? [])]
    return [own.toFixed(0), (own / base).toFixed(2)]
  })
}

function best(times: readonly number[]): number {
  return Math.min(...times)
}

function median(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[times.length >> 1] ?? NaN
}

/** Random hits among all entries held. */
function hitsOf(entryCount: number): Workload {
  const keys = makeKeys(entryCount)
  const value: Weighing = { weight: 1 }
  const random = seeded(2)
  const peers = makePeers(entryCount)
  for (const peer of peers.values()) for (const key of keys) peer.set(key, value)
  return {
    peers,
    next: () => {
      const order = Uint32Array.from({ length: OPERATIONS }, () => random() * entryCount)
      return (peer) => {
        for (const object of order) peer.get(keys[object] as string)
      }
    },
  }
}

/** Requests by a Zipf law for twice as many objects as fit, of sizes from 1 to 1,000; what misses is stored. */
function mixOf(entryCount: number): Workload {
  const keys = makeKeys(entryCount * 2)
  const random = seeded(3)
  const values: Weighing[] = keys.map(() => ({ weight: 1 + Math.floor(random() * 1000) }))
  const draw = zipf(keys.length, random)
  const peers = makePeers(entryCount * 4, entryCount * 500)
  for (const peer of peers.values()) for (const [at, key] of keys.entries()) peer.set(key, values[at] as Weighing)
  return {
    peers,
    next: () => {
      const order = Uint32Array.from({ length: OPERATIONS }, draw)
      return (peer) => {
        for (const object of order) {
          const key = keys[object] as string
          if (peer.get(key) === undefined) peer.set(key, values[object] as Weighing)
        }
      }
    },
  }
}

function makePeers(maxEntries: number, maxWeight?: number): ReadonlyMap<PeerName, Peer> {
  return new Map(PEER_NAMES.map((name) => [name, createPeer(name, maxEntries, maxWeight)]))
}

function cpuTime(peer: Peer, run: Round): number {
  const before = process.threadCpuUsage()
  run(peer)
  const { user, system } = process.threadCpuUsage(before)
  return ((user + system) * 1000) / OPERATIONS
}

/**
 * About 55 characters, as cache keys are, and flat: what `+` and templates make is a tree until somebody reads it, which
 * would be cheaper to carry around and measure the first reader's work on it.
 */
export function makeKeys(count: number): string[] {
  return Array.from({ length: count }, (_, i) => {
    const key = `GET https://static.example.com/assets/images/${String(i).padStart(9, '0')}`
    return Buffer.from(key, 'latin1').toString('latin1')
  })
}

/** Draws object numbers with a chance in proportion to 1 / rank ^ 0.9, ranks scattered over the objects. */
function zipf(objectCount: number, random: () => number): () => number {
  const exponent = 0.9
  const most = objectCount ** (1 - exponent) - 1
  const scatter = Uint32Array.from({ length: objectCount }, (_, i) => i)
  for (let i = objectCount - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    const swapped = scatter[i] as number
    scatter[i] = scatter[j] as number
    scatter[j] = swapped
  }
  return () => {
    const rank = Math.floor((random() * most + 1) ** (1 / (1 - exponent))) - 1
    return scatter[Math.min(objectCount - 1, rank)] as number
  }
}

if (import.meta.main) benchTime([100_000, 1_000_000])
