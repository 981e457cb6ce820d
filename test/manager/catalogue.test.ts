/** What goes from the catalogue is told: whatever is held no more was returned by the call that let go of it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Catalogue } from '../../src/manager/catalogue.ts'
import { entryKey, type StoredResponse } from '../../src/stored-response.ts'
import { recordOf } from '../helpers/record.ts'

test('nothing is let go of in silence, whatever is added and taken out', () => {
  const step = fc.record({
    name: fc.integer({ min: 0, max: 60 }),
    size: fc.integer({ min: 0, max: 400_000 }),
    does: fc.constantFrom('add', 'add', 'remove', 'room'),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const catalogue = new Catalogue({ maxEntries: 1_000, maxSize: 2_000_000, maxVariants: 10, goal: 'balanced' })
      const held = new Map<string, StoredResponse>()
      const nameOf = ({ key, variant }: StoredResponse): string => entryKey(key, variant)
      for (const { name, size, does } of steps) {
        const record = recordOf(`${name}`, { size, sha256: `${name}`.padStart(64, '0'), checksums: [] })
        const known = held.get(nameOf(record))
        let gone: readonly { readonly stored: StoredResponse }[] = []
        if (does === 'add') {
          held.set(nameOf(record), record)
          gone = catalogue.add(record)
        } else if (does === 'room') gone = catalogue.makeRoom(size)
        else if (known !== undefined) {
          held.delete(nameOf(record))
          gone = catalogue.remove(known) ?? assert.fail('It was held')
        }
        for (const { stored } of gone) if (held.get(nameOf(stored)) === stored) held.delete(nameOf(stored))
        assert.deepEqual(new Set(catalogue.records()), new Set(held.values()))
      }
    }),
    { numRuns: 200 },
  )
})
