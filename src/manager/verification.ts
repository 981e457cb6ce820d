/**
 * After the machine was started again: what was written shortly before its end may be missing from the disk, since nothing
 * is synced, while file system and records say that it is there. Every byte of that is compared with its checksums, so
 * that what is damaged goes before anybody asks for it; of what is older, the length.
 */
import type { FoundFile } from '../content-store/walk.ts'
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
  const { catalogue } = engine.holdings
  const records = Map.groupBy(catalogue.records(), ({ body }) => body.sha256)
  const files = await writtenLast(engine, records)
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

/**
 * Those from the last minutes before the machine's start, and those of no known time: after this moment. And those of
 * another length than they should have, whenever they were written.
 */
async function writtenLast(
  { holdings: { store } }: CacheEngine,
  records: ReadonlyMap<string, readonly StoredResponse[]>,
): Promise<FoundFile[]> {
  const [start, now] = [bootedAt(), Date.now()]
  const found: { file: FoundFile; modifiedAt: number }[] = []
  const cut: FoundFile[] = []
  let last = 0
  for await (const file of store.bodies()) {
    const state = await store.bodyState(file)
    if (state === undefined) continue
    const { size, modifiedAt } = state
    const isOfThisBoot = modifiedAt > start && modifiedAt <= now
    if (records.get(file.hash)?.some(({ body }) => body.size !== size) === true) cut.push(file)
    else if (!isOfThisBoot && modifiedAt >= last - WRITE_BACK_MS) found.push({ file, modifiedAt })
    if (modifiedAt <= start) last = Math.max(last, modifiedAt)
  }
  const latest = found.filter(({ modifiedAt }) => modifiedAt >= last - WRITE_BACK_MS).map(({ file }) => file)
  return [...cut, ...latest]
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
