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
 * Content that nothing refers to is removed only when it has not been touched for so long: another process may have
 * put it there and be about to write its bucket.
 */
const ORPHAN_GRACE_MS = 600_000

/** Takes the snapshot's records in. Resolves with the work that remains, to be run in the background. */
export async function recover(engine: CacheEngine): Promise<() => Promise<void>> {
  const snapshot = await engine.holdings.store.readSnapshot()
  if (snapshot !== undefined) engine.holdings.restore(snapshot)
  const records = snapshot?.records ?? []
  return async () => {
    try {
      await engine.holdings.store.removeAbandoned()
      await reconcile(engine, records, snapshot?.writtenAt ?? 0)
      await removeOrphans(engine)
    } catch (error) {
      engine.statistics.fault('recover', error)
    }
  }
}

async function reconcile(engine: CacheEngine, known: readonly StoredResponse[], knownAt: number): Promise<void> {
  const missing = new Map<string, StoredResponse[]>()
  for (const record of known) {
    const hash = bucketHash(record.key)
    missing.set(hash, [...(missing.get(hash) ?? []), record])
  }
  for await (const file of engine.holdings.store.buckets()) {
    if (engine.isClosed) return
    const ofFile = missing.get(file.hash)
    missing.delete(file.hash)
    if (ofFile === undefined || file.modifiedAt >= knownAt) await readAgain(engine, file, ofFile ?? [])
  }
  // The snapshot names them, the disk has them no more.
  for (const records of missing.values()) for (const record of records) engine.catalogue.remove(record)
  engine.markReconciled()
}

async function readAgain(engine: CacheEngine, file: FoundFile, known: readonly StoredResponse[]): Promise<void> {
  const found = await engine.holdings.store.recordsIn(file)
  const variants = new Set(found.map((record) => record.variant))
  for (const record of known) if (!variants.has(record.variant)) engine.catalogue.remove(record)
  for (const record of found) engine.adopt(record)
}

async function removeOrphans(engine: CacheEngine): Promise<void> {
  const before = Date.now() - ORPHAN_GRACE_MS
  for await (const file of engine.holdings.store.bodies()) {
    if (engine.isClosed) return
    if (file.modifiedAt >= before || engine.catalogue.isReferenced(file.hash)) continue
    await engine.holdings.store.removeBody(file.hash, () => engine.catalogue.isReferenced(file.hash))
  }
}
