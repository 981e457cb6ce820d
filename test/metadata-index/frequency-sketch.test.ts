/** The sketch against exact counts: it may overestimate where keys collide, and never underestimates. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FrequencySketch } from '../../src/metadata-index/frequency-sketch.ts'
import { mix } from '../../src/metadata-index/key-hash.ts'

const MOST = 15

type Step =
  | { readonly do: 'increment'; readonly key: number }
  | { readonly do: 'raise'; readonly key: number; readonly to: number }
  | { readonly do: 'age' }
  | { readonly do: 'fit'; readonly entries: number }
  | { readonly do: 'save' }

const key = fc.nat(60)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 20, arbitrary: fc.record({ do: fc.constant('increment' as const), key }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('raise' as const), key, to: fc.nat(63) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('age' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('fit' as const), entries: fc.nat(100_000) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('save' as const) }) },
)

/** A sample's worth of requests that leave no trace in the counters, then the halving as a whole. */
function ageAll(sketch: FrequencySketch): void {
  while (!sketch.isAging) sketch.pass(1)
  while (sketch.isAging) sketch.age(1)
}

test('after any steps no estimate is below the exact count, and with few keys nearly all are exact', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400, size: 'max' }), fc.integer(), (steps, seed) => {
      let sketch = new FrequencySketch()
      const exact = new Map<number, number>()
      const count = (key: number): number => exact.get(key) ?? 0
      const hash = (key: number): number => mix(key ^ seed)
      for (const each of steps) {
        if (each.do === 'increment') {
          sketch.increment(hash(each.key))
          exact.set(each.key, Math.min(MOST, count(each.key) + 1))
        } else if (each.do === 'raise') {
          sketch.raise(hash(each.key), each.to)
          exact.set(each.key, Math.min(MOST, Math.max(count(each.key), each.to)))
        } else if (each.do === 'age') {
          ageAll(sketch)
          for (const [key, value] of exact) exact.set(key, value >> 1)
        } else if (each.do === 'fit') {
          sketch.fit(each.entries)
        } else {
          const copy = new FrequencySketch()
          assert.equal(copy.restore(sketch.table.slice(), sketch.additions, sketch.sampleSize), true)
          sketch = copy
        }
        for (const [key, value] of exact) assert.ok(sketch.estimate(hash(key)) >= value)
      }
      // 61 keys in 2,048 blocks: two in a block are rare, and then they share all four counters more rarely still.
      const wrong = [...exact].filter(([key, value]) => sketch.estimate(hash(key)) !== value)
      assert.ok(wrong.length <= 2, `${wrong.length} of ${exact.size} overestimated`)
    }),
    { numRuns: 200 },
  )
})

test('counters stop at 15 and do not spill into their neighbours', () => {
  const sketch = new FrequencySketch()
  for (let i = 0; i < 100; i++) sketch.increment(7)
  assert.equal(sketch.estimate(7), MOST)
  const counted = sketch.table.reduce((sum, word) => sum + nibbles(word), 0)
  assert.equal(counted, 4 * MOST)
})

test('doubling keeps every estimate', () => {
  const sketch = new FrequencySketch()
  for (let i = 0; i < 20_000; i++) sketch.increment(mix(i % 5000))
  while (sketch.isAging) sketch.age(1)
  const before = Array.from({ length: 5000 }, (_, i) => sketch.estimate(mix(i)))
  sketch.fit(1_000_000)
  assert.equal(sketch.blockCount, 131_072)
  assert.deepEqual(
    Array.from({ length: 5000 }, (_, i) => sketch.estimate(mix(i))),
    before,
  )
})

test('aging halves every counter once, 64 blocks a request at most: 4 KiB of a table of 8 MiB', () => {
  const sketch = new FrequencySketch()
  sketch.fit(1_000_000)
  sketch.table.fill(-1)
  while (!sketch.isAging) sketch.pass(1_000_000)
  let steps = 0
  let done = 0
  while (sketch.isAging) {
    const before = done
    done = Math.round(sketch.age(1) * sketch.blockCount)
    assert.ok(done - before <= 64)
    steps++
  }
  assert.equal(steps, sketch.blockCount / 64)
  assert.ok(sketch.table.every((word) => word === 0x7777_7777))
})

test('the table does not grow while it is being aged, and does so afterwards', () => {
  const sketch = new FrequencySketch()
  sketch.pass(10_000)
  assert.equal(sketch.isAging, true)
  sketch.fit(1_000_000)
  assert.equal(sketch.blockCount, 2048)
  while (sketch.isAging) sketch.age(1)
  sketch.fit(1_000_000)
  assert.equal(sketch.blockCount, 131_072)
})

test('tables that no sketch has written are refused', () => {
  for (const length of [0, 16, 2048 * 16 - 1, 2048 * 16 * 3]) {
    assert.equal(new FrequencySketch().restore(new Int32Array(length), 0, 1920), false, `${length} words`)
  }
})

function nibbles(word: number): number {
  let sum = 0
  for (let shift = 0; shift < 32; shift += 4) sum += (word >>> shift) & MOST
  return sum
}
