/** After slow calls many go through the pool, and synchronous ones come back. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Patience } from '../../src/content-store/patience.ts'

/** How many calls go through the pool until the next one at once. */
function patientCalls(patience: Patience): number {
  let count = 0
  while (patience.isCalledFor()) count++
  return count
}

test('while calls are quick none goes through the pool', () => {
  const patience = new Patience(Infinity)
  for (let i = 0; i < 100; i++) {
    assert.equal(patience.isCalledFor(), false)
    assert.equal(
      patience.quickly(() => i),
      i,
    )
  }
  assert.equal(patience.isOn, false)
})

test('after each slow call twice as many go through the pool, up to 1,024; one that fails counts as well', () => {
  const patience = new Patience(-1)
  const counts: number[] = []
  for (let i = 0; i < 8; i++) {
    assert.throws(() =>
      patience.quickly(() => {
        throw new Error('of the disk')
      }),
    )
    assert.equal(patience.isOn, true)
    counts.push(patientCalls(patience))
  }
  assert.deepEqual(counts, [16, 32, 64, 128, 256, 512, 1024, 1024])
})
