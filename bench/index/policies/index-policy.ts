import { MetadataIndex } from '../../../src/metadata-index/metadata-index.ts'
import type { Goal } from '../../../src/metadata-index/metadata-index.ts'
import type { PolicySource } from './policy.ts'

/** The index under test, with chance seeded so that a run can be repeated. */
export function indexPolicy(goal: Goal): PolicySource {
  return {
    name: goal,
    create: (capacity, { objectCount }) => {
      const index = new MetadataIndex<number>({ maxEntries: objectCount, maxWeight: capacity, goal, random: seeded(1) })
      return {
        request: (object, size) => {
          const key = keyOf(object)
          if (index.get(key) !== undefined) return true
          index.set(key, object, size)
          return false
        },
        held: () => index.weight,
      }
    },
  }
}

const keys: string[] = []

/** One string for each object, made once. */
export function keyOf(object: number): string {
  return (keys[object] ??= `https://example.com/${object}`)
}

/** mulberry32: numbers from 0 to 1 that are the same in every run. */
export function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b_79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
