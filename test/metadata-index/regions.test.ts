/** The lists of window, main and expired against plain arrays, with the links followed both ways after every step. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { EXPIRED, MAIN, MAX_VALUE, Regions, slotsOf, WINDOW } from '../../src/metadata-index/regions.ts'
import type { Region } from '../../src/metadata-index/regions.ts'
import { LIST_COUNT, MAX_FREQUENCY, MAX_WEIGHT, SlotTable } from '../../src/metadata-index/slot-table.ts'

const REGIONS = [WINDOW, MAIN, EXPIRED] as const
const LEVELS = 32
const MOST_ENTRIES = 700

interface Entry {
  readonly slot: number
  readonly weight: number
  /** Where the clock will be when the entry is next to go. Unbounded here; the lists keep 32 bits of it. */
  priority: number
}

/** What regions.ts says, without typed arrays, bits or wrapping. */
class Model {
  readonly lists: Record<Region, Entry[][]>
  readonly clocks: Record<Region, number>

  constructor(clock: number) {
    const lists = (): Entry[][] => Array.from({ length: LEVELS }, () => [])
    this.lists = { [WINDOW]: lists(), [MAIN]: lists(), [EXPIRED]: lists() }
    this.clocks = { [WINDOW]: clock, [MAIN]: clock, [EXPIRED]: clock }
  }

  place(region: Region, entry: Entry, value: number): void {
    entry.priority = this.clocks[region] + value
    this.lists[region][Math.floor(Math.log2(value))]?.push(entry)
  }

  /** The highest list wins where remaining stays are the same, in regions.ts as well. */
  inOrder(region: Region): Entry[] {
    const lists = this.lists[region].map((list) => [...list])
    const order: Entry[] = []
    for (;;) {
      const heads = lists.map((list) => list[0]).filter((head) => head !== undefined)
      if (heads.length === 0) return order
      const least = heads.toReversed().reduce((best, head) => (head.priority < best.priority ? head : best))
      order.push(least)
      lists.find((list) => list[0] === least)?.shift()
    }
  }

  /** The list that the entry is in, and where in it. */
  find(slot: number): { region: Region; level: number; at: number; entry: Entry } {
    for (const region of REGIONS) {
      for (const [level, list] of this.lists[region].entries()) {
        const at = list.findIndex((entry) => entry.slot === slot)
        if (at >= 0) return { region, level, at, entry: list[at] as Entry }
      }
    }
    throw new Error(`Expected slot ${slot} in a list`)
  }

  take(slot: number): Entry {
    const { region, level, at } = this.find(slot)
    return this.lists[region][level]?.splice(at, 1)[0] as Entry
  }

  get slots(): number[] {
    return REGIONS.flatMap((region) => this.lists[region].flat().map(({ slot }) => slot))
  }
}

function assertSame(table: SlotTable, regions: Regions, model: Model): void {
  let [count, weight] = [0, 0]
  for (const region of REGIONS) {
    const expected = model.lists[region].flat()
    assert.deepEqual(
      [...slotsOf(table, region)],
      expected.map(({ slot }) => slot),
    )
    for (const [level, entries] of model.lists[region].entries()) assertLinked(table, region * LEVELS + level, entries)
    assert.equal(regions.count(region), expected.length)
    const sum = expected.reduce((total, entry) => total + entry.weight, 0)
    assert.equal(regions.weight(region), sum)
    assert.equal(regions.clock(region), model.clocks[region] | 0)
    count += expected.length
    weight += sum
    const order = model.inOrder(region)
    assert.equal(regions.least(region), order[0]?.slot ?? 0)
    regions.startWalk(region)
    for (const { slot } of order) assert.equal(regions.walk(region), slot)
    assert.equal(regions.walk(region), 0)
  }
  assert.deepEqual([regions.totalCount, regions.totalWeight], [count, weight])
}

/** Each entry is in this list and in no other, the links agree in both directions, and the list knows its head's priority. */
function assertLinked(table: SlotTable, list: number, entries: readonly Entry[]): void {
  const ring = [list, ...entries.map(({ slot }) => slot)]
  for (const [at, slot] of ring.entries()) {
    const next = ring[(at + 1) % ring.length] as number
    assert.deepEqual([table.next(slot), table.prev(next)], [next, slot])
  }
  for (const { slot, priority, weight } of entries) {
    assert.deepEqual([table.list(slot), table.priority(slot), table.weight(slot)], [list, priority | 0, weight])
  }
  if (entries[0] !== undefined) assert.equal(table.priority(list), entries[0].priority | 0)
}

interface Step {
  readonly do: 'add' | 'touch' | 'remove' | 'move' | 'evict'
  /** Which of those held. */
  readonly pick: number
  readonly region: Region
  readonly value: number
  readonly weight: number
}

const step: fc.Arbitrary<Step> = fc.record({
  do: fc.constantFrom('add', 'add', 'add', 'touch', 'touch', 'remove', 'move', 'evict'),
  pick: fc.nat(),
  region: fc.constantFrom(...REGIONS),
  value: fc.oneof(fc.integer({ min: 1, max: 5000 }), fc.constantFrom(1, 2, MAX_VALUE)),
  weight: fc.oneof(fc.integer({ min: 1, max: 1000 }), fc.constantFrom(2 ** 32 - 1, 2 ** 32, MAX_WEIGHT)),
})

function take(
  table: SlotTable,
  regions: Regions,
  model: Model,
  { do: action, pick, region, value, weight }: Step,
): void {
  if (action === 'add') {
    // 8 PiB are the most that a sum of doubles counts to the byte, and more than any bound lets in.
    if (regions.totalWeight + weight > Number.MAX_SAFE_INTEGER) return
    const slot = table.allocate(pick | 0, MOST_ENTRIES)
    assert.ok(slot >= LIST_COUNT && !model.slots.includes(slot), 'a slot that is not in use')
    table.setWeight(slot, weight)
    regions.insert(slot, region, value)
    model.place(region, { slot, weight, priority: 0 }, value)
    return
  }
  if (action === 'evict') {
    const [first] = model.inOrder(region)
    if (first === undefined) return
    regions.advanceClock(region, first.slot)
    model.clocks[region] = Math.max(model.clocks[region], first.priority)
    regions.remove(first.slot)
    table.free(first.slot)
    model.take(first.slot)
    return
  }
  const { slots } = model
  const slot = slots[pick % Math.max(1, slots.length)]
  if (slot === undefined) return
  const found = model.find(slot)
  if (action === 'touch') {
    regions.touch(slot, value)
    const rise = model.clocks[found.region] + value - found.entry.priority
    if (Math.floor(Math.log2(value)) === found.level && rise < value >> 2) return
    model.place(found.region, model.take(slot), value)
    return
  }
  regions.remove(slot)
  if (action === 'remove') table.free(slot)
  else regions.insert(slot, region, value)
  const entry = model.take(slot)
  if (action === 'move') model.place(region, entry, value)
}

// The first clock is near where 32 bits end: priorities wrap around under way.
for (const clock of [0, 2 ** 31 - 3000]) {
  test(`after every step lists, links, sums and the order of eviction are those of plain arrays, from clock ${clock}`, () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
        const table = new SlotTable()
        const regions = new Regions(table)
        const model = new Model(clock)
        for (const region of REGIONS) regions.setClock(region, clock)
        for (const each of steps) {
          take(table, regions, model, each)
          assertSame(table, regions, model)
        }
      }),
      { numRuns: 100 },
    )
  })
}

test('slots are used again before the table grows, which it does by doubling and not beyond what may be held', () => {
  const table = new SlotTable()
  const slots = Array.from({ length: MOST_ENTRIES }, (_, i) => table.allocate(i, MOST_ENTRIES))
  assert.equal(new Set(slots).size, MOST_ENTRIES)
  assert.equal(table.capacity, LIST_COUNT + MOST_ENTRIES)
  assert.deepEqual(
    slots.map((slot) => table.hash(slot)),
    slots.map((_, i) => i),
  )
  for (const slot of slots) table.free(slot)
  assert.deepEqual(new Set(slots.map((_, i) => table.allocate(i, MOST_ENTRIES))), new Set(slots))
  assert.equal(table.capacity, LIST_COUNT + MOST_ENTRIES)
})

test('requests are counted to 63 and then round and round from 60; weight and list do not feel it', () => {
  const table = new SlotTable()
  const slot = table.allocate(1, 1)
  table.setWeight(slot, MAX_WEIGHT)
  table.append(slot, LIST_COUNT - 1, -5)
  const counts = Array.from({ length: MAX_FREQUENCY + 6 }, () => table.countRequest(slot))
  assert.deepEqual(counts.slice(0, 3), [1, 2, 3])
  assert.deepEqual(counts.slice(-7), [63, 60, 61, 62, 63, 60, 61])
  table.setHomeMain(slot, true)
  assert.deepEqual(SlotTable.unpack(table.place(slot)), { list: LIST_COUNT - 1, isHomeMain: true, frequency: 61 })
  assert.deepEqual([table.weight(slot), table.priority(slot)], [MAX_WEIGHT, -5])
})

test('aging by shares halves every entry once', () => {
  const table = new SlotTable()
  const slots = Array.from({ length: 500 }, (_, i) => {
    const slot = table.allocate(i, 500)
    table.setFrequency(slot, i % 64)
    return slot
  })
  for (const share of [0.1, 0.1, 0.55, 0.8, 1]) table.age(share)
  assert.deepEqual(
    slots.map((slot) => table.frequency(slot)),
    slots.map((_, i) => (i % 64) >> 1),
  )
})
