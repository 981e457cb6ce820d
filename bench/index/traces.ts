/**
 * Request traces. The folder in the environment variable TRACES_DIR holds `traces.json`, which lists files in the format
 * CTR1: brotli of a 16-byte header (magic CTR1, uint32 flags with bit 0 = sized, uint32 requests, uint32 objects), then
 * the object number of each request, then, if sized, the bytes of each object; uint32, little-endian.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliDecompressSync } from 'node:zlib'

export interface Trace {
  readonly name: string
  readonly isSized: boolean
  readonly objectCount: number
  /** Object numbers in the order of requests. */
  readonly requests: Uint32Array
  /** Bytes of each object; 1 for all in a trace without sizes. */
  readonly sizes: Uint32Array
  readonly uniqueBytes: number
}

/** One cache size for one trace. */
export interface Cell {
  readonly share: number
  readonly capacity: number
}

const MAGIC = 0x3152_5443 // CTR1
const SHARES = [0.001, 0.01, 0.05, 0.1, 0.25]
const LEAST_OBJECTS = 16

export function loadTraces(): Trace[] {
  const folder = process.env['TRACES_DIR']
  if (folder === undefined || folder === '') {
    throw new Error('Set TRACES_DIR to a folder with traces.json and the traces that it lists: see bench/README.md')
  }
  const list = JSON.parse(readFileSync(join(folder, 'traces.json'), 'utf8')) as {
    traces: readonly { name: string; file: string }[]
  }
  return list.traces.map(({ name, file }) => parseTrace(name, readFileSync(join(folder, file))))
}

/** Cache sizes as shares of unique objects, or of their bytes. Those of less than 16 mean objects are left out. */
export function cellsOf({ objectCount, uniqueBytes }: Trace): Cell[] {
  return SHARES.filter((share) => share * objectCount >= LEAST_OBJECTS).map((share) => ({
    share,
    capacity: Math.floor(share * uniqueBytes),
  }))
}

function parseTrace(name: string, compressed: Uint8Array): Trace {
  const bytes = brotliDecompressSync(compressed)
  const words = new Uint32Array(new Uint8Array(bytes).buffer)
  const [magic, flags = 0, requestCount = 0, objectCount = 0] = words
  if (magic !== MAGIC) throw new Error(`Expected ${name} to begin with CTR1, got ${magic}`)
  const isSized = (flags & 1) === 1
  const requests = words.subarray(4, 4 + requestCount)
  const sizes = isSized ? words.subarray(4 + requestCount, 4 + requestCount + objectCount) : ones(objectCount)
  let uniqueBytes = 0
  for (const size of sizes) uniqueBytes += size
  return { name, isSized, objectCount, requests, sizes, uniqueBytes }
}

function ones(length: number): Uint32Array {
  return new Uint32Array(length).fill(1)
}
