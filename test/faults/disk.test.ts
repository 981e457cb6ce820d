/** A cache may fail, a request may not: what the disk does is nobody's error. */
import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import fs, { chmod, mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { FaultEvent, RefusalEvent } from '../../src/index.ts'
import { startCache } from '../helpers/cache.ts'
import { filesIn, leftovers } from '../helpers/directory.ts'
import { startOrigin } from '../helpers/origin.ts'
import { exportMocks } from '../helpers/mocks.ts'

/** Events of one channel, collected while the test runs. */
function collect<E>(t: TestContext, name: string): E[] {
  const events: E[] = []
  const listener = (event: unknown) => void events.push(event as E)
  subscribe(`undici-streaming-cache:${name}`, listener)
  t.after(() => unsubscribe(`undici-streaming-cache:${name}`, listener))
  return events
}

async function start(t: TestContext, size = 100) {
  const body = Buffer.alloc(size, 'x')
  const origin = await startOrigin(t, (_, response) => {
    response.writeHead(200, { 'cache-control': 'max-age=60', 'content-length': body.length }).end(body)
  })
  return { origin, body, url: `${origin.url}/` }
}

test('the whole directory vanishes while it is used: requests go on, events say so, storing begins anew', async (t) => {
  const { body, url, origin } = await start(t)
  const { get, directory, manager } = await startCache(t)
  const faults = collect<FaultEvent>(t, 'error')
  await get(`${url}1`)
  await manager.runPendingTasks()
  await rm(directory, { recursive: true, maxRetries: 5 })
  assert.deepEqual((await get(`${url}1`)).body, body)
  // Who finds its own registration gone starts over: what was stored before that counts no more.
  await manager.runPendingTasks()
  for (const answers of [/^(hit|fwd)/, /^hit/]) assert.match((await get(`${url}1`)).cache, answers)
  assert.ok(origin.requests.length <= 3)
  assert.ok(faults.every(({ operation, key }) => operation === 'read' && key === `${url}1`))
})

test('a folder that cannot be written in is a fault of the store and not of the request, and it heals', async (t) => {
  const { body, url, origin } = await start(t)
  const { get, directory, manager } = await startCache(t)
  const tmp = join(directory, 'tmp')
  await manager.runPendingTasks()
  await rm(tmp, { recursive: true })
  await writeFile(tmp, 'a file in the way')
  for (const path of ['1', '1']) assert.deepEqual((await get(url + path)).body, body)
  await manager.runPendingTasks()
  assert.equal(manager.entryCount, 0)
  assert.ok(manager.stats().faults >= 1)
  const before = origin.requests.length
  await rm(tmp)
  await mkdir(tmp)
  await get(`${url}1`)
  assert.match((await get(`${url}1`)).cache, /^hit/)
  assert.equal(origin.requests.length, before + 1)
})

test('a folder in the way of a final name makes way', async (t) => {
  const { body, url } = await start(t)
  const { get, directory, manager } = await startCache(t)
  await get(`${url}1`)
  await manager.runPendingTasks()
  const [path = ''] = await filesIn(directory, 'content-v2')
  await manager.clear()
  await mkdir(join(path, 'not empty'), { recursive: true })
  for (const answers of [/^fwd/, /^hit/]) {
    const { body: received, cache } = await get(`${url}2`)
    assert.deepEqual(received, body)
    assert.match(cache, answers)
  }
  assert.equal((await leftovers(directory)).temporary, 0)
})

test(
  'a body that cannot be read is a miss',
  { skip: process.getuid?.() === 0 && 'root reads everything' },
  async (t) => {
    const { url, body } = await start(t)
    const { get, directory, manager } = await startCache(t)
    await get(url)
    await manager.runPendingTasks()
    for (const file of await filesIn(directory, 'content-v2')) await chmod(dirname(file), 0o000)
    assert.deepEqual((await get(url)).body, body)
  },
)

test('a disk that is behind for longer than maxStoreDelay loses the store, not the response', async (t) => {
  const { url, body } = await start(t, 20_000_000)
  const { get, directory, manager } = await startCache(t, { maxStoreDelay: 0 })
  const refusals = collect<RefusalEvent>(t, 'refuse')
  // The file is there only when all has been read.
  const read = Promise.withResolvers<void>()
  const { open } = fs
  t.mock.method(fs, 'open', async (...args: Parameters<typeof open>) => {
    await read.promise
    return await open(...args)
  })
  exportMocks(t)
  assert.ok((await get(url)).body.equals(body))
  read.resolve()
  await manager.runPendingTasks()
  assert.deepEqual(
    refusals.map(({ reason }) => reason),
    ['slow-disk'],
  )
  assert.deepEqual(await leftovers(directory), { buckets: 0, contents: 0, temporary: 0, descriptors: 0 })
})

test('a snapshot that cannot be written is a fault, and the next start reads the disk', async (t) => {
  const { url } = await start(t)
  const { get, directory, manager } = await startCache(t)
  await get(url)
  await get(`${url}2`)
  await manager.runPendingTasks()
  await manager.delete(`${url}2`)
  await rm(join(directory, 'tmp'), { recursive: true })
  await writeFile(join(directory, 'tmp'), 'a file in the way')
  await manager.close()
  await rm(join(directory, 'tmp'))
  assert.equal(manager.stats().faults, 1)
  const next = await startCache(t, { directory })
  assert.match((await next.get(url)).cache, /^hit/)
})
