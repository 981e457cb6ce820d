/** A hit: the stored response as it was, in checked chunks, at the consumer's pace. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { open, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { test, type TestContext } from 'node:test'
import { Client, request, type Dispatcher } from 'undici'
import { cacheInterceptor } from '../../src/index.ts'
import { answer, closed, ManualClock, startCache, type TestCache } from '../helpers/cache.ts'
import { filesIn, leftovers } from '../helpers/directory.ts'
import { startOrigin, type Origin } from '../helpers/origin.ts'

const BODY = randomBytes(300_000)

async function startBoth(
  t: TestContext,
  clock = new ManualClock(),
): Promise<{ origin: Origin; cache: TestCache; url: string }> {
  const origin = await startOrigin(t, (_, response) => {
    response.setHeader('cache-control', 'max-age=60')
    response.setHeader('X-Mixed-Case', 'kept')
    response.setHeader('link', ['</a>; rel=x', '</b>; rel=y'])
    response.setHeader('content-length', BODY.length)
    response.end(BODY)
  })
  return { origin, cache: await startCache(t, { clock: clock.now }), url: `${origin.url}/` }
}

test('the stored response comes back as it was, with an Age', async (t) => {
  const clock = new ManualClock()
  const { origin, cache, url } = await startBoth(t, clock)
  const miss = await cache.get(url)
  clock.pass(10)
  const hit = await cache.get(url)
  assert.equal(origin.requests.length, 1)
  assert.deepEqual(hit.body, BODY)
  const { age, 'cache-status': status, ...headers } = hit.headers
  assert.ok(Number(age) >= 10 && Number(age) <= 11, `age is ${String(age)}`)
  assert.match(String(status), /^undici-streaming-cache; hit; ttl=(49|50)$/)
  const { 'cache-status': _, connection, 'keep-alive': keepAlive, ...before } = miss.headers
  assert.equal(connection, 'keep-alive')
  assert.ok(keepAlive)
  assert.deepEqual(headers, before)
  assert.deepEqual(headers['link'], ['</a>; rel=x', '</b>; rel=y'])
})

test('raw headers keep order, case and repeated lines, as flat Buffers', async (t) => {
  const { cache, url } = await startBoth(t)
  await cache.get(url)
  const raw = await new Promise<unknown>((resolve, reject) => {
    cache.dispatcher.dispatch(
      { origin: new URL(url).origin, path: '/', method: 'GET' },
      {
        onRequestStart() {},
        onResponseStart: (controller) => resolve(controller.rawHeaders),
        onResponseError: (_, error) => reject(error),
      },
    )
  })
  assert.ok(Array.isArray(raw) && raw.every((part) => Buffer.isBuffer(part)))
  const parts = raw.map(String)
  assert.ok(parts.includes('X-Mixed-Case'))
  assert.deepEqual(
    parts.filter((_, i) => parts[i - 1] === 'link' && i % 2 === 1),
    ['</a>; rel=x', '</b>; rel=y'],
  )
})

test('onRequestStart is called inside dispatch, and nothing after an abort in it', async (t) => {
  const { cache, url } = await startBoth(t)
  await cache.get(url)
  const calls: string[] = []
  const failed = new Promise<Error>((resolve) => {
    const handler: Dispatcher.DispatchHandler = {
      onRequestStart(controller) {
        calls.push('start')
        controller.abort(new Error('not any more'))
      },
      onResponseStart: () => void calls.push('headers'),
      onResponseEnd: () => void calls.push('end'),
      onResponseError(controller, error) {
        calls.push(`error, aborted ${controller.aborted}`)
        resolve(error)
      },
    }
    const accepted = cache.dispatcher.dispatch({ origin: new URL(url).origin, path: '/', method: 'GET' }, handler)
    assert.equal(accepted, true)
    assert.deepEqual(calls, ['start'])
  })
  assert.equal((await failed).message, 'not any more')
  await cache.manager.runPendingTasks()
  assert.deepEqual(calls, ['start', 'error, aborted true'])
  assert.equal((await leftovers(cache.directory)).descriptors, 0)
})

test('chunks are of 64 KiB at most, and a paused consumer gets none', async (t) => {
  const { cache, url } = await startBoth(t)
  await cache.get(url)
  const sizes: number[] = []
  await new Promise<void>((resolve, reject) => {
    let resumable: Dispatcher.DispatchController | undefined
    cache.dispatcher.dispatch(
      { origin: new URL(url).origin, path: '/', method: 'GET' },
      {
        onRequestStart: (controller) => void (resumable = controller),
        onResponseData(controller, chunk) {
          assert.equal(controller.paused, false)
          sizes.push(chunk.length)
          controller.pause()
          setImmediate(() => resumable?.resume())
        },
        onResponseEnd(controller) {
          assert.equal(controller.aborted, false)
          resolve()
        },
        onResponseError: (_, error) => reject(error),
      },
    )
  })
  assert.deepEqual(sizes, [65_536, 65_536, 65_536, 65_536, 300_000 - 4 * 65_536])
})

test('a consumer that leaves in the middle of a hit leaves no descriptor open', async (t) => {
  const { cache, url } = await startBoth(t)
  await cache.get(url)
  for (let round = 0; round < 20; round++) {
    const { body } = await request(url, { dispatcher: cache.dispatcher })
    body.on('error', () => {})
    await once(body, 'data')
    body.destroy()
    await closed(body)
  }
  await cache.manager.runPendingTasks()
  assert.equal((await leftovers(cache.directory)).descriptors, 0)
  assert.deepEqual((await cache.get(url)).body, BODY)
})

const damages: Record<string, (path: string) => Promise<void>> = {
  missing: (path) => rm(path),
  short: (path) => truncate(path, 100_000),
  longer: (path) => writeFile(path, 'more', { flag: 'a' }),
  'empty, as after a power loss': (path) => truncate(path, 0),
  'flipped in the first chunk': (path) => flip(path, 10),
  'another file of the same length': (path) => writeFile(path, randomBytes(BODY.length)),
}

async function flip(path: string, at: number): Promise<void> {
  const file = await open(path, 'r+')
  const byte = (await readFile(path))[at] ?? 0
  await file.write(Buffer.of(byte ^ 1), 0, 1, at)
  await file.close()
}

for (const [name, damage] of Object.entries(damages)) {
  test(`a content file that is ${name} becomes a miss, and is repaired by it`, async (t) => {
    const { origin, cache, url } = await startBoth(t)
    await cache.get(url)
    await cache.manager.runPendingTasks()
    const [path] = await filesIn(cache.directory, 'content-v2')
    assert.ok(path)
    await damage(path)
    const again = await cache.get(url)
    assert.deepEqual(again.body, BODY)
    assert.match(again.cache, /^fwd=uri-miss; stored/)
    assert.equal(origin.requests.length, 2)
    const healed = await cache.get(url)
    assert.match(healed.cache, /^hit/)
    assert.deepEqual(healed.body, BODY)
    assert.equal(origin.requests.length, 2)
    assert.equal(cache.manager.stats().faults, 1)
  })
}

test('damage behind the first chunk is an error and never an end, and is gone for the next request', async (t) => {
  const { origin, cache, url } = await startBoth(t)
  await cache.get(url)
  await cache.manager.runPendingTasks()
  const [path] = await filesIn(cache.directory, 'content-v2')
  assert.ok(path)
  await flip(path, 200_000)
  const { body } = await request(url, { dispatcher: cache.dispatcher })
  const received: Buffer[] = []
  body.on('data', (chunk: Buffer) => received.push(chunk))
  const [error] = (await once(body, 'error')) as [Error]
  assert.equal('code' in error && error.code, 'USC_ERR_CONTENT')
  assert.deepEqual(Buffer.concat(received), BODY.subarray(0, 3 * 65_536), 'only what was checked went out')
  const again = await cache.get(url)
  assert.deepEqual(again.body, BODY)
  assert.equal(origin.requests.length, 2)
  assert.match((await cache.get(url)).cache, /^hit/)
})

/** An origin that knows ranges: whole, part or something else, as `answers` says for each request. */
async function startDamaged(
  t: TestContext,
  answers: 'part' | 'whole' | 'other' | 'wrong part' | 'short part' | 'slow part',
  tag = '"e"',
) {
  const origin = await startOrigin(t, ({ headers: { range } }, response) => {
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(range ?? '') ?? []
    response.setHeader('cache-control', 'max-age=60')
    response.setHeader('etag', answers === 'other' && from !== undefined ? '"other"' : tag)
    if (from === undefined || answers === 'whole' || answers === 'other') {
      response.setHeader('content-length', BODY.length)
      response.end(BODY)
      return
    }
    const start = Number(from) + (answers === 'wrong part' ? 1 : 0)
    const end = Number(to) + 1
    response.setHeader('content-range', `bytes ${start}-${end - 1}/${BODY.length}`)
    response.writeHead(206)
    if (answers === 'slow part') response.write(BODY.subarray(start, start + 1))
    else response.end(BODY.subarray(start, answers === 'short part' ? end - 1 : end))
  })
  const cache = await startCache(t)
  await cache.get(origin.url)
  await cache.manager.runPendingTasks()
  const [path] = await filesIn(cache.directory, 'content-v2')
  assert.ok(path)
  await flip(path, 200_000)
  return { origin, cache }
}

test('where the origin has the same by a strong tag, the rest of a damaged body comes from there', async (t) => {
  for (const answers of ['part', 'whole'] as const) {
    const { origin, cache } = await startDamaged(t, answers)
    const { body, cache: status } = await cache.get(origin.url, { headers: { 'if-none-match': '"x"', 'x-own': '1' } })
    assert.match(status, /^hit/)
    assert.deepEqual(body, BODY, answers)
    const { range, 'if-range': ifRange, 'if-none-match': ifNoneMatch, 'x-own': own } = origin.requests[1]?.headers ?? {}
    assert.deepEqual([range, ifRange, ifNoneMatch, own], ['bytes=196608-299999', '"e"', undefined, '1'])
    assert.match((await cache.get(origin.url)).cache, /^fwd=uri-miss/, 'what was damaged is gone')
    assert.match((await cache.get(origin.url)).cache, /^hit/)
  }
})

test('also by a Client, which is busy with one request', async (t) => {
  const { origin, cache } = await startDamaged(t, 'part')
  const client = new Client(origin.url)
  t.after(() => client.destroy())
  const { body } = await answer(client.compose(cacheInterceptor(cache.manager)), origin.url)
  assert.deepEqual(body, BODY)
})

test('so does the rest of a part', async (t) => {
  const { origin, cache } = await startDamaged(t, 'part')
  const { statusCode, body } = await cache.get(origin.url, { headers: { range: 'bytes=100-249999' } })
  assert.deepEqual([statusCode, body], [206, BODY.subarray(100, 250_000)])
  assert.equal(origin.requests[1]?.headers['range'], 'bytes=196608-249999')
})

test('where the origin has something else, the request fails, and no byte of that is taken', async (t) => {
  for (const answers of ['other', 'wrong part', 'short part'] as const) {
    const { origin, cache } = await startDamaged(t, answers)
    const { body } = await request(origin.url, { dispatcher: cache.dispatcher })
    const received: Buffer[] = []
    body.on('data', (chunk: Buffer) => received.push(chunk))
    const [error] = (await once(body, 'error')) as [Error]
    assert.equal('code' in error && error.code, 'USC_ERR_CONTENT', answers)
    const bytes = Buffer.concat(received)
    assert.deepEqual(bytes, BODY.subarray(0, bytes.length))
    assert.ok(bytes.length < BODY.length)
  }
  const weak = await startDamaged(t, 'part', 'W/"e"')
  await assert.rejects(weak.cache.get(weak.origin.url))
  assert.equal(weak.origin.requests.length, 1, 'a weak tag is no reason to ask')
})

test('a caller that leaves while the rest is fetched ends that as well', async (t) => {
  const { origin, cache } = await startDamaged(t, 'slow part')
  const { body } = await request(origin.url, { dispatcher: cache.dispatcher })
  const arrived = once(origin.server, 'request') as Promise<[IncomingMessage, ServerResponse]>
  body.on('error', () => {}).resume()
  const [, response] = await arrived
  const left = once(response, 'close')
  body.destroy()
  await left
  assert.equal((await leftovers(cache.directory)).descriptors, 0)
})

test('a response is served from disk while it is evicted', async (t) => {
  const { cache, url } = await startBoth(t)
  await cache.get(url)
  const { body } = await request(url, { dispatcher: cache.dispatcher })
  await cache.manager.clear()
  assert.equal((await leftovers(cache.directory)).contents, 0)
  assert.deepEqual(Buffer.from(await body.arrayBuffer()), BODY)
})

test('what the consumer throws aborts the request, as undici does', async (t) => {
  const { cache, url } = await startBoth(t)
  await cache.get(url)
  const error = await new Promise<Error>((resolve) => {
    cache.dispatcher.dispatch(
      { origin: new URL(url).origin, path: '/', method: 'GET' },
      {
        onRequestStart() {},
        onResponseData() {
          throw new Error('cannot take it')
        },
        onResponseError: (_, error) => resolve(error),
      },
    )
  })
  assert.equal(error.message, 'cannot take it')
  await cache.manager.runPendingTasks()
  assert.equal((await leftovers(cache.directory)).descriptors, 0)
})
