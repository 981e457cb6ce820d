/** Few descriptors: by the option, and by the system's own limit. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { request } from 'undici'
import { startCache } from '../helpers/cache.ts'
import { leftovers } from '../helpers/directory.ts'
import { startOrigin } from '../helpers/origin.ts'

const LARGE = Buffer.alloc(400_000, 'large')

test('consumers that stall hold maxOpenFiles at most; who finds none goes to the origin', async (t) => {
  const origin = await startOrigin(t, ({ url }, response) => {
    const body = url === '/large' ? LARGE : Buffer.from('small')
    response.writeHead(200, { 'cache-control': 'max-age=60', 'content-length': body.length }).end(body)
  })
  const { dispatcher, get, directory, manager } = await startCache(t, { maxOpenFiles: 8, maxOpenDelay: 20, maxMemory: 0 })
  for (const path of ['/large', '/small']) await get(origin.url + path)
  await manager.runPendingTasks()
  const stalled = await Promise.all(Array.from({ length: 10 }, () => request(`${origin.url}/large`, { dispatcher })))
  assert.equal((await leftovers(directory)).descriptors, 4, 'half of them, for hits')
  assert.equal(origin.requests.length, 8, 'six of ten found none')
  const small = await get(`${origin.url}/small`)
  assert.match(small.cache, /^hit/, 'a small body needs none but while it is read')
  assert.equal(manager.entryCount, 2, 'what is stored stays')
  const bodies = await Promise.all(stalled.map(async ({ body }) => Buffer.from(await body.arrayBuffer())))
  assert.ok(bodies.every((body) => body.equals(LARGE)))
  await manager.runPendingTasks()
  assert.equal((await leftovers(directory)).descriptors, 0)
  assert.match((await get(`${origin.url}/large`)).cache, /^hit/)
})

test('1,000 consumers of small bodies that stall hold none', async (t) => {
  const origin = await startOrigin(t, (_, response) => {
    response.writeHead(200, { 'cache-control': 'max-age=60', 'content-length': 65_536 }).end(LARGE.subarray(0, 65_536))
  })
  const { dispatcher, get, directory } = await startCache(t)
  await get(origin.url)
  const stalled = await Promise.all(Array.from({ length: 1000 }, () => request(origin.url, { dispatcher })))
  assert.equal((await leftovers(directory)).descriptors, 0)
  for (const { body } of stalled) await body.dump()
  assert.equal(origin.requests.length, 1)
})

test(
  'under `ulimit -n 64` 1,000 hits at a time succeed, of small bodies and large',
  { skip: process.platform === 'win32' },
  async () => {
    const worker = fileURLToPath(new URL('descriptors-worker.ts', import.meta.url))
    const child = spawn('sh', ['-c', `ulimit -n 64; exec "$0" "$1"`, process.execPath, worker])
    const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
    assert.equal(output, '1000 of 1000 right, 1 request at the origin each\n', errors)
  },
)
