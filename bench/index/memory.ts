/**
 * Memory for each entry at 1,000,000 entries, beside key and record: heap and array buffers after collecting garbage,
 * with the cache less without it. Keys and records exist before, and are the same for all.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createPeer, PEER_NAMES } from './peers.ts'
import type { Peer, Weighing } from './peers.ts'
import { printTable } from './table.ts'
import { makeKeys } from './time.ts'

export function benchMemory(entryCount: number): void {
  const keys = makeKeys(entryCount)
  const value: Weighing = { weight: 1 }
  const rows = PEER_NAMES.map((name) => {
    const before = usedBytes()
    const peer: Peer = createPeer(name, entryCount)
    // As a cache that has run for a while: each key was asked for before it was stored.
    for (const key of keys) {
      peer.get(key)
      peer.set(key, value)
    }
    const bytes = (usedBytes() - before) / entryCount
    if (peer.get(keys[entryCount - 1] as string) === undefined) throw new Error(`Expected ${name} to hold the last key`)
    return [name, bytes.toFixed(1)]
  })
  printTable(`Memory, ${entryCount.toLocaleString('en')} entries`, ['', 'bytes an entry'], rows)
}

function usedBytes(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  collect()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

if (import.meta.main) benchMemory(1_000_000)
