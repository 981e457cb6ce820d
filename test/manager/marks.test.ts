/** What is remembered for a while. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { TTLCache } from '@isaacs/ttlcache'
import { Marks } from '../../src/manager/marks.ts'

/** `performance.now()` of the test. */
function clock(t: TestContext): { now: number } {
  const time = { now: 1_000_000.5 }
  t.mock.method(performance, 'now', () => time.now)
  return time
}

test('a mark is there for its time, and for no more than a 32nd part of it longer', (t) => {
  const time = clock(t)
  for (const ms of [1, 10, 1_000, 120_000]) {
    const marks = new Marks<string>(10, ms)
    t.after(() => marks.close())
    for (let i = 0; i < 50; i++) {
      time.now += 0.37
      const name = `${ms} ${i}`
      marks.set(name, 'said')
      const set = time.now
      time.now = Math.floor(set) + ms - 0.001
      assert.equal(marks.get(name), 'said', `${ms} ms, set at ${set}`)
      assert.equal(marks.has(name), true)
      time.now = set + ms * (1 + 1 / 32) + 2
      assert.equal(marks.get(name), undefined, `${ms} ms, set at ${set}`)
      assert.equal(marks.has(name), false)
    }
  }
})

test('what is said again counts from then on, for the time that is said then', (t) => {
  const time = clock(t)
  const marks = new Marks<number>(10, 1_000)
  t.after(() => marks.close())
  marks.set('a', 1)
  time.now += 900
  marks.set('a', 2)
  time.now += 999
  assert.equal(marks.get('a'), 2)
  marks.set('a', 3, 100)
  time.now += 110
  assert.equal(marks.get('a'), undefined)
  marks.set('b', 1)
  marks.set('b', 4)
  assert.equal(marks.get('b'), 4)
  assert.equal(marks.delete('b'), true)
  assert.equal(marks.delete('b'), false)
  marks.set('c', 5)
  marks.clear()
  assert.equal(marks.has('c'), false)
})

test('of more than so many the oldest goes', (t) => {
  const time = clock(t)
  const marks = new Marks<number>(100, 60_000)
  t.after(() => marks.close())
  for (let i = 0; i < 1_000; i++) {
    time.now += 50
    marks.set(`${i}`, i)
  }
  const left = Array.from({ length: 1_000 }, (_, i) => marks.has(`${i}`))
  assert.equal(left.indexOf(true), 900)
  assert.equal(left.filter(Boolean).length, 100)
})

test('making room goes through few lists, however slowly the marks have come', (t) => {
  const time = clock(t)
  const lists = t.mock.method(TTLCache.prototype, 'setTimer')
  const marks = new Marks<true>(1_000, 120_000)
  t.after(() => marks.close())
  for (let i = 0; i < 10_000; i++) {
    time.now += 3
    marks.set(`${i}`, true)
  }
  // One for each list that is begun, each of a moment of its own.
  assert.ok(lists.mock.callCount() <= 10, `${lists.mock.callCount()} lists`)
})
