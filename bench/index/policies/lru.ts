import type { PolicySource } from './policy.ts'

/** Least recently used: a Map keeps the order of insertion. */
export const lru: PolicySource = {
  name: 'LRU',
  create: (capacity) => {
    const sizes = new Map<number, number>()
    let held = 0
    return {
      held: () => held,
      request: (object, size) => {
        if (sizes.delete(object)) {
          sizes.set(object, size)
          return true
        }
        if (size > capacity) return false
        for (const [oldest, freed] of sizes) {
          if (held + size <= capacity) break
          sizes.delete(oldest)
          held -= freed
        }
        sizes.set(object, size)
        held += size
        return false
      },
    }
  },
}
