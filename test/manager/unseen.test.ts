/** What a walk has not come across: beside a Map of lists, over hashes that share their first digits or are none. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Unseen } from '../../src/manager/unseen.ts'
import type { StoredResponse } from '../../src/stored-response.ts'
import { recordOf } from '../helpers/record.ts'

const hashes = fc.oneof(
  fc.constantFrom('', 'no hash', '00000000', '000003ff', '000007ff'),
  fc
    .tuple(fc.constantFrom('00000000', '00000400', 'ffffffff'), fc.constantFrom('a', 'b'))
    .map((parts) => parts.join('')),
)

test('what was added is taken once, by its hash, and the rest is what was not', () => {
  const steps = fc.array(fc.tuple(fc.constantFrom('add', 'add', 'take'), hashes))
  fc.assert(
    // Of more than were expected, and of more than there was room for at first.
    fc.property(steps, fc.constantFrom(0, 1_023, 5_000), fc.constantFrom(1, 1_025), (run, others, expected) => {
      const unseen = new Unseen(expected, ({ body }) => body.sha256)
      const model = new Map<string, StoredResponse[]>()
      const add = (name: string, sha256: string): void => {
        const record = recordWith(name, sha256)
        unseen.add(record, sha256)
        model.set(sha256, [...(model.get(sha256) ?? []), record])
      }
      for (let n = 0; n < others; n++) add(`other-${n}`, n.toString(16).padStart(8, '0'))
      for (const [n, [does, hash]] of run.entries()) {
        if (does === 'add') add(`${n}`, hash)
        else {
          assert.deepEqual(names(unseen.take(hash)), names(model.get(hash) ?? []))
          model.delete(hash)
        }
      }
      assert.deepEqual(names(unseen.rest()), names([...model.values()].flat()))
    }),
    { numRuns: 60 },
  )
})

function recordWith(name: string, sha256: string): StoredResponse {
  return recordOf(name, { size: 1, sha256, checksums: 0 })
}

function names(records: Iterable<StoredResponse>): string[] {
  return Array.from(records, ({ key }) => key).toSorted()
}
