/** The stream of requests that all are asked: 50,000 URLs by a Zipf law (0.9), sizes log-normal around 20 KB. */
import { lru } from '../index/policies/lru.ts'
import { indexPolicy, seeded } from '../index/policies/index-policy.ts'
import type { PolicySource } from '../index/policies/policy.ts'

const EXPONENT = 0.9
const MEAN_BYTES = 20_000
const SIGMA = 1.2
const MIN_BYTES = 100
const MAX_BYTES = 2_000_000
const CAPACITY_SHARE = 0.1
const BLOCK_BYTES = 4096

export interface ZipfStream {
  readonly sizes: Uint32Array
  /** Object numbers in the order of the requests. */
  readonly requests: Uint32Array
  /** A tenth of the bytes of all objects. */
  readonly capacity: number
}

export function zipfStream(objectCount: number, requestCount: number): ZipfStream {
  const random = seeded(5)
  const sizes = Uint32Array.from({ length: objectCount }, () => logNormal(random))
  const ranked = shuffled(objectCount, random)
  const cumulative = new Float64Array(objectCount)
  let sum = 0
  for (let rank = 0; rank < objectCount; rank++) cumulative[rank] = sum += (rank + 1) ** -EXPONENT
  const draw = (): number => ranked[firstAbove(cumulative, random() * sum)] as number
  const requests = Uint32Array.from({ length: requestCount }, draw)
  const capacity = Math.round(sizes.reduce((total, size) => total + size, 0) * CAPACITY_SHARE)
  return { sizes, requests, capacity }
}

/** What a body takes: its bytes, or whole blocks of itself, of a record beside it, and of a folder for each of the two. */
const ROOM = {
  'bodies alone': (size: number) => size,
  'on disk': (size: number) => Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES + 3 * BLOCK_BYTES,
} as const

/** What is simulated on the stream: LRU, this package's index alone, and LRU without a limit. */
export function simulateAll(stream: ZipfStream): Record<'lru' | 'lruOnDisk' | 'index' | 'unlimited', HitRatios> {
  return {
    lru: simulate(lru, stream, ROOM['bodies alone']),
    lruOnDisk: simulate(lru, stream, ROOM['on disk']),
    index: simulate(indexPolicy('balanced'), stream, ROOM['bodies alone']),
    unlimited: simulate(lru, stream, ROOM['bodies alone'], Infinity),
  }
}

/** Percent of requests and of bytes that hit in so much room. */
function simulate(
  source: PolicySource,
  { sizes, requests, capacity }: ZipfStream,
  roomOf: (size: number) => number,
  limit: number = capacity,
): HitRatios {
  const rooms = sizes.map((size) => roomOf(size))
  const policy = source.create(limit, { objectCount: sizes.length, sizes: rooms })
  let hits = 0
  let hitBytes = 0
  let bytes = 0
  for (const object of requests) {
    const size = sizes[object] as number
    bytes += size
    if (!policy.request(object, rooms[object] as number)) continue
    hits++
    hitBytes += size
  }
  return { objects: (hits / requests.length) * 100, bytes: (hitBytes / bytes) * 100 }
}

export interface HitRatios {
  readonly objects: number
  readonly bytes: number
}

function logNormal(random: () => number): number {
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  const size = Math.exp(Math.log(MEAN_BYTES) - SIGMA ** 2 / 2 + SIGMA * normal)
  return Math.min(MAX_BYTES, Math.max(MIN_BYTES, Math.round(size)))
}

function shuffled(count: number, random: () => number): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, i) => i)
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    const swapped = order[i] as number
    order[i] = order[j] as number
    order[j] = swapped
  }
  return order
}

function firstAbove(cumulative: Float64Array, value: number): number {
  let low = 0
  let high = cumulative.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if ((cumulative[middle] as number) > value) high = middle
    else low = middle + 1
  }
  return low
}
