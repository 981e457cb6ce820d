/**
 * Clients and origins that would use up memory and descriptors: huge header sections, many bodies that stop half way,
 * consumers that never read, and other URLs without end. Everybody else is served meanwhile, and events say what was refused.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Readable } from 'node:stream'
import { Agent, request, type Dispatcher } from 'undici'
import { cacheInterceptor, StreamingManager, type FaultEvent, type RefusalEvent } from '../../../src/index.ts'
import { Catalogue } from '../../../src/manager/catalogue.ts'
import { leftovers, temporaryDirectory } from '../../helpers/directory.ts'
import type { FaultPromise, Outcome } from './promise.ts'
import { collect } from '../../helpers/collect.ts'

const KIB = 1024
const HUGE_HEADER = 64 * KIB
/** Milliseconds that a huge header section may take beside what it takes without the cache. */
const HEADER_MS = 20
const HEADER_TIMES = 10
const MAX_OPEN_FILES = 64
const MAX_QUEUE_SIZE = 4 * 1024 * KIB
/** Bytes of a body that have come when its origin stops: of a large one, and of one that stays in memory until it is whole. */
const HALVES = [100 * KIB, 30 * KIB]
/** What the cache may hold for one of them, beside what is held without it, once it has got a file or has been refused one. */
const HELD_BY_EACH = 32 * KIB
const NEVER_READ = 50
const LARGE = 8 * 1024 * KIB
const LARGE_BODY = Buffer.alloc(LARGE, 'l')
/** Beside the entries: the sketch, and what V8 has not collected. */
const HEAP_SLACK = 24 * 1024 * KIB
const MAX_ENTRIES = 500

interface Stage {
  readonly url: string
  readonly directory: string
  readonly manager: StreamingManager
  readonly dispatcher: Dispatcher
  readonly plain: Dispatcher
  readonly refusals: string[]
  readonly faults: string[]
  readonly failures: string[]
}

async function run(rounds: number): Promise<Outcome> {
  const server = createServer({ maxHeaderSize: 4 * HUGE_HEADER }, respond)
  server.keepAliveTimeout = 600_000
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const directory = await temporaryDirectory()
  const manager = await StreamingManager.open(directory, {
    maxOpenFiles: MAX_OPEN_FILES,
    maxOpenDelay: 100,
    maxQueueSize: MAX_QUEUE_SIZE,
  })
  const agent = (): Agent => new Agent({ maxHeaderSize: 4 * HUGE_HEADER, bodyTimeout: 0, headersTimeout: 0 })
  const stage: Stage = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    directory,
    manager,
    dispatcher: agent().compose(cacheInterceptor(manager)),
    plain: agent(),
    refusals: [],
    faults: [],
    failures: [],
  }
  const onRefusal = (event: unknown): void => void stage.refusals.push((event as RefusalEvent).reason)
  const onFault = (event: unknown): void => {
    const { code, cause } = (event as FaultEvent).error as { code?: string; cause?: { code?: string } }
    stage.faults.push(cause?.code ?? code ?? '')
  }
  subscribe('undici-streaming-cache:refuse', onRefusal)
  subscribe('undici-streaming-cache:error', onFault)
  const counts = {
    'bytes held for each of as many half bodies': await halfBodies(stage, Math.ceil(rounds / 200)),
    'and for each body that nobody reads': await neverRead(stage),
    'ms for 64 KiB of header': await hugeHeaders(stage),
    'bytes of heap for as many URLs': distinctUrls(stage, rounds),
  }
  unsubscribe('undici-streaming-cache:refuse', onRefusal)
  unsubscribe('undici-streaming-cache:error', onFault)
  await manager.close()
  await Promise.all([stage.dispatcher.destroy(), stage.plain.destroy()])
  server.closeAllConnections()
  server.close()
  return { rounds, failures: stage.failures, counts }
}

/** As many origins at a time as asked for that send half a body and then nothing. */
async function halfBodies(stage: Stage, count: number): Promise<number> {
  const { directory, manager, failures, refusals, faults } = stage
  let most = 0
  const heldBy = async (dispatcher: Dispatcher): Promise<number> => {
    await isServed(stage, 'before')
    const before = memory()
    const controller = new AbortController()
    const { signal } = controller
    const paths = Array.from({ length: count }, (_, n) => `${stage.url}/half/${n}`)
    const waiting = await Promise.all(paths.map((path) => request(path, { dispatcher, signal })))
    // All that was sent is read, so that only the cache can hold it.
    await Promise.all(waiting.map(({ body }, n) => readHalf(body, halfOf(n))))
    most = Math.max(most, (await leftovers(directory)).descriptors)
    await isServed(stage, 'among half bodies')
    const held = memory() - before
    controller.abort()
    return held
  }
  const plain = await heldBy(stage.plain)
  const held = Math.max(0, (await heldBy(stage.dispatcher)) - plain)
  await manager.runPendingTasks()
  if (most > MAX_OPEN_FILES) failures.push(`${most} descriptors of ${MAX_OPEN_FILES}`)
  if (held > count * HELD_BY_EACH) failures.push(`${held} bytes held for ${count} half bodies`)
  const { temporary, descriptors } = await leftovers(directory)
  if (temporary + descriptors > 0) failures.push(`${temporary} temporary files, ${descriptors} descriptors left`)
  const isOver = count > 4 * MAX_OPEN_FILES
  if (isOver && !refusals.includes('queue-full') && !faults.includes('EMFILE')) failures.push('no event says so')
  return Math.round(held / count)
}

function halfOf(n: number): number {
  return HALVES[n % HALVES.length] as number
}

function readHalf(body: Readable, half: number): Promise<void> {
  let received = 0
  return new Promise((resolve) => {
    body.on('error', () => {})
    body.on('data', (chunk: Buffer) => {
      received += chunk.length
      if (received >= half) resolve()
    })
  })
}

/** Consumers that take the headers of a hit or a miss, and nothing of the body. */
async function neverRead(stage: Stage): Promise<number> {
  const { body } = await request(`${stage.url}/large/stored`, { dispatcher: stage.dispatcher })
  await body.dump({ limit: 2 * LARGE })
  await stage.manager.runPendingTasks()
  const before = memory()
  const paths = Array.from({ length: NEVER_READ }, (_, n) => (n % 2 === 0 ? '/large/stored' : `/large/${n}`))
  const unread = await Promise.all(
    paths.map(async (path) => await request(stage.url + path, { dispatcher: stage.dispatcher })),
  )
  await isServed(stage, 'among consumers that do not read')
  const held = Math.max(0, memory() - before)
  // A quarter of a mebibyte may wait for the disk, as much for the consumer, and as much in sockets of either side.
  if (held > NEVER_READ * 1024 * KIB) stage.failures.push(`${held} bytes held for ${NEVER_READ} that do not read`)
  for (const each of unread) each.body.on('error', () => {}).destroy()
  await stage.manager.runPendingTasks()
  return Math.round(held / NEVER_READ)
}

/** Of a response, of a request, and what a Vary nominates of it. */
async function hugeHeaders(stage: Stage): Promise<number> {
  const { url, failures, manager, refusals } = stage
  const headers = { 'x-huge': 'v'.repeat(HUGE_HEADER) }
  let slowest = 0
  for (const path of ['/header/response', '/header/request', '/header/vary']) {
    const fastest = new Map([stage.plain, stage.dispatcher].map((each) => [each, Infinity]))
    // The fastest of some: what else the machine does is not asked.
    for (let i = 0; i < HEADER_TIMES; i++) {
      for (const [dispatcher, before] of fastest) {
        const begun = performance.now()
        const { body } = await request(url + path, { dispatcher, ...(path === '/header/response' ? {} : { headers }) })
        if ((await body.text()) !== 'body') failures.push(`${path}: wrong body`)
        fastest.set(dispatcher, Math.min(before, performance.now() - begun))
      }
    }
    const more = (fastest.get(stage.dispatcher) ?? 0) - (fastest.get(stage.plain) ?? 0)
    slowest = Math.max(slowest, more)
    if (more > HEADER_MS) failures.push(`${path}: ${more} ms more than without the cache`)
  }
  if (!refusals.includes('large-headers')) failures.push('no event says that a header section was too large')
  await manager.runPendingTasks()
  for await (const entry of manager.entries()) {
    const size = JSON.stringify(entry.headers).length
    if (size > HUGE_HEADER / 2) failures.push(`${size} bytes of header fields are stored`)
  }
  return Math.round(Math.max(0, slowest))
}

/** The catalogue alone, so that there can be many: nothing in memory may grow with what has been forgotten. */
function distinctUrls({ failures }: Stage, count: number): number {
  const catalogue = new Catalogue({ maxEntries: MAX_ENTRIES, maxSize: 2 ** 30, maxVariants: 16, goal: 'balanced' })
  const before = memory()
  for (let n = 0; n < count; n++) {
    const key = `https://example.com/${n}?q=${n}`
    const variant = n % 2 === 0 ? '' : n.toString(16)
    catalogue.countRequest({ name: key, stored: undefined, varies: false })
    catalogue.add({
      key,
      variant,
      vary: variant === '' ? [] : ['x-a'],
      statusCode: 200,
      statusMessage: '',
      fields: ['no-vary-search', 'key-order'],
      scope: 'shared',
      requestTime: n,
      responseTime: n,
      body: { size: 100, sha256: n.toString(16).padStart(64, '0'), checksums: n },
    })
  }
  const held = Math.max(0, memory() - before)
  if (catalogue.entryCount > MAX_ENTRIES) failures.push(`${catalogue.entryCount} entries of ${MAX_ENTRIES}`)
  if (held > HEAP_SLACK) failures.push(`${held} bytes of memory after ${count} URLs`)
  return held
}

/** Others go on: a miss that is stored or not, and what was stored before. */
async function isServed({ url, dispatcher, failures }: Stage, when: string): Promise<void> {
  for (const path of ['/small/same', `/small/${when}`]) {
    const { body } = await request(encodeURI(url + path), { dispatcher })
    if ((await body.text()) !== 'body') failures.push(`${path} is wrong`)
  }
}

function respond({ url = '', headers }: IncomingMessage, response: ServerResponse): void {
  const [, kind, name] = url.split('/')
  response.setHeader('cache-control', 'max-age=600')
  if (kind === 'half') {
    const half = halfOf(Number(name))
    response.writeHead(200, { 'content-length': 2 * half }).write(LARGE_BODY.subarray(0, half))
  } else if (kind === 'large') {
    response.writeHead(200, { 'content-length': LARGE }).end(LARGE_BODY)
  } else {
    if (name === 'response') response.setHeader('x-huge', 'v'.repeat(HUGE_HEADER))
    if (name === 'vary' && headers['x-huge'] !== undefined) response.setHeader('vary', 'x-huge')
    response.end('body')
  }
}

/** Bytes of heap and buffers after a collection. */
function memory(): number {
  for (let i = 0; i < 4; i++) collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

export const abuse: FaultPromise = {
  number: 10,
  name: 'abuse',
  promise:
    'half bodies, consumers that never read, 64 KiB headers, other URLs: memory, files and time are bounded, and events say so',
  rounds: { long: 200_000, short: 14_000 },
  run,
}
