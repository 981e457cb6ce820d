/** What is remembered for a while. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { setInterval } from 'node:timers/promises'
import { Marks } from '../../src/manager/marks.ts'
import { collect } from '../helpers/collect.ts'

/** `performance.now()` of the test: a mock would note each of its calls. */
function clock(t: TestContext): { now: number } {
  const time = { now: 1_000_000.5 }
  const now = performance.now.bind(performance)
  performance.now = () => time.now
  t.after(() => (performance.now = now))
  return time
}

test('a mark is there for its time, and not longer', (t) => {
  const time = clock(t)
  for (const ms of [1, 10, 1_000, 120_000]) {
    const marks = new Marks<string>(1_000, ms)
    t.after(() => marks.close())
    const set: number[] = []
    for (let i = 0; i < 500; i++) {
      time.now += (ms / 100) * (i % 7)
      set.push(time.now)
      marks.set(`${i}`, 'said')
      for (const [earlier, at] of set.entries()) {
        const isThere = time.now < at + ms
        assert.equal(marks.get(`${earlier}`), isThere ? 'said' : undefined, `${ms} ms, ${time.now - at} after`)
        assert.equal(marks.has(`${earlier}`), isThere)
      }
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

test('of more than so many the oldest go, a 32nd part at a time', (t) => {
  const time = clock(t)
  const marks = new Marks<number>(320, 60_000)
  t.after(() => marks.close())
  for (let i = 0; i < 3_200; i++) {
    time.now += i < 1_600 ? 0 : 50
    marks.set(`${i}`, i)
    const oldest = Array.from({ length: i + 1 }, (_, n) => marks.has(`${n}`)).indexOf(true)
    const count = i + 1 - oldest
    assert.ok(count <= 320 && count >= Math.min(i + 1, 310), `${count} of ${i + 1}`)
  }
})

test('what has been said again is not the oldest any more, and what was deleted leaves room', (t) => {
  clock(t)
  const marks = new Marks<number>(320, 60_000)
  t.after(() => marks.close())
  for (let i = 0; i < 320; i++) {
    marks.set(`${i}`, i)
    if (i % 10 === 0) marks.set('again', i)
    if (i > 0) marks.delete(`${i - 1}`)
  }
  assert.equal(marks.get('again'), 310)
  assert.equal(marks.get('319'), 319)
})

test('what nobody asks for goes by itself', async (t) => {
  const marks = new Marks<object>(10, 20)
  t.after(() => marks.close())
  const value = markedWeakly(marks)
  // The timer of the marks keeps no process.
  for await (const _ of setInterval(10)) {
    collect()
    if (value.deref() === undefined) break
  }
  assert.equal(marks.get('a'), undefined)
})

function markedWeakly(marks: Marks<object>): WeakRef<object> {
  const value = {}
  marks.set('a', value)
  return new WeakRef(value)
}
