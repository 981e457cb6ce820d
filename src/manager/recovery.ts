/**
 * Start-up: the snapshot first, so that hits are served at once; then, in the background, what the disk says.
 *
 * The disk is the truth and the snapshot a hint. A walk over the buckets' names and times finds what the snapshot does
 * not know, reads only that, and forgets what is no longer there. Until it ends, a miss in memory looks at the disk.
 */
import { bucketHash } from '../content-store/layout.ts'
import type { FoundFile } from '../content-store/content-store.ts'
import type { StoredResponse } from '../stored-response.ts'
import type { CacheEngine } from './cache-engine.ts'

/**
 * Where others have the directory open, content that nothing refers to is removed only when it has not been touched for so
 * long: one of them may have put it there and be about to write its bucket. Who comes while this one was alone, and loses
 * a body to it, has a miss.
 */
const ORPHAN_GRACE_MS = 600_000
/**
 * Milliseconds from a sweep that has failed to its second repetition, and to a late one: a folder that can never be read
 * must not have all others read again and again.
 */
const LEAST_PAUSE_MS = 100
const MOST_PAUSE_MS = 600_000

/**
 * Takes the snapshot's records in. Resolves with the work that remains, to be run in the background. It is the leader's:
 * where others have the directory open, what the snapshot says may have been void for long.
 */
export async function recover(engine: CacheEngine): Promise<() => Promise<unknown>> {
  if (!engine.holdings.membership.isLeader) return async () => {}
  const snapshot = await engine.holdings.store.readSnapshot()
  if (snapshot !== undefined) engine.holdings.restore(snapshot)
  return () => sweep(engine, snapshot?.records ?? [], snapshot?.writtenAt ?? 0)
}

/**
 * Compares the catalogue with the whole directory, of which these records were known at this time (in milliseconds since
 * the epoch), and removes what nobody needs.
 */
export async function sweep(
  engine: CacheEngine,
  known: readonly StoredResponse[],
  knownAt: number,
  pause = 0,
): Promise<boolean> {
  try {
    await engine.holdings.makeRoomForSnapshot()
    await engine.holdings.store.removeAbandoned(engine.holdings.membership.runs)
    if (await reconcile(engine, known, knownAt)) await compareBodies(engine)
    return true
  } catch (error) {
    engine.statistics.fault('recover', error)
    const next = Math.min(MOST_PAUSE_MS, 2 * pause || LEAST_PAUSE_MS)
    engine.holdings.postpone(() => sweep(engine, [...engine.catalogue.records()], 0, next), pause)
    return false
  }
}

/** Resolves with whether it came to its end. */
async function reconcile(engine: CacheEngine, known: readonly StoredResponse[], knownAt: number): Promise<boolean> {
  const missing = new Map<string, StoredResponse[]>()
  for (const record of known) {
    const hash = bucketHash(record.key)
    missing.set(hash, [...(missing.get(hash) ?? []), record])
  }
  for await (const file of engine.holdings.store.buckets()) {
    if (!mayGoOn(engine)) return false
    const ofFile = missing.get(file.hash)
    missing.delete(file.hash)
    if (ofFile === undefined || file.modifiedAt >= knownAt) await readAgain(engine, file, ofFile ?? [])
  }
  // They were known, the disk has them no more.
  for (const records of missing.values()) for (const record of records) forget(engine, record)
  if (!mayGoOn(engine)) return false
  engine.holdings.markReconciled()
  return true
}

async function readAgain(engine: CacheEngine, file: FoundFile, known: readonly StoredResponse[]): Promise<void> {
  let found: StoredResponse[]
  try {
    found = await engine.holdings.store.recordsIn(file)
  } catch (error) {
    // One bucket that cannot be read must not keep all others from being known.
    engine.statistics.fault('read', error)
    return
  }
  const variants = new Map(found.map((record) => [record.variant, record.body.sha256]))
  for (const record of known) if (variants.get(record.variant) !== record.body.sha256) forget(engine, record)
  for (const record of found) engine.adopt(record)
}

/** The disk has it no more, unless it does not have it yet. */
function forget({ holdings }: CacheEngine, record: StoredResponse): void {
  if (!holdings.unwritten.has(record)) holdings.forget(record)
}

/** Bodies without a record go, and records without a body. */
async function compareBodies(engine: CacheEngine): Promise<void> {
  const { holdings } = engine
  const { catalogue, store } = holdings
  const before = holdings.membership.hasCompany ? Date.now() - ORPHAN_GRACE_MS : Infinity
  const unseen = new Map([...catalogue.records()].map((record) => [record.body.sha256, record]))
  for await (const file of store.bodies()) {
    if (!mayGoOn(engine)) return
    unseen.delete(file.hash)
    if (file.modifiedAt >= before || catalogue.isReferenced(file.hash)) continue
    await store.removeBody(file.hash, () => catalogue.isReferenced(file.hash))
  }
  for (const record of unseen.values()) {
    if (!holdings.unwritten.has(record) && !(await store.hasBody(record.body))) holdings.remove(record)
  }
}

function mayGoOn(engine: CacheEngine): boolean {
  return !engine.isClosed && engine.holdings.membership.isLeader
}
