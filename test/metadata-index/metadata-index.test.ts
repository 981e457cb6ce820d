/** The index against a naive model: whatever is done to it, what it says it holds and what it says has gone agree. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { hashKey } from '../../src/metadata-index/key-hash.ts'
import { MetadataIndex, type Evicted } from '../../src/metadata-index/metadata-index.ts'

type Step =
  | {
      readonly do: 'get' | 'delete' | 'expire' | 'update' | 'wouldAdmit'
      readonly key: string
      readonly weight: number
    }
  | { readonly do: 'set'; readonly key: string; readonly weight: number }
  | { readonly do: 'resize'; readonly key: string; readonly weight: number }

const step: fc.Arbitrary<Step> = fc.record({
  do: fc.constantFrom('get', 'get', 'set', 'set', 'set', 'delete', 'expire', 'update', 'wouldAdmit', 'resize'),
  key: fc.nat(40).map((n) => `key ${n}`),
  weight: fc.oneof(fc.nat(300), fc.constantFrom(0, 1, 999, 1000, 1001, 5_000_000_000)),
}) as fc.Arbitrary<Step>

interface Held {
  readonly value: number
  readonly weight: number
}

/** What is held, as a plain Map; limits as given. */
class Model {
  readonly held = new Map<string, Held>()
  maxEntries: number
  maxWeight: number

  constructor(maxEntries: number, maxWeight: number) {
    this.maxEntries = maxEntries
    this.maxWeight = maxWeight
  }

  leave(evicted: readonly Evicted<number>[], set?: { key: string } & Held): void {
    if (set !== undefined) this.held.set(set.key, set)
    for (const { key, value, weight, reason } of evicted) {
      if (reason === 'replaced') continue
      const known = this.held.get(key)
      assert.deepEqual([value, weight], [known?.value, known?.weight], `${key} went as it was held`)
      this.held.delete(key)
    }
  }
}

function assertAgrees(index: MetadataIndex<number>, model: Model): void {
  const entries = [...index.entries()].map(({ key, value, weight }) => [key, value, weight] as const)
  const expected = Array.from(model.held, ([key, { value, weight }]) => [key, value, weight] as const)
  assert.deepEqual(new Set(entries.map(String)), new Set(expected.map(String)))
  assert.equal(entries.length, expected.length)
  const weight = entries.reduce((sum, [, , each]) => sum + each, 0)
  assert.equal(index.weight, weight)
  assert.equal(index.entryCount, entries.length)
  assert.ok(index.entryCount <= model.maxEntries && index.weight <= model.maxWeight, 'both bounds hold')
  for (const [key, { value }] of model.held) assert.equal(index.peek(key), value)
}

function take(index: MetadataIndex<number>, model: Model, { do: action, key, weight }: Step, value: number): void {
  const held = model.held.get(key)
  if (action === 'get') assert.equal(index.get(key), held?.value)
  else if (action === 'delete') {
    assert.equal(index.delete(key), held?.value)
    model.held.delete(key)
  } else if (action === 'expire') assert.equal(index.expire(key), held !== undefined)
  else if (action === 'update') {
    assert.equal(index.update(key, value), held !== undefined)
    if (held !== undefined) model.held.set(key, { ...held, value })
  } else if (action === 'set') {
    const evicted = index.set(key, value, weight)
    const replaced = evicted.filter(({ reason }) => reason === 'replaced')
    assert.deepEqual(
      replaced.map((each) => each.value),
      held === undefined ? [] : [held.value],
    )
    model.leave(evicted, { key, value, weight: Math.max(1, weight) })
  } else if (action === 'wouldAdmit') {
    const before = [...index.entries()]
    index.wouldAdmit(key, weight)
    assert.deepEqual([...index.entries()], before, 'asking changes nothing')
  } else {
    model.maxEntries = (weight % 30) + 1
    model.maxWeight = Math.max(1, weight * 3)
    model.leave(index.resize({ maxEntries: model.maxEntries, maxWeight: model.maxWeight }))
  }
}

/** What an index answers. */
function act(index: MetadataIndex<number>, { do: action, key, weight }: Step, value: number): unknown {
  if (action === 'get' || action === 'delete' || action === 'expire') return index[action](key)
  if (action === 'update') return index.update(key, value)
  if (action === 'set') return index.set(key, value, weight)
  if (action === 'wouldAdmit') return index.wouldAdmit(key, weight)
  return index.resize({ maxEntries: (weight % 30) + 1, maxWeight: Math.max(1, weight * 3) })
}

function restoreFrom(copy: MetadataIndex<number>, index: MetadataIndex<number>): boolean {
  const entries = [...index.entries()]
  const snapshot = index.snapshot()
  assert.deepEqual(
    [...snapshot.values()],
    entries.map(({ value }) => value),
    'in the order of entries()',
  )
  return copy.restore(snapshot.state(), (position) => entries[position])
}

test('a window that is over its share, since what had expired came back, is restored as it is', () => {
  const bounds = { maxEntries: 20, maxWeight: 1000, goal: 'bytes' } as const
  const index = new MetadataIndex<number>(bounds)
  index.set('first', 1, 1)
  index.expire('first')
  for (const key of ['second', 'third']) index.set(key, 2, 1)
  index.update('first', 3)
  const copy = new MetadataIndex<number>(bounds)
  assert.equal(restoreFrom(copy, index), true)
  assert.deepEqual([...copy.entries()], [...index.entries()])
})

for (const goal of ['objects', 'balanced', 'bytes'] as const) {
  test(`goal ${goal}: after every step the index and a naive model agree; a restored copy does the same from there on`, () => {
    const steps = fc.array(step, { maxLength: 150, size: 'max' })
    fc.assert(
      fc.property(steps, steps, fc.nat(2 ** 31), (steps, stepsAfter, seed) => {
        const random = () => ((seed * 9301 + 49297) % 233280) / 233280
        const index = new MetadataIndex<number>({ maxEntries: 20, maxWeight: 1000, goal, random })
        const model = new Model(20, 1000)
        for (const [value, each] of steps.entries()) {
          take(index, model, each, value)
          assertAgrees(index, model)
        }
        const copy = new MetadataIndex<number>({
          maxEntries: model.maxEntries,
          maxWeight: model.maxWeight,
          goal,
          random,
        })
        assert.equal(restoreFrom(copy, index), true)
        assertAgrees(copy, model)
        assert.deepEqual([...copy.entries()], [...index.entries()], 'in the same order')
        for (const [value, each] of stepsAfter.entries()) {
          assert.deepEqual(act(copy, each, value), act(index, each, value))
          assert.deepEqual([...copy.entries()], [...index.entries()])
        }
      }),
      { numRuns: 150 },
    )
  })
}

test('a restored copy goes on as the original does: the same until both age, then as good', () => {
  const options = { maxEntries: 500, maxWeight: 100_000, random: () => 0.7 }
  const index = new MetadataIndex<number>(options)
  let state = 1
  const ask = (index: MetadataIndex<number>, object: number): unknown => {
    const key = `key ${object}`
    return index.get(key) ?? index.set(key, object, (object % 400) + 1)
  }
  const isHit = (answer: unknown): number => Number(typeof answer === 'number')
  /** Low numbers far more often than high ones. */
  const draw = (): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return Math.floor(3000 * (state / 2 ** 32) ** 3)
  }
  for (let i = 0; i < 50_000; i++) ask(index, draw())
  const copy = new MetadataIndex<number>(options)
  restoreFrom(copy, index)
  // 30 requests an entry lie between two agings, and the last one is a while ago.
  for (let i = 0; i < 5_000; i++) {
    const object = draw()
    assert.deepEqual(ask(copy, object), ask(index, object), `request ${i}`)
  }
  assert.deepEqual([...copy.entries()], [...index.entries()])
  assert.equal(copy.windowShare, index.windowShare)
  // Aging passes the entries in the order of their slots, which is not that of the original.
  let [hits, copyHits] = [0, 0]
  for (let i = 0; i < 50_000; i++) {
    const object = draw()
    hits += isHit(ask(index, object))
    copyHits += isHit(ask(copy, object))
  }
  assert.ok(Math.abs(hits - copyHits) < 250, `${copyHits} hits, ${hits} of the original`)
})

test('clear lets go of everything, and what was asked for often is still known', () => {
  const index = new MetadataIndex<number>({ maxEntries: 100, maxWeight: 100 })
  for (let i = 0; i < 100; i++) index.set(`hot ${i}`, i, 1)
  for (let round = 0; round < 5; round++) for (let i = 0; i < 100; i++) index.get(`hot ${i}`)
  index.clear()
  assert.deepEqual([index.entryCount, index.weight, [...index.entries()]], [0, 0, []])
  for (let i = 0; i < 100; i++) index.set(`hot ${i}`, i, 1)
  for (let i = 0; i < 100; i++) {
    index.get(`new ${i}`)
    index.set(`new ${i}`, i, 1)
  }
  const kept = Array.from({ length: 100 }, (_, i) => index.peek(`hot ${i}`)).filter((value) => value !== undefined)
  assert.ok(kept.length >= 90, `${kept.length} of 100 kept`)
})

test('an entry heavier than its bound is refused, and what is held stays', () => {
  const index = new MetadataIndex<number>({ maxEntries: 10, maxWeight: 100 })
  index.set('a', 1, 50)
  assert.deepEqual(index.set('b', 2, 101), [{ key: 'b', value: 2, weight: 101, reason: 'rejected' }])
  assert.equal(index.wouldAdmit('b', 101), false)
  assert.equal(index.peek('a'), 1)
})

test('what can no longer be used goes before anything that can', () => {
  const index = new MetadataIndex<number>({ maxEntries: 10, maxWeight: 10 })
  for (let i = 0; i < 10; i++) index.set(`key ${i}`, i, 1)
  for (let round = 0; round < 5; round++) index.get('key 7')
  index.expire('key 7')
  index.get('new')
  const [gone] = index.set('new', 10, 1)
  assert.deepEqual([gone?.key, gone?.reason], ['key 7', 'expired'])
})

test('a scan of keys asked for once does not push out what is asked for again and again', () => {
  const index = new MetadataIndex<number>({ maxEntries: 100, maxWeight: 100, random: () => 0.5 })
  const ask = (key: string) => {
    if (index.get(key) === undefined) index.set(key, 0, 1)
  }
  for (let round = 0; round < 10; round++) for (let i = 0; i < 80; i++) ask(`hot ${i}`)
  for (let i = 0; i < 500; i++) ask(`once ${i}`)
  const kept = Array.from({ length: 80 }, (_, i) => index.peek(`hot ${i}`)).filter((value) => value !== undefined)
  assert.ok(kept.length >= 70, `${kept.length} of 80 kept`)
})

test('who knows the seed and makes all junk collide in the sketch gets no more than a scan by LRU would', () => {
  // The first draw is the seed: 0.
  let draws = 0
  const random = (): number => (draws++ * 0.618_034) % 1
  const index = new MetadataIndex<number>({ maxEntries: 100, maxWeight: 100, random })
  const ask = (key: string): boolean => {
    if (index.get(key) !== undefined) return true
    index.set(key, 0, 1)
    return false
  }
  for (let round = 0; round < 10; round++) for (let i = 0; i < 80; i++) ask(`hot ${i}`)
  let hits = 0
  let requests = 0
  for (let i = 0, junk = 0; junk < 2000; i++) {
    // One of the sketch's 2,048 blocks for all junk: its counters are soon at their most.
    if ((hashKey(`junk ${i}`, 0) & 0x7ff) !== 0) continue
    ask(`junk ${i}`)
    hits += Number(ask(`hot ${junk++ % 80}`))
    requests++
  }
  assert.ok(hits / requests > 0.75, `${hits} of ${requests} real requests were hits`)
})

test('a snapshot that is damaged, cut or of another version is ignored and changes nothing', () => {
  const index = new MetadataIndex<number>({ maxEntries: 10, maxWeight: 100 })
  for (let i = 0; i < 8; i++) index.set(`key ${i}`, i, 5)
  const taken = index.snapshot()
  assert.equal([...taken.values()].length, 8)
  const snapshot = taken.state()
  const other = new MetadataIndex<number>({ maxEntries: 10, maxWeight: 100 })
  other.set('mine', 1, 1)
  const valueOf = (position: number) => ({ key: `key ${position}`, value: 0, weight: 1 })
  // All of the header, and some of the rest.
  for (let at = 0; at < snapshot.length; at += at < 64 ? 1 : 101) {
    const damaged = Uint8Array.from(snapshot)
    damaged[at] = (damaged[at] ?? 0) ^ 1
    assert.equal(other.restore(damaged, valueOf), false, `bit flipped in byte ${at}`)
  }
  for (const cut of [0, 1, 10, snapshot.length - 1])
    assert.equal(other.restore(snapshot.subarray(0, cut), valueOf), false)
  assert.deepEqual([...other.entries()], [{ key: 'mine', value: 1, weight: 1 }])
})

test('wrong bounds and weights say so', () => {
  for (const bounds of [
    { maxEntries: -1, maxWeight: 1 },
    { maxEntries: 1, maxWeight: Number.NaN },
  ]) {
    assert.throws(() => new MetadataIndex(bounds), RangeError)
  }
  const index = new MetadataIndex<number>({ maxEntries: 1, maxWeight: 1 })
  for (const weight of [-1, 1.5, Number.NaN]) assert.throws(() => index.set('a', 1, weight), RangeError)
})
