/**
 * After the machine was started again: what was written shortly before its end may be missing from the disk, since nothing
 * is synced, while file system and records say that it is there. Every byte of that is compared with its checksums, so
 * that what is damaged goes before anybody asks for it. (Lengths are compared in every sweep: recovery.ts.)
 */
import type { FoundFile } from '../content-store/content-store.ts'
import { bootedAt } from '../content-store/boot.ts'
import { isOutOfDescriptors } from '../content-store/descriptors.ts'
import type { StoredResponse } from '../stored-response.ts'
import type { CacheEngine } from './cache-engine.ts'

/**
 * For how long, in milliseconds, a file may have been written and not be on the disk. Linux writes back what is 30 seconds
 * old, and looks every 5; others are no slower. A disk that cannot keep up with what is written takes longer: minutes, where
 * memory is large.
 */
export const WRITE_BACK_MS = 300_000

/** Resolves with whether all was looked at; not when `mayGoOn` said no, or a file could not be opened for want of descriptors. */
export async function verifyLatest(engine: CacheEngine, mayGoOn: () => boolean): Promise<boolean> {
  const { store, catalogue } = engine.holdings
  const files = await writtenLast(store.bodies())
  const records = Map.groupBy(catalogue.records(), ({ body }) => body.sha256)
  for (const { hash } of files) {
    if (!mayGoOn()) return false
    const ofBody = records.get(hash)
    const damage = ofBody?.[0] && (await damageOf(engine, ofBody[0]))
    if (ofBody === undefined || damage === undefined) continue
    if (isOutOfDescriptors(damage)) return false
    if (catalogue.isReferenced(hash)) for (const record of ofBody) engine.dropDamaged(record, damage)
  }
  return true
}

/** Those from the last minutes before the machine's start, and those of no known time: after this moment. */
async function writtenLast(bodies: AsyncIterable<FoundFile>): Promise<FoundFile[]> {
  const [start, now] = [bootedAt(), Date.now()]
  const files: FoundFile[] = []
  let last = 0
  for await (const file of bodies) {
    const isOfThisBoot = file.modifiedAt > start && file.modifiedAt <= now
    if (isOfThisBoot || file.modifiedAt < last - WRITE_BACK_MS) continue
    files.push(file)
    if (file.modifiedAt <= start) last = Math.max(last, file.modifiedAt)
  }
  return files.filter(({ modifiedAt }) => modifiedAt >= last - WRITE_BACK_MS)
}

/** What is wrong with a stored body, if anything is. */
async function damageOf(engine: CacheEngine, { body }: StoredResponse): Promise<Error | undefined> {
  try {
    const reader = await engine.holdings.store.openBody(body)
    try {
      while ((await reader.next()) !== undefined);
    } finally {
      reader.close()
    }
    return undefined
  } catch (error) {
    return error as Error
  }
}
