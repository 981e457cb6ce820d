/** What was invalidated is remembered for as long as fewer than 10,000 others have been since. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Invalidations } from '../../src/manager/invalidations.ts'

const urlOf = (n: number): string => `https://origin.example/${n}`
const stored = (key: string): { key: string; fields: string[] } => ({ key, fields: [] })

test('an invalidation is not forgotten for others that come again and again', () => {
  const invalidations = new Invalidations()
  const before = invalidations.generation
  invalidations.mark(urlOf(-1), 0)
  for (let i = 0; i < 50_000; i++) invalidations.mark(urlOf(i % 4_000), i)
  assert.ok(invalidations.concern(stored(urlOf(-1)), before))
})

test('of more than 10,000 names, two for each URL, the oldest are forgotten, and never the last', () => {
  const invalidations = new Invalidations()
  const before = invalidations.generation
  const isKnown = (n: number): boolean => invalidations.concern(stored(urlOf(n)), before)
  for (let i = 0; i < 5_000; i++) invalidations.mark(urlOf(i), i)
  assert.ok(isKnown(0))
  invalidations.mark(urlOf(0), 5_000)
  invalidations.mark(urlOf(5_000), 5_001)
  assert.deepEqual([0, 1, 150, 151, 4_999, 5_000].map(isKnown), [true, false, false, true, true, true])
})
