/**
 * GDSF: greedy-dual with frequency over size, exact by a heap. Frequencies are those of a stay: history goes with the
 * entry.
 *
 *   Cherkasova: "Improving WWW Proxies Performance with Greedy-Dual-Size-Frequency Caching Policy" (1998)
 */
import { LazyHeap } from './heap.ts'
import type { PolicySource } from './policy.ts'

export const gdsf: PolicySource = {
  name: 'GDSF',
  create: (capacity, { sizes }) => {
    const heap = new LazyHeap()
    const frequencies = new Map<number, number>()
    let clock = 0
    let held = 0
    return {
      held: () => held,
      request: (object, size) => {
        const frequency = (frequencies.get(object) ?? 0) + 1
        if (frequency === 1) {
          if (size > capacity) return false
          while (held + size > capacity) {
            const victim = heap.shift()
            if (victim === undefined) break
            clock = victim.priority
            frequencies.delete(victim.object)
            held -= sizes[victim.object] as number
          }
          held += size
        }
        frequencies.set(object, frequency)
        heap.set(object, clock + frequency / size)
        return frequency > 1
      },
    }
  },
}
