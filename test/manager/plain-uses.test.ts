/** What was worked out of a record is not used for another one that has come into its place. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { resolveInterceptorOptions, type CacheInterceptorOptions } from '../../src/interceptor/options.ts'
import { Catalogue } from '../../src/manager/catalogue.ts'
import { PlainUse } from '../../src/policy/reuse.ts'
import type { StoredResponse } from '../../src/stored-response.ts'
import { recordOf } from '../helpers/record.ts'

const SETTINGS = [{}, { type: 'private' as const }].map((options) => resolveInterceptorOptions(options).policy)
const LIMITS = { maxEntries: 1_500, maxSize: 2 ** 30, maxVariants: 10, goal: 'balanced' as const }

const steps = fc.array(
  fc.record({
    does: fc.constantFrom('ask', 'ask', 'add', 'update', 'remove', 'restart'),
    name: fc.integer({ min: 0, max: 3 }),
    control: fc.constantFrom('max-age=0', 'max-age=10', 's-maxage=20', 'private, max-age=30', 'no-cache'),
    settings: fc.constantFrom(...SETTINGS),
  }),
  { minLength: 5, maxLength: 60 },
)

test('what is kept of a place is what its record says', () => {
  fc.assert(
    fc.property(steps, fc.constantFrom(0, 1_100), (run, others) => {
      const catalogue = new Catalogue(LIMITS)
      // So many that there are more places than at first.
      for (let n = 0; n < others; n++) catalogue.add(responseOf(`other-${n}`))
      let asked = 0
      for (const { does, name, control, settings } of run) {
        const place = catalogue.placeOf(responseOf(`${name}`).key)
        const held = catalogue.at(place)
        const record = { ...responseOf(`${name}`), fields: ['cache-control', control, 'age', `${asked}`] }
        if (does === 'add') catalogue.add(record)
        else if (does === 'restart') catalogue.absorb(filledWith(record))
        else if (held === undefined) continue
        else if (does === 'update') catalogue.update(held, record)
        else if (does === 'remove') catalogue.remove(held)
        else {
          asked++
          assert.deepEqual(catalogue.useAt(place, held, settings), PlainUse.of(held, settings))
        }
      }
    }),
    { numRuns: 300 },
  )
})

test('what one interceptor has worked out is good for others that judge alike, and for no others', () => {
  const catalogue = new Catalogue(LIMITS)
  let reads = 0
  const record = {
    ...responseOf('a'),
    get fields(): readonly string[] {
      reads++
      return ['cache-control', 'private, max-age=10']
    },
  }
  catalogue.add(record)
  const place = catalogue.placeOf(record.key)
  const readsOf = (options: CacheInterceptorOptions): [reads: number, lifetime: number] => {
    const before = reads
    const { lifetime } = catalogue.useAt(place, record, resolveInterceptorOptions(options).policy)
    return [reads - before, lifetime]
  }
  assert.ok(readsOf({})[0] > 0)
  assert.deepEqual(readsOf({ collapse: false }), [0, 0])
  for (const other of [{ type: 'private' as const }, { cacheByDefault: 5 }, { targets: ['CDN-Cache-Control'] }])
    assert.ok(readsOf(other)[0] > 0)
  assert.equal(readsOf({ type: 'private' })[1], 10)
})

function filledWith(record: StoredResponse): Catalogue {
  const other = new Catalogue(LIMITS)
  other.add({ ...record, responseTime: record.responseTime + 1 })
  return other
}

function responseOf(name: string): StoredResponse {
  return recordOf(name, { size: 1, sha256: name.padStart(64, '0'), checksums: 0 })
}
