/** What comes and goes in the order in which it came, and leaves nothing behind. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PassingMap } from '../src/passing-map.ts'
import { collectYoung, leftBehind } from './helpers/collect.ts'

test('it holds what was set and not deleted, in the order in which it came', () => {
  const map = new PassingMap<string, number>()
  for (const [i, key] of ['a', 'b', 'c'].entries()) map.set(key, i)
  map.delete('b')
  map.delete('never there')
  map.set('a', 7)
  assert.deepEqual(Object.fromEntries(map.entries()), { a: 7, c: 2 })
  assert.deepEqual([...map.values()], [7, 2])
  assert.deepEqual([map.get('a'), map.get('b'), map.get('c'), map.size], [7, undefined, 2, 2])
})

test('what is deleted while it is walked through is not met any more, what is added is', () => {
  const map = new PassingMap<number, string>()
  for (let i = 0; i < 4; i++) map.set(i, `of ${i}`)
  const met: number[] = []
  for (const [key] of map.entries()) {
    met.push(key)
    map.delete(key + 1)
    if (key === 0) map.set(9, 'late')
  }
  assert.deepEqual(met, [0, 2, 9])
})

const COUNT = 20_000
const UNDER_WAY = 64
const VALUE_WORDS = 256

/** So many come and go, some at a time. */
function churn(map: Pick<PassingMap<number, unknown[]>, 'set' | 'delete'>): void {
  for (let i = 0; i < COUNT; i++) {
    map.set(i, Array.from({ length: VALUE_WORDS }))
    if (i >= UNDER_WAY) map.delete(i - UNDER_WAY)
    if (i % 500 === 0) collectYoung()
  }
}

test('of what has gone nothing stays until the whole heap is collected', async () => {
  const map = new PassingMap<number, unknown[]>()
  const bytes = await leftBehind(() => churn(map))
  assert.ok(bytes < 4 * 2 ** 20, `${bytes} bytes stay of ${COUNT * VALUE_WORDS * 8}`)
})
