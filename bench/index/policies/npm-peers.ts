import { LRUCache } from 'lru-cache'
import { newCache } from 'transitory'
import { keyOf } from './index-policy.ts'
import type { PolicySource } from './policy.ts'

export const lruCache: PolicySource = {
  name: 'lru-cache',
  create: (capacity) => {
    const cache = new LRUCache<string, number>({ maxSize: capacity })
    return {
      held: () => cache.calculatedSize,
      request: (object, size) => {
        const key = keyOf(object)
        if (cache.get(key) !== undefined) return true
        cache.set(key, object, { size })
        return false
      },
    }
  },
}

export const transitory: PolicySource = {
  name: 'transitory',
  create: (capacity, { sizes }) => {
    const cache = newCache<string, number>()
      .maxSize(capacity)
      .withWeigher((_key, object) => sizes[object] as number)
      .build()
    return {
      // It evicts when told or on a timer; timers do not run within a loop.
      request: (object) => {
        const key = keyOf(object)
        if (cache.getIfPresent(key) !== null) return true
        cache.set(key, object)
        cache.cleanUp()
        return false
      },
    }
  },
}
