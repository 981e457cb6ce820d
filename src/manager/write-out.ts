/** Writes one response that has waited in memory: content, then bucket, as with any other. */
import { isIntact } from '../content-store/small-bodies.ts'
import type { StoredResponse } from '../stored-response.ts'
import type { Holdings } from './holdings.ts'
import type { Statistics } from './statistics.ts'
import type { Unwritten } from './write-behind.ts'

/** Never rejects: what the disk does not take is held no more. */
export async function writeOut(holdings: Holdings, unwritten: Unwritten, statistics: Statistics): Promise<void> {
  const { record, body } = unwritten
  const { store, catalogue, membership } = holdings
  try {
    if (!isIntact(body, record.body)) throw new Error('A consumer has written in the body')
    await holdings.guarding(record, async () => {
      await store.writeSmall(body, record.body)
      const change = (records: readonly StoredResponse[]) => {
        // Freshened or gone, meanwhile.
        const current = catalogue.current(record)
        if (current?.body.sha256 !== record.body.sha256) return records
        return [...records.filter(({ variant }) => variant !== record.variant), current]
      }
      await store.updateBucket(record.key, change, () => holdings.isToBeReplaced(record.key, catalogue.current(record)))
    })
    holdings.doPostponed()
    membership.note({ note: 'stored', key: record.key, bodies: [record.body.sha256] })
  } catch (error) {
    statistics.fault('store', error, record.key)
    const current = catalogue.current(record)
    // What lies on disk under its name is older, and void.
    if (current?.body.sha256 === record.body.sha256) holdings.remove(current)
  }
}
