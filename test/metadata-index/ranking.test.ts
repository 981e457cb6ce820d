/** `ranking()`: what is held, in the order in which it goes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MetadataIndex } from '../../src/metadata-index/metadata-index.ts'

test('of expired and main, the first in the ranking is the first to go', () => {
  const use = fc.record({ key: fc.nat(60).map(String), weight: fc.integer({ min: 1, max: 100 }), expires: fc.nat(9) })
  let departures = 0
  fc.assert(
    fc.property(fc.array(use, { minLength: 30, maxLength: 300 }), (uses) => {
      const index = new MetadataIndex<number>({ maxEntries: 40, maxWeight: 2000, random: () => 0.5 })
      for (const { key, weight, expires } of uses) {
        if (index.get(key) === undefined) index.set(key, weight, weight)
        if (expires === 0) index.expire(key)
      }
      for (;;) {
        const ranking = [...index.ranking()]
        assert.deepEqual(
          ranking.map(({ key, value, weight }) => ({ key, value, weight })).sort((a, b) => (a.key < b.key ? -1 : 1)),
          [...index.entries()].sort((a, b) => (a.key < b.key ? -1 : 1)),
        )
        if (ranking.length === 0) return
        const [gone] = index.resize({ maxEntries: ranking.length - 1 })
        const region = ranking.find(({ key }) => key === gone?.key)?.region
        assert.ok(region !== undefined)
        // One from the window may go in the place of main's first: see the contest.
        if (region === 'window') continue
        departures++
        assert.equal(gone?.key, ranking[0]?.key)
      }
    }),
    { numRuns: 50 },
  )
  assert.ok(departures > 100)
})

test('requests are counted, and asking for the ranking changes nothing', () => {
  const index = new MetadataIndex<string>({ maxEntries: 10, maxWeight: 1000 })
  index.set('a', 'of a', 10)
  index.set('b', 'of b', 20)
  for (let times = 0; times < 5; times++) index.get('b')
  const before = index.snapshot()
  const ranking = Array.from(
    index.ranking(),
    ({ key, value, weight, frequency }) => `${key}: ${value}, ${weight}, ${frequency}`,
  )
  assert.deepEqual(ranking.sort(), ['a: of a, 10, 1', 'b: of b, 20, 6'])
  assert.deepEqual(index.snapshot(), before)
})
