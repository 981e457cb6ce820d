/** A soak: mixed traffic for long, and then memory, descriptors and directory as they were after its first tenth. */
import { readdir } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Agent, request } from 'undici'
import { cacheInterceptor, StreamingManager } from '../../../src/index.ts'
import { leftovers, temporaryDirectory } from '../../helpers/directory.ts'
import { pick, seeded, type FaultPromise, type Outcome } from './promise.ts'
import { collect } from '../../helpers/collect.ts'

const AT_A_TIME = 32
const URLS = 3000
const MAX_ENTRIES = 500
/** What the collector leaves differs by so much from one time to the next. */
const HEAP_SLACK = 4_000_000
/** Rounds until code is compiled and the cache is full, which are none of those that count. */
const WARM_UPS = 40

const KINDS = ['cacheable', 'validated', 'varied', 'uncacheable', 'failing', 'broken'] as const

async function run(rounds: number): Promise<Outcome> {
  const random = seeded(5)
  const server = createServer(({ url = '', headers }, response) => {
    const [, kind, n = '0'] = url.split('/')
    const body = Buffer.alloc((Number(n) * 7919) % 100_000, n)
    if (kind === 'uncacheable') response.writeHead(200, { 'cache-control': 'no-store' }).end(body)
    else if (kind === 'failing') response.writeHead(503).end()
    else if (kind === 'validated' && headers['if-none-match'] !== undefined) response.writeHead(304).end()
    else {
      const lifetime = kind === 'validated' ? 'max-age=0' : 'max-age=600'
      response.writeHead(200, { 'cache-control': lifetime, etag: `"${n}"`, ...(kind === 'varied' && { vary: 'x-a' }) })
      if (kind !== 'broken') response.end(body)
      else response.write(body, () => response.destroy())
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const directory = await temporaryDirectory()
  const manager = await StreamingManager.open(directory, { maxEntries: MAX_ENTRIES, snapshotInterval: 1000 })
  const dispatcher = new Agent({ connections: AT_A_TIME }).compose(cacheInterceptor(manager))

  const ask = async (): Promise<void> => {
    const path = `/${pick(random, KINDS)}/${Math.floor(random() ** 2 * URLS)}`
    const controller = new AbortController()
    if (random() < 0.1) setImmediate(() => controller.abort())
    const headers = { 'x-a': String(Math.floor(random() * 20)) }
    const method = random() < 0.02 ? 'POST' : 'GET'
    try {
      const { body } = await request(url + path, { dispatcher, method, headers, signal: controller.signal })
      await body.dump({ limit: 1_000_000 })
    } catch {
      // Broken and aborted ones.
    }
  }
  const look = async () => {
    await manager.runPendingTasks()
    const { descriptors, temporary, contents, buckets } = await leftovers(directory)
    const all = (await readdir('/proc/self/fd').catch(() => [])).length
    return { heap: heapUsed(), all, descriptors, temporary, contents, buckets }
  }

  const failures: string[] = []
  let before: Awaited<ReturnType<typeof look>> | undefined
  for (let round = -WARM_UPS; round < rounds; round++) {
    await Promise.all(Array.from({ length: AT_A_TIME }, ask))
    if (round === Math.ceil(rounds / 10)) before = await look()
  }
  const after = await look()
  const growth = after.heap - (before?.heap ?? 0)
  if (growth > HEAP_SLACK) failures.push(`the heap has grown by ${growth} bytes`)
  if (after.descriptors > 0 || after.temporary > 0)
    failures.push(`${after.descriptors} descriptors, ${after.temporary} temporary files`)
  if (after.all > (before?.all ?? 0) + AT_A_TIME)
    failures.push(`${after.all} descriptors of the process, ${before?.all} before`)
  if (Math.max(after.contents, after.buckets) > MAX_ENTRIES)
    failures.push(`${after.contents} bodies, ${after.buckets} buckets`)
  const { hits, freshened, evictions } = manager.stats()
  await manager.close()
  await dispatcher.close()
  server.closeAllConnections()
  server.close()
  return {
    rounds,
    failures,
    counts: { requests: (WARM_UPS + rounds) * AT_A_TIME, hits, freshened, evictions, 'bytes more heap': growth },
  }
}

function heapUsed(): number {
  for (let i = 0; i < 4; i++) collect()
  return process.memoryUsage().heapUsed
}

export const leaks: FaultPromise = {
  number: 12,
  name: 'leaks',
  promise: 'after long mixed traffic heap, descriptors and directory are as after its first tenth',
  rounds: { long: 5000, short: 100 },
  run,
}
