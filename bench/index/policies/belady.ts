/**
 * What could be reached by one who knows the future: evicts what is asked for again latest (MIN, best for unit sizes),
 * or what is largest times that distance (Belady-size). An object that would be evicted at once is not stored.
 *
 *   Belady: "A Study of Replacement Algorithms for a Virtual-Storage Computer" (1966)
 *   Beckmann, Chen, Cidon: "LHD" (2018) uses the product with the size for objects of different sizes
 */
import { LazyHeap } from './heap.ts'
import type { Trace } from '../traces.ts'

export interface HitRatio {
  /** Percent of requests. */
  readonly objects: number
  /** Percent of the bytes asked for. */
  readonly bytes: number
}

export function belady({ requests, sizes }: Trace, capacity: number, isBySize: boolean): HitRatio {
  const nextUse = nextUses(requests, sizes.length)
  const heap = new LazyHeap()
  const heldObjects = new Set<number>()
  let [held, hits, hitBytes, bytes] = [0, 0, 0, 0]
  for (let at = 0; at < requests.length; at++) {
    const object = requests[at] as number
    const size = sizes[object] as number
    bytes += size
    if (heldObjects.delete(object)) {
      hits++
      hitBytes += size
      held -= size
      heap.delete(object)
    }
    const next = nextUse[at] as number
    if (next === requests.length || size > capacity) continue
    // What matters by size is the distance from now, which changes for all alike; its order at the time of use is close.
    heap.set(object, isBySize ? -Math.log(next - at) - Math.log(size) : -next)
    heldObjects.add(object)
    held += size
    while (held > capacity) {
      const victim = heap.shift()
      if (victim === undefined) break
      heldObjects.delete(victim.object)
      held -= sizes[victim.object] as number
    }
  }
  return { objects: (hits / requests.length) * 100, bytes: (hitBytes / bytes) * 100 }
}

function nextUses(requests: Uint32Array, objectCount: number): Uint32Array {
  const next = new Uint32Array(requests.length)
  const seen = new Uint32Array(objectCount).fill(requests.length)
  for (let at = requests.length - 1; at >= 0; at--) {
    const object = requests[at] as number
    next[at] = seen[object] as number
    seen[object] = at
  }
  return next
}
