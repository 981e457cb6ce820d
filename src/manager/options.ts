/** Options of the manager: what may be given, what holds by default, and what is said when something is wrong. */
import { InvalidOptionError } from '../errors.ts'
import type { Goal } from '../metadata-index/metadata-index.ts'

export interface ManagerOptions {
  /** Stored responses at most, variants of one URL counted one by one. Default 10,000. */
  readonly maxEntries?: number
  /**
   * Bytes on disk at most, as `du` counts the whole directory: blocks of files and folders, of the snapshot too (128 KiB
   * at least), beside what is just being written. Where several processes have it open, their journals (1 MiB each, twice
   * for some seconds) are not counted. Default 1 GiB.
   */
  readonly maxSize?: number
  /** Bytes of the largest body that is stored; larger ones pass through. Default 100 MiB. */
  readonly maxBodySize?: number
  /**
   * Bytes of the largest header section that is stored, its URL included: they stay in memory. Default 16 KiB, which is
   * what Node and undici take at most unless they are told otherwise.
   */
  readonly maxHeaderSize?: number
  /**
   * Bytes of memory at most for small bodies (64 KiB) that are asked for often, with their fields; 0 for none. They are on
   * disk as well. Default 64 MiB.
   */
  readonly maxMemory?: number
  /**
   * Milliseconds that a small response (64 KiB) waits in memory before its turn to be written comes: what a crash may cost,
   * where the disk takes what comes. Default 1,000. Beside other processes nothing waits.
   */
  readonly flushInterval?: number
  /**
   * Bytes of responses at most that wait so; what comes when they are too many is held for `maxStoreDelay` at most, and not
   * stored when there is no room then. Default 64 MiB.
   */
  readonly maxUnwritten?: number
  /** Stored variants (RFC 9111 section 4.1) of one URL at most; the least recently used goes first. Default 16. */
  readonly maxVariants?: number
  /** Milliseconds in all for which a slow disk may hold up one response, before its storing is given up. Default 100. */
  readonly maxStoreDelay?: number
  /**
   * Files that the cache has open at a time, half of them for hits and half for stores. Default 256. Bodies of 64 KiB at
   * most are read at once and hold none.
   */
  readonly maxOpenFiles?: number
  /**
   * Milliseconds to wait for one of them, or for the process to have descriptors again; after that a hit becomes a miss,
   * and a miss is not stored. Default 2,000.
   */
  readonly maxOpenDelay?: number
  /**
   * Milliseconds for which `open` waits at most for an index of 4 MiB, some thousand entries, to be read, which takes a few
   * hundredths of that. It does not wait for a larger one: until that is there, what is asked for is looked up on disk,
   * without what it was freshened by since it was stored. Default 1,000; 0 does not wait at all.
   */
  readonly maxRestoreDelay?: number
  /**
   * Bytes of bodies, of all responses, that may wait in memory for a file to be opened for them: what would be over it is
   * not stored, so that 0 stores empty bodies only. Default 16 MiB.
   */
  readonly maxQueueSize?: number
  /** Milliseconds between two snapshots of the index, when it has changed; 0 writes one on `close()` only. Default 60,000. */
  readonly snapshotInterval?: number
  /**
   * What to keep when not all can be kept: the hit ratio to favour, by requests (`objects`), by bytes (`bytes`), or
   * something of both. Default `balanced`.
   */
  readonly goal?: Goal
  /** The time in milliseconds since the epoch. Default `Date.now`. */
  readonly clock?: () => number
}

export type ResolvedManagerOptions = Required<ManagerOptions>

const GOALS: readonly Goal[] = ['objects', 'balanced', 'bytes']

const KIB = 1024

const DEFAULTS: ResolvedManagerOptions = {
  maxEntries: 10_000,
  maxSize: KIB ** 3,
  maxBodySize: 100 * KIB ** 2,
  maxHeaderSize: 16 * KIB,
  maxMemory: 64 * KIB ** 2,
  flushInterval: 1_000,
  maxUnwritten: 64 * KIB ** 2,
  maxVariants: 16,
  maxStoreDelay: 100,
  maxOpenFiles: 256,
  maxOpenDelay: 2_000,
  maxRestoreDelay: 1_000,
  maxQueueSize: 16 * KIB ** 2,
  snapshotInterval: 60_000,
  goal: 'balanced',
  clock: Date.now,
}

/**
 * The options with their defaults.
 * @throws {InvalidOptionError} when one is of the wrong type or out of range, or has a name that no option has
 */
export function resolveManagerOptions(options: ManagerOptions = {}): ResolvedManagerOptions {
  if (typeof options !== 'object' || options === null) throw new InvalidOptionError('options', 'an object', options)
  rejectUnknown(options, DEFAULTS)
  const resolved = { ...DEFAULTS, ...withoutUndefined(options) }
  integer(resolved, 'maxEntries', 1, 2 ** 24)
  integer(resolved, 'maxSize', 1, Number.MAX_SAFE_INTEGER)
  integer(resolved, 'maxBodySize', 0, Number.MAX_SAFE_INTEGER)
  integer(resolved, 'maxHeaderSize', 0, Number.MAX_SAFE_INTEGER)
  integer(resolved, 'maxMemory', 0, Number.MAX_SAFE_INTEGER)
  integer(resolved, 'flushInterval', 0, 2 ** 31 - 1)
  integer(resolved, 'maxUnwritten', 0, Number.MAX_SAFE_INTEGER)
  integer(resolved, 'maxVariants', 1, 1024)
  integer(resolved, 'maxStoreDelay', 0, 2 ** 31 - 1)
  integer(resolved, 'maxOpenFiles', 2, 65_536)
  integer(resolved, 'maxOpenDelay', 0, 2 ** 31 - 1)
  integer(resolved, 'maxRestoreDelay', 0, 2 ** 31 - 1)
  integer(resolved, 'maxQueueSize', 0, Number.MAX_SAFE_INTEGER)
  integer(resolved, 'snapshotInterval', 0, 2 ** 31 - 1)
  if (!GOALS.includes(resolved.goal)) throw new InvalidOptionError('goal', `one of ${GOALS.join(', ')}`, resolved.goal)
  if (typeof resolved.clock !== 'function') {
    throw new InvalidOptionError('clock', 'a function that returns milliseconds since the epoch', resolved.clock)
  }
  return resolved
}

/** Says so when a name is given that no option has: a misspelt limit must not silently be no limit. `path` goes before it. */
export function rejectUnknown(options: object, known: object, path = ''): void {
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(known, name)) {
      throw new InvalidOptionError(
        path + name,
        `absent, since the options are ${Object.keys(known).join(', ')}`,
        Reflect.get(options, name),
      )
    }
  }
}

/** An option given as undefined is as good as not given. */
export function withoutUndefined<T extends object>(options: T): { [K in keyof T]-?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as never
}

function integer(options: ResolvedManagerOptions, name: keyof ManagerOptions, min: number, max: number): void {
  const value = options[name]
  if (!Number.isSafeInteger(value) || (value as number) < min || (value as number) > max) {
    throw new InvalidOptionError(name, `an integer from ${min} to ${max}`, value)
  }
}
