/** A cache on disk as all of them can be seen: ask through it, and close it. */

export interface Answered {
  readonly statusCode: number
  readonly bytes: Buffer
}

export interface OpenPeer {
  /** Asks through the cache and reads the whole body. */
  readonly ask: (url: string, signal?: AbortSignal) => Promise<Answered>
  /** Resolves when what is written in the background is on disk, as far as the cache can tell. */
  readonly settle: () => Promise<void>
  readonly close: () => Promise<void>
}

export interface Limits {
  /** Bytes on disk, for caches that have such a limit. */
  readonly maxSize: number
  /** Stored responses, for the others. */
  readonly maxCount: number
}

export interface Peer {
  readonly name: string
  readonly open: (directory: string, limits?: Limits) => Promise<OpenPeer>
}
