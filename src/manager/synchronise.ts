/**
 * Makes the catalogue what the disk says of a key, of which another process has written: `adopt` takes each record found.
 * Bodies that may have come out of use are doubtful then.
 */
import { entryKey, type StoredResponse } from '../stored-response.ts'
import type { Holdings } from './holdings.ts'

export async function synchronise(
  holdings: Holdings,
  key: string,
  adopt: (record: StoredResponse) => void,
): Promise<void> {
  const { catalogue, snapshots, store, unwritten } = holdings
  snapshots.restoration?.noteLook(key)
  const records = await store.readSettledBucket(key)
  for (const held of catalogue.variants(key)) {
    const found = records.find(({ variant }) => variant === held.variant)
    // Freshened here or not, what lies on disk is what everybody else has.
    if (found?.body.sha256 !== held.body.sha256 && !unwritten.has(held)) holdings.forget(held)
  }
  for (const record of records) {
    // It was asked for where it was stored, of which nothing is known here.
    const name = entryKey(record.key, record.variant)
    if (catalogue.current(record) === undefined) catalogue.countRequest({ name, stored: undefined, varies: false })
    adopt(record)
  }
}
