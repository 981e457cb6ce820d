/** A miss: the response reaches the caller as it comes and is stored when it is whole. */
import assert from 'node:assert/strict'
import { subscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { test } from 'node:test'
import { request } from 'undici'
import { closed, startCache } from '../helpers/cache.ts'
import { leftovers } from '../helpers/directory.ts'
import { startOrigin } from '../helpers/origin.ts'

const NOTHING = { buckets: 0, contents: 0, temporary: 0, descriptors: 0 }

test('the first byte reaches the caller before the body is complete', async (t) => {
  let finish: (() => void) | undefined
  const origin = await startOrigin(t, (_, response) => {
    response.writeHead(200, { 'cache-control': 'max-age=60' })
    response.write('first ')
    finish = () => response.end('last')
  })
  const { dispatcher, manager, get } = await startCache(t)
  const { body } = await request(`${origin.url}/`, { dispatcher })
  const [first] = (await once(body, 'data')) as [Buffer]
  assert.equal(first.toString(), 'first ')
  assert.equal(manager.entryCount, 0)
  finish?.()
  await once(body, 'end')
  assert.equal((await get(`${origin.url}/`)).text, 'first last')
  assert.equal(origin.requests.length, 1)
})

test('a response is stored only when it is whole', async (t) => {
  const cases: Record<string, (response: ServerResponse) => void> = {
    'content-length not reached': (response) => {
      response.writeHead(200, { 'cache-control': 'max-age=60', 'content-length': '100' })
      response.write('too short', () => response.destroy())
    },
    'last chunk missing': (response) => {
      response.writeHead(200, { 'cache-control': 'max-age=60' })
      response.write('a chunk', () => response.destroy())
    },
  }
  for (const [name, respond] of Object.entries(cases)) {
    await t.test(name, async (t) => {
      const origin = await startOrigin(t, (_, response) => respond(response))
      const { manager, directory, get } = await startCache(t)
      await assert.rejects(get(`${origin.url}/`), { code: 'UND_ERR_SOCKET' })
      await manager.runPendingTasks()
      assert.equal(manager.entryCount, 0)
      assert.deepEqual(await leftovers(directory), NOTHING)
    })
  }
})

test('a body without length and chunks is passed on and not stored: nobody can tell whether it is whole', async (t) => {
  const origin = await startOrigin(t, (_, response) => {
    response.shouldKeepAlive = false
    response.useChunkedEncodingByDefault = false
    response.setHeader('cache-control', 'max-age=60')
    response.write('until the connection ends', () => response.end())
  })
  const { manager, get } = await startCache(t)
  const answer = await get(`${origin.url}/`)
  assert.equal(answer.text, 'until the connection ends')
  assert.equal(answer.headers['content-length'] ?? answer.headers['transfer-encoding'], undefined)
  await manager.runPendingTasks()
  assert.equal(manager.entryCount, 0)
})

for (const declared of [true, false]) {
  test(`a body over maxBodySize, ${declared ? 'declared' : 'found out half way'}, passes and leaves nothing`, async (t) => {
    const body = Buffer.alloc(200_001, 'x')
    const origin = await startOrigin(t, (_, response) => {
      response.writeHead(200, { 'cache-control': 'max-age=60', ...(declared ? { 'content-length': body.length } : {}) })
      response.end(body)
    })
    const { manager, directory, get } = await startCache(t, { maxBodySize: 200_000 })
    assert.deepEqual((await get(`${origin.url}/`)).body, body)
    await manager.runPendingTasks()
    assert.equal(manager.entryCount, 0)
    assert.deepEqual(await leftovers(directory), NOTHING)
    assert.equal(manager.stats().refusals, 1)
  })
}

test('a body of exactly maxBodySize is stored', async (t) => {
  const origin = await startOrigin(t, (_, response) => {
    response.setHeader('cache-control', 'max-age=60')
    response.end(Buffer.alloc(200_000, 'x'))
  })
  const { get } = await startCache(t, { maxBodySize: 200_000 })
  await get(`${origin.url}/`)
  assert.match((await get(`${origin.url}/`)).cache, /^hit/)
})

test('empty bodies, 204 and HEAD answers are stored and played', async (t) => {
  const origin = await startOrigin(t, (request, response) => {
    response.setHeader('cache-control', 'max-age=60')
    if (request.url === '/204') response.writeHead(204).end()
    else if (request.url === '/empty') response.writeHead(200, { 'content-length': '0' }).end()
    else response.writeHead(200, { 'content-length': '1234' }).end()
  })
  const { get, manager } = await startCache(t)
  for (const [path, method] of [
    ['/204', 'GET'],
    ['/empty', 'GET'],
    ['/head', 'HEAD'],
  ] as const) {
    const miss = await get(origin.url + path, { method })
    const hit = await get(origin.url + path, { method })
    assert.match(miss.cache, /^fwd=uri-miss; stored/, path)
    assert.match(hit.cache, /^hit/, path)
    assert.equal(hit.statusCode, miss.statusCode)
    assert.equal(hit.body.length, 0)
    assert.equal(hit.headers['content-length'], miss.headers['content-length'])
  }
  assert.equal(origin.requests.length, 3)
  assert.equal(manager.entryCount, 3)
})

test('a HEAD answer never becomes the answer to a GET, a stored GET answers HEAD', async (t) => {
  const origin = await startOrigin(t, (_, response) => {
    response.writeHead(200, { 'cache-control': 'max-age=60', 'content-length': '4' }).end('body')
  })
  const { get } = await startCache(t)
  await get(`${origin.url}/`, { method: 'HEAD' })
  assert.equal((await get(`${origin.url}/`)).text, 'body')
  assert.equal(origin.requests.length, 2)
  await get(`${origin.url}/get-first`)
  const head = await get(`${origin.url}/get-first`, { method: 'HEAD' })
  assert.match(head.cache, /^hit/)
  assert.equal(head.headers['content-length'], '4')
  assert.equal(head.body.length, 0)
  assert.equal(origin.requests.length, 3)
})

test('interim responses are passed on and not stored', async (t) => {
  const origin = await startOrigin(t, (_, response) => {
    response.writeEarlyHints({ link: '</style.css>; rel=preload' })
    response.setHeader('cache-control', 'max-age=60')
    response.end('final')
  })
  const { dispatcher, get } = await startCache(t)
  const interim: number[] = []
  const onInfo = ({ statusCode }: { statusCode: number }) => interim.push(statusCode)
  const { body } = await request(`${origin.url}/`, { dispatcher, onInfo })
  assert.equal(await body.text(), 'final')
  assert.deepEqual(interim, [103])
  const hit = await get(`${origin.url}/`)
  assert.match(hit.cache, /^hit/)
  assert.equal(hit.headers['link'], undefined)
})

test('a caller that leaves in the middle leaves no entry, no temporary file and no descriptor', async (t) => {
  const origin = await startOrigin(t, (_, response) => {
    response.writeHead(200, { 'cache-control': 'max-age=60', 'content-length': '10000000' })
    response.write(Buffer.alloc(300_000))
  })
  const { dispatcher, manager, directory } = await startCache(t)
  for (let round = 0; round < 20; round++) {
    const { body } = await request(`${origin.url}/${round}`, { dispatcher })
    body.on('error', () => {})
    await once(body, 'data')
    body.destroy()
    await closed(body)
  }
  await manager.runPendingTasks()
  assert.equal(manager.entryCount, 0)
  assert.deepEqual(await leftovers(directory), NOTHING)
})

test('finishAborted: what a caller that has left asked for is stored nevertheless, but for what cannot be', async (t) => {
  const begun: { response: ServerResponse; ended: Promise<unknown> }[] = []
  const origin = await startOrigin(t, ({ url }, response) => {
    const fields = url === '/uncacheable' ? {} : { 'cache-control': 'max-age=60' }
    response.writeHead(200, fields)
    response.write(Buffer.alloc(100_000, 'a'))
    begun.push({ response, ended: once(response, 'close') })
  })
  const { dispatcher, manager, directory, get } = await startCache(t, {
    maxBodySize: 300_000,
    interceptor: { finishAborted: true },
  })
  const leave = async (path: string) => {
    const { body } = await request(origin.url + path, { dispatcher })
    body.on('error', () => {})
    await once(body, 'data')
    body.destroy()
    await closed(body)
    return begun.at(-1) ?? assert.fail()
  }
  const { response } = await leave('/stored')
  const isStored = new Promise((resolve) => subscribe('undici-streaming-cache:store', resolve))
  response.end(Buffer.alloc(100_000, 'b'))
  await isStored
  const { cache, body } = await get(`${origin.url}/stored`)
  assert.match(cache, /^hit/)
  assert.deepEqual(body, Buffer.concat([Buffer.alloc(100_000, 'a'), Buffer.alloc(100_000, 'b')]))

  for (const path of ['/too-large', '/uncacheable']) {
    const left = await leave(path)
    if (path === '/too-large') left.response.write(Buffer.alloc(250_000))
    await left.ended
    assert.equal(left.response.writableFinished, false, `${path} was ended by us`)
  }
  await manager.runPendingTasks()
  assert.deepEqual(await leftovers(directory), { ...NOTHING, buckets: 1, contents: 1 })
})

test('of two answers under way at a time the one to the later request is kept', async (t) => {
  const held: ServerResponse[] = []
  const origin = await startOrigin(t, (_, response) => {
    response.setHeader('cache-control', 'max-age=60')
    held.push(response)
  })
  const clock = { time: Date.now() }
  const { get, manager } = await startCache(t, { clock: () => clock.time, interceptor: { collapse: false } })
  const first = get(`${origin.url}/`)
  await once(origin.server, 'request')
  clock.time += 1000
  const second = get(`${origin.url}/`)
  await once(origin.server, 'request')
  held[1]?.end('second')
  assert.equal((await second).text, 'second')
  await manager.runPendingTasks()
  held[0]?.end('first')
  assert.equal((await first).text, 'first')
  await manager.runPendingTasks()
  assert.equal((await get(`${origin.url}/`)).text, 'second')
})
