/**
 * Time of a hit and of a mix of hits and misses, in nanoseconds of the thread's CPU time. The peers take turns, five
 * rounds, and the best round of each counts: compare within one run only.
 */
import { createPeer, PEER_NAMES } from './peers.ts'
import type { Peer, PeerName, Weighing } from './peers.ts'
import { seeded } from './policies/index-policy.ts'
import { printTable } from './table.ts'

const ROUNDS = 5
const OPERATIONS = 2_000_000

export function benchTime(entryCounts: readonly number[]): void {
  for (const entryCount of entryCounts) {
    const hits = bestOf(entryCount, hitRound)
    const mixes = bestOf(entryCount, mixRound)
    const base = { hit: hits.get('lru-cache') ?? NaN, mix: mixes.get('lru-cache') ?? NaN }
    printTable(
      `Time, ${entryCount.toLocaleString('en')} entries, ns`,
      ['', 'hit', 'x lru-cache', 'mix', 'x lru-cache'],
      PEER_NAMES.map((name) => {
        const [hit, mix] = [hits.get(name) ?? NaN, mixes.get(name) ?? NaN]
        return [name, hit.toFixed(0), (hit / base.hit).toFixed(2), mix.toFixed(0), (mix / base.mix).toFixed(2)]
      }),
    )
  }
}

type Round = (entryCount: number) => (name: PeerName) => number

function bestOf(entryCount: number, prepare: Round): Map<PeerName, number> {
  const best = new Map<PeerName, number>()
  const run = prepare(entryCount)
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of PEER_NAMES) best.set(name, Math.min(best.get(name) ?? Infinity, run(name)))
  }
  return best
}

/** Random hits among all entries held. */
function hitRound(entryCount: number): (name: PeerName) => number {
  const keys = makeKeys(entryCount)
  const value: Weighing = { weight: 1 }
  const random = seeded(2)
  const order = Uint32Array.from({ length: OPERATIONS }, () => random() * entryCount)
  const peers = new Map<PeerName, Peer>()
  return (name) => {
    let peer = peers.get(name)
    if (peer === undefined) {
      peer = createPeer(name, entryCount)
      for (const key of keys) peer.set(key, value)
      peers.set(name, peer)
    }
    return cpuTime(peer, (peer) => {
      for (const object of order) peer.get(keys[object] as string)
    })
  }
}

/** Requests by a Zipf law for twice as many objects as fit, of sizes from 1 to 1,000; what misses is stored. */
function mixRound(entryCount: number): (name: PeerName) => number {
  const keys = makeKeys(entryCount * 2)
  const random = seeded(3)
  const values: Weighing[] = keys.map(() => ({ weight: 1 + Math.floor(random() * 1000) }))
  const order = zipfOrder(OPERATIONS, keys.length, random)
  const peers = new Map<PeerName, Peer>()
  const run = (peer: Peer): void => {
    for (const object of order) {
      const key = keys[object] as string
      if (peer.get(key) === undefined) peer.set(key, values[object] as Weighing)
    }
  }
  return (name) => {
    let peer = peers.get(name)
    if (peer === undefined) {
      peer = createPeer(name, entryCount * 4, entryCount * 500)
      for (const [object, key] of keys.entries()) peer.set(key, values[object] as Weighing)
      run(peer)
      peers.set(name, peer)
    }
    return cpuTime(peer, run)
  }
}

function cpuTime(peer: Peer, run: (peer: Peer) => void): number {
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

/** Object numbers with a chance in proportion to 1 / rank ^ 0.9, ranks scattered over the objects. */
function zipfOrder(length: number, objectCount: number, random: () => number): Uint32Array {
  const exponent = 0.9
  const most = objectCount ** (1 - exponent) - 1
  const scatter = Uint32Array.from({ length: objectCount }, (_, i) => i)
  for (let i = objectCount - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    const swapped = scatter[i] as number
    scatter[i] = scatter[j] as number
    scatter[j] = swapped
  }
  return Uint32Array.from({ length }, () => {
    const rank = Math.floor((random() * most + 1) ** (1 / (1 - exponent))) - 1
    return scatter[Math.min(objectCount - 1, rank)] as number
  })
}

if (import.meta.main) benchTime([100_000, 1_000_000])
