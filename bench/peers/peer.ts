/** A contender, open in its own process. */
import type { Dispatcher } from 'undici'
import type { Client } from '../harness/clients.ts'
import type { Figures } from '../harness/workload.ts'

/** The same for all, as far as each has such limits. */
export interface Limits {
  readonly maxEntries?: number
  readonly maxSize?: number
  /** Bytes of bodies in memory; only of this package's. */
  readonly maxMemory?: number
  /** Milliseconds for which a store may hold up a response; only of this package's. */
  readonly maxStoreDelay?: number
}

export interface PeerContext {
  readonly directory: string
  readonly origin: string
  readonly limits?: Limits
}

export interface OpenPeer {
  /** What is put before paths: the origin, or a proxy in front of it. */
  readonly base: string
  /** For npm undici. */
  readonly dispatcher?: Dispatcher
  /** Node's own fetch through the contender. */
  readonly builtInFetch?: typeof fetch
  /** Where the contender brings a client of its own. */
  readonly client?: Client
  /** Resolves when what is written in the background is on disk. */
  settled?(): Promise<void>
  /** What can be counted of what it holds. */
  figures?(): Promise<Figures>
  close(): Promise<void>
}

export interface Peer {
  /** Why it cannot take part on this machine; undefined where it can. */
  unavailable?(): string | undefined
  open(context: PeerContext): Promise<OpenPeer>
}
