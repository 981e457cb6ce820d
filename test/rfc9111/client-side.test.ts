/** What no RFC says and a cache in a client breaks on: consumers that leave, wait or come together. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { test } from 'node:test'
import * as undici8 from 'undici'
import * as undici7 from 'undici7'
import { closed, type TestCache } from '../helpers/cache.ts'
import { leftovers } from '../helpers/directory.ts'
import { stage } from './stage.ts'

const NOTHING = { buckets: 0, contents: 0, temporary: 0, descriptors: 0 }
const FRESH = { 'cache-control': 'max-age=60' }
const CHUNK = randomBytes(65_536)

async function assertNothing({ manager, directory }: TestCache): Promise<void> {
  await manager.runPendingTasks()
  assert.equal(manager.entryCount, 0)
  assert.deepEqual(await leftovers(directory), NOTHING)
}

test('[K.1] a body that its origin breaks off leaves nothing, however it was framed', async (t) => {
  for (const fields of [{ 'content-length': '300000' }, {}]) {
    for (const end of ['destroy', 'resetAndDestroy'] as const) {
      const { get, cache } = await stage(t, (_request, count, response) => {
        if (count > 1) return { fields: FRESH, body: 'whole' }
        response.writeHead(200, { ...FRESH, ...fields }).write(CHUNK, () => response.socket?.[end]())
        return undefined
      })
      await assert.rejects(get())
      await assertNothing(cache)
      assert.equal((await get()).text, 'whole')
    }
  }
})

test('[K.1] nor does one that is shorter or longer than its Content-Length', async (t) => {
  for (const [length, body] of [
    ['10', 'short'],
    ['4', 'too long'],
  ] as const) {
    const { get, cache } = await stage(t, (_request, _count, response) => {
      // In raw bytes, since Node's server sends no such thing.
      const head = `HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ncontent-length: ${length}\r\n\r\n`
      response.socket?.end(head + body)
      return undefined
    })
    const outcome = await get().then(
      ({ text }) => text,
      () => 'error',
    )
    await cache.manager.runPendingTasks()
    // What is too long cannot be told by a client that has what it was promised.
    assert.equal(outcome, length === '10' ? 'error' : 'too ')
    if (outcome === 'error') await assertNothing(cache)
    else assert.equal((await get('/', { 'cache-control': 'only-if-cached' })).text, 'too ')
  }
})

test('[K.1] nor does one that its consumer leaves, in whatever way in', async (t) => {
  const { origin, cache } = await stage(t, (_request, _count, response) => {
    response.writeHead(200, { ...FRESH, 'content-length': '10000000' }).write(CHUNK)
    return undefined
  })
  const { dispatcher } = cache
  const { body } = await undici8.request(origin.url, { dispatcher })
  const gone = closed(body.on('error', () => {}))
  await once(body, 'data')
  body.destroy()
  await gone
  for (const anyFetch of [fetch, undici8.fetch, undici7.fetch]) {
    const controller = new AbortController()
    const init = { dispatcher, signal: controller.signal } as object
    const response = await (anyFetch as typeof fetch)(origin.url, init)
    const reader = response.body?.getReader()
    await reader?.read()
    controller.abort()
    await assert.rejects(async () => await reader?.read(), { name: 'AbortError' })
  }
  await assertNothing(cache)
})

test('[K.1] nor does one that cannot be decoded while it still comes; whole, it is kept as it came', async (t) => {
  const { origin, get, cache } = await stage(t, ({ url }, _count, response) => {
    response.writeHead(200, { ...FRESH, 'content-encoding': 'gzip' })
    if (url === '/whole') response.end('this is no gzip')
    else response.write('this is no gzip')
    return undefined
  })
  const ask = async (path: string) => {
    await assert.rejects(async () => {
      const response = await undici8.fetch(origin.url + path, { dispatcher: cache.dispatcher })
      await response.text()
    })
    await cache.manager.runPendingTasks()
  }
  await ask('/comes')
  await assertNothing(cache)
  // Its bytes are those that the origin has sent: the coding is the affair of the consumer, who may not even decode.
  await ask('/whole')
  const { cache: status, text } = await get('/whole')
  assert.match(status, /^hit/)
  assert.equal(text, 'this is no gzip')
})

/** An origin that sends as much as is taken from it, and how much that was. */
function pouring(chunks: number): { respond: (response: ServerResponse) => void; poured: () => number } {
  let poured = 0
  const respond = (response: ServerResponse) => {
    response.writeHead(200, { ...FRESH, 'content-length': chunks * CHUNK.length })
    const pour = () => {
      while (poured < chunks) {
        poured++
        if (!response.write(CHUNK)) return void response.once('drain', pour)
      }
      response.end()
    }
    pour()
  }
  return { respond, poured: () => poured * CHUNK.length }
}

test('[K.2] a consumer that does not read holds the origin back, and nobody else', async (t) => {
  const total = 800
  const slow = pouring(total)
  const other = pouring(total)
  const { origin, get, cache } = await stage(t, ({ url }, _count, response) => {
    if (url === '/slow') slow.respond(response)
    else other.respond(response)
    return undefined
  })
  const { body } = await undici8.request(`${origin.url}/slow`, { dispatcher: cache.dispatcher })
  body.on('error', () => {})
  // As many bytes go past it meanwhile as it would have been sent.
  assert.equal((await get('/other')).body.length, total * CHUNK.length)
  // The rest are buffers of the kernel, and what streams hold.
  assert.ok(slow.poured() < (total * CHUNK.length) / 4, `${slow.poured()} bytes went to a consumer that does not read`)
  await cache.manager.runPendingTasks()
  assert.equal(cache.manager.entryCount, 1)
  body.destroy()
  await closed(body)
  await cache.manager.runPendingTasks()
  assert.equal((await leftovers(cache.directory)).temporary, 0)
})

test('[K.2] a consumer that reads with pauses gets all of it, and so does the store', async (t) => {
  const { respond } = pouring(64)
  const { origin, get, cache, count } = await stage(t, (_request, _count, response) => {
    respond(response)
    return undefined
  })
  for (const turn of ['miss', 'hit']) {
    const { body } = await undici8.request(origin.url, { dispatcher: cache.dispatcher })
    let length = 0
    for await (const chunk of body as AsyncIterable<Buffer>) {
      length += chunk.length
      await new Promise((resolve) => setImmediate(resolve))
    }
    assert.equal(length, 64 * CHUNK.length, turn)
  }
  assert.equal(count(), 1)
  assert.equal((await get()).body.length, 64 * CHUNK.length)
})

test('[K.2] a consumer that does not read a hit keeps one file open, until it leaves', async (t) => {
  const { origin, get, cache } = await stage(t, { fields: FRESH, body: randomBytes(3_000_000) })
  await get()
  await cache.manager.runPendingTasks()
  const { body } = await undici8.request(origin.url, { dispatcher: cache.dispatcher })
  assert.match((await get()).cache, /^hit/)
  const { descriptors } = await leftovers(cache.directory)
  assert.ok(descriptors <= 1, `${descriptors} descriptors`)
  assert.ok(body.readableLength <= 4 * CHUNK.length, `${body.readableLength} bytes read ahead`)
  body.on('error', () => {}).destroy()
  await closed(body)
  await cache.manager.runPendingTasks()
  assert.equal((await leftovers(cache.directory)).descriptors, 0)
})

test('[K.3] of two requests for one key the one that stays is answered and stored, whichever came first', async (t) => {
  for (const leaving of [0, 1]) {
    const held: ServerResponse[] = []
    const { origin, get, cache } = await stage(t, (_request, _count, response) => {
      response.writeHead(200, { ...FRESH, 'content-length': '10' }).write('01234')
      held.push(response)
      return undefined
    })
    const controllers = [new AbortController(), new AbortController()]
    const asked = []
    for (const { signal } of controllers) {
      asked.push(await undici8.request(origin.url, { dispatcher: cache.dispatcher, signal }))
    }
    const left = once(asked[leaving]?.body as NodeJS.EventEmitter, 'error')
    controllers[leaving]?.abort(new Error('left'))
    assert.equal(((await left) as [Error])[0].message, 'left')
    for (const response of held) response.end('56789')
    assert.equal(await asked[1 - leaving]?.body.text(), '0123456789')
    const { cache: status, text } = await get()
    assert.match(status, /^hit/)
    assert.equal(text, '0123456789')
    await cache.manager.runPendingTasks()
    assert.deepEqual(await leftovers(cache.directory), { ...NOTHING, buckets: 1, contents: 1 })
  }
})

test('[K.3] of two hits, too', async (t) => {
  const body = randomBytes(1_000_000)
  const { origin, get, cache, count } = await stage(t, { fields: FRESH, body })
  await get()
  const controller = new AbortController()
  const { dispatcher } = cache
  const leaves = await undici8.request(origin.url, { dispatcher, signal: controller.signal })
  const stays = await undici8.request(origin.url, { dispatcher })
  const left = once(leaves.body, 'error')
  controller.abort(new Error('left'))
  await left
  assert.ok(Buffer.from(await stays.body.arrayBuffer()).equals(body))
  assert.equal(count(), 1)
  await cache.manager.runPendingTasks()
  assert.equal((await leftovers(cache.directory)).descriptors, 0)
})
