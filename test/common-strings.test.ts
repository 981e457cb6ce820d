/** One copy of what many records say. Equal strings cannot be told apart from within, so that the heap is asked. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { shared } from '../src/common-strings.ts'
import { collect } from './helpers/collect.ts'

/** Bytes that this many copies of what `textOf` makes take when each has passed through `shared`. */
function heapOf(count: number, textOf: (i: number) => string): number {
  const kept: string[] = Array.from({ length: count }, () => '')
  collect()
  const before = process.memoryUsage().heapUsed
  for (let i = 0; i < count; i++) kept[i] = shared(textOf(i))
  collect()
  const after = process.memoryUsage().heapUsed
  assert.equal(kept.length, count)
  return after - before
}

/** A new string each time, as parsers make them. */
function copyOf(text: string): string {
  return JSON.parse(JSON.stringify(text)) as string
}

test('a string that comes again is kept once, also between others that do not', () => {
  const text = 'application/json; charset=utf-8'
  assert.ok(heapOf(20_000, () => copyOf(text)) < 100_000)
  const bytes = heapOf(20_000, (i) => (i % 2 === 0 ? copyOf(text) : copyOf(`"${String(i).padStart(30, '0')}"`)))
  const apart = 10_000 * 48
  assert.ok(bytes < apart + 700_000, `${bytes} bytes: those that are different, and the table`)
})

test('what comes back is the same text, whatever it is', () => {
  for (const text of ['', 'a', 'é', 'x'.repeat(128), 'x'.repeat(129)]) assert.equal(shared(copyOf(text)), text)
  for (let i = 0; i < 10_000; i++) assert.equal(shared(`value ${i}`), `value ${i}`)
})

test('the table is bounded in strings and in their length', () => {
  const few = heapOf(1, () => 'x')
  for (let i = 0; i < 50_000; i++) shared(`${i}`.padStart(128, 'y'))
  assert.ok(heapOf(1, () => 'x') - few < 2_000_000)
  assert.ok(heapOf(10_000, (i) => copyOf(`${i}`.padStart(1_000, 'z'))) > 9_000_000, 'long ones are not looked up')
})
