/** Who is tried: ours, and others that keep their responses on disk. */
import { makeFetchHappen } from './make-fetch-happen.ts'
import { ours } from './ours.ts'
import type { Peer } from './peer.ts'
import { sqliteStore } from './sqlite-store.ts'

export const PEERS: readonly Peer[] = [ours, sqliteStore, makeFetchHappen]
