/** The index and the two npm packages that it is measured against, behind one face, for time and memory. */
import { LRUCache } from 'lru-cache'
import { newCache } from 'transitory'
import { MetadataIndex } from '../../src/metadata-index/metadata-index.ts'

export interface Peer {
  get(key: string): object | undefined
  set(key: string, value: object): void
}

/** A record that knows its weight, since transitory weighs values. */
export interface Weighing {
  readonly weight: number
}

export const PEER_NAMES = ['lru-cache', 'transitory', 'index'] as const
export type PeerName = (typeof PEER_NAMES)[number]

/** Bounded by entries, or by bytes where `maxWeight` is given. */
export function createPeer(name: PeerName, maxEntries: number, maxWeight?: number): Peer {
  switch (name) {
    case 'index':
      return indexPeer(maxEntries, maxWeight)
    case 'lru-cache':
      return lruCachePeer(maxEntries, maxWeight)
    case 'transitory':
      return transitoryPeer(maxEntries, maxWeight)
  }
}

function indexPeer(maxEntries: number, maxWeight?: number): Peer {
  const index = new MetadataIndex<object>({ maxEntries, maxWeight: maxWeight ?? Infinity })
  return {
    get: (key) => index.get(key),
    set: (key, value) => void index.set(key, value, (value as Weighing).weight),
  }
}

function lruCachePeer(max: number, maxSize?: number): Peer {
  const cache = new LRUCache<string, object>(maxSize === undefined ? { max } : { max, maxSize })
  return {
    get: (key) => cache.get(key),
    set: (key, value) => void cache.set(key, value, maxSize === undefined ? {} : { size: (value as Weighing).weight }),
  }
}

function transitoryPeer(maxEntries: number, maxWeight?: number): Peer {
  const builder = newCache<string, object>().maxSize(maxWeight ?? maxEntries)
  const weigh = (_key: string, value: object): number => (value as Weighing).weight
  const cache = (maxWeight === undefined ? builder : builder.withWeigher(weigh)).build()
  return {
    get: (key) => cache.getIfPresent(key) ?? undefined,
    set: (key, value) => void cache.set(key, value),
  }
}
