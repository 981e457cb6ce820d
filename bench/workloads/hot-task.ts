/** 1,000 keys of 1 KB, stored and then asked for in turn. */
import { clientOf } from '../harness/clients.ts'
import { drive } from '../harness/drive.ts'
import type { Context, Task } from '../harness/workload.ts'
import type { OpenPeer } from '../peers/peer.ts'
import type { PeerName } from '../peers/peers.ts'
import { fill, hitTask, KIB, roundMs, type AskMode } from './common.ts'

const KEYS = 1000

/** Who takes part in hits on hot keys. */
export const HOT_CONTENDERS: readonly PeerName[] = [
  'this',
  'synthetic',
  'bare look-up',
  'MemoryCacheStore',
  'SqliteCacheStore',
  'no cache',
  'nginx',
  'varnish',
]

export async function openHotTask(peer: OpenPeer, modes: readonly AskMode[], context: Context): Promise<Task> {
  const urls = Array.from({ length: KEYS }, (_, n) => `${peer.base}/${KIB}/hot-${n}`)
  const urlOf = (n: number): string => urls[n % KEYS] as string
  await fill(peer, KEYS, urlOf)
  // Some stores know a response a moment after its end only, and what is asked for twice is hot.
  await drive({ inFlight: 8, operations: KEYS * 2 }, (n) => clientOf(peer, 'request()').whole(urlOf(n)))
  return hitTask(peer, modes, roundMs(context), KIB, urlOf)
}
