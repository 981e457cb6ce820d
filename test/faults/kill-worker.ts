/** Stores and evicts until it is killed: see promises/kill.ts. */
import { Agent, request } from 'undici'
import { cacheInterceptor, StreamingManager } from '../../src/index.ts'
import { WORKER_PATHS, workerPath } from './promises/kill.ts'
import { seeded } from './promises/promise.ts'

const [directory = '', url = '', seed = ''] = process.argv.slice(2)
const WRITERS = 8

const random = seeded(Number(seed))
// A third of what is asked for: something has to go all the time.
const manager = await StreamingManager.open(directory, { maxSize: 4_000_000, maxEntries: 150, snapshotInterval: 20 })
const dispatcher = new Agent().compose(cacheInterceptor(manager))
console.log('begun')

async function write(): Promise<void> {
  for (;;) {
    const { body } = await request(url + workerPath(Math.floor(random() * WORKER_PATHS)), { dispatcher })
    await body.dump({ limit: 1_000_000 })
  }
}

await Promise.all(Array.from({ length: WRITERS }, write))
