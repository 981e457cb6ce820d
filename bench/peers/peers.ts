/** All contenders by name. */
import { bareLookup, bareRead } from './bare.ts'
import { barePass } from './bare-pass.ts'
import { bareStore } from './bare-store.ts'
import { makeFetchHappen } from './make-fetch-happen.ts'
import type { Peer } from './peer.ts'
import { nginx, varnish } from './proxy.ts'
import { readLoop, readLoopAtOnce } from './read-loop.ts'
import { synthetic } from './synthetic.ts'
import { streamingCache } from './this.ts'
import { deduplicate, memoryStore, noCache, sqliteStore } from './undici.ts'

const PEERS = {
  this: streamingCache,
  synthetic,
  'bare look-up': bareLookup,
  'bare read': bareRead,
  'bare pass': barePass,
  'bare store': bareStore,
  'read loop': readLoop,
  'synchronous read loop': readLoopAtOnce,
  'no cache': noCache,
  MemoryCacheStore: memoryStore,
  SqliteCacheStore: sqliteStore,
  deduplicate,
  'make-fetch-happen': makeFetchHappen,
  nginx,
  varnish,
} as const satisfies Record<string, Peer>

export type PeerName = keyof typeof PEERS

export function peerOf(name: PeerName): Peer {
  return PEERS[name]
}
