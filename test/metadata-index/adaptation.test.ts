/** Streams whose best window is known, and popularity that ends: seeded, and judged by hits and by the window's share. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MetadataIndex } from '../../src/metadata-index/metadata-index.ts'

const ENTRIES = 1000

/** mulberry32 */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b_79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

class Asker {
  readonly index = new MetadataIndex<number>({ maxEntries: ENTRIES, maxWeight: Infinity, random: seeded(1) })
  readonly #random = seeded(2)
  #requests = 0
  #hits = 0
  #fresh = 0

  ask(key: string): void {
    this.#requests++
    if (this.index.get(key) !== undefined) this.#hits++
    else this.index.set(key, 0, 1)
  }

  /** The share of hits since this was asked last. */
  takeHitRatio(): number {
    const ratio = this.#hits / this.#requests
    this.#requests = 0
    this.#hits = 0
    return ratio
  }

  /** New keys, each asked for about twice more while 600 others come, then never again: only what is recent is worth keeping. */
  askRecent(rounds: number): void {
    for (let round = 0; round < rounds; round++, this.#fresh++) {
      this.ask(`recent ${this.#fresh}`)
      for (let again = 0; again < 2; again++) this.ask(`recent ${this.#fresh - Math.floor(this.#random() * 600)}`)
    }
  }

  /** 900 keys for ever, each time between two that never come again: only what is frequent is worth keeping. */
  askFrequent(rounds: number, name = 'frequent'): void {
    for (let round = 0; round < rounds; round++, this.#fresh++) {
      this.ask(`${name} ${Math.floor(this.#random() * 900)}`)
      this.ask(`once ${this.#fresh}`)
      this.ask(`once more ${this.#fresh}`)
    }
  }
}

test('where only frequency counts, the window shrinks to its least, and nearly all that can hit does', () => {
  const asker = new Asker()
  asker.askFrequent(20_000)
  asker.takeHitRatio()
  asker.askFrequent(10_000)
  assert.equal(asker.index.windowShare, 0.02)
  assert.ok(asker.takeHitRatio() > 0.99 / 3)
})

test('where only recency counts, the window becomes nearly all', () => {
  const asker = new Asker()
  asker.askRecent(60_000)
  assert.ok(asker.index.windowShare > 0.9, `window ${asker.index.windowShare}`)
})

test('the window follows a workload that changes its kind, there and back', () => {
  const asker = new Asker()
  for (let change = 0; change < 2; change++) {
    asker.askFrequent(40_000)
    assert.equal(asker.index.windowShare, 0.02)
    asker.askRecent(60_000)
    assert.ok(asker.index.windowShare > 0.9, `window ${asker.index.windowShare}`)
  }
})

test('what was popular once is forgotten: another population hits as well, though the first one was asked for at length', () => {
  const asker = new Asker()
  asker.askFrequent(100_000, 'old')
  // Two samples of the sketch, which are 30 requests an entry each.
  asker.askFrequent(20_000, 'new')
  asker.takeHitRatio()
  asker.askFrequent(10_000, 'new')
  const ratio = asker.takeHitRatio()
  assert.ok(ratio > 0.98 / 3, `hit ratio ${ratio} of a third at most`)
})
