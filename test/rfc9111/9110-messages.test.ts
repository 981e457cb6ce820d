/** RFC 9110 on messages: fields of one connection, interim responses, equal URIs, and Vary. */
import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { test, type TestContext } from 'node:test'
import { request, type Dispatcher } from 'undici'
import type { TestCacheOptions } from '../helpers/cache.ts'
import { BOTH, control, filesWith, named, stage, type RequestFields } from './stage.ts'

test('[B.5] fields that Connection lists are not stored, be they headers or trailers, nor is it', async (t) => {
  for (const options of BOTH) {
    const { origin, cache, count } = await stage(
      t,
      (_request, _count, response) => {
        const fields = { connection: 'keep-alive, X-Hop, x-hop-trailer', 'x-hop': 'planted', 'x-kept': 'kept' }
        response.writeHead(200, { 'cache-control': 'max-age=60', ...fields, trailer: 'x-hop-trailer, x-sum' })
        response.write('body')
        response.addTrailers({ 'x-hop-trailer': 'planted', 'x-sum': 'sum' })
        response.end()
        return undefined
      },
      options,
    )
    const ask = async () => {
      const { headers, body, trailers } = await request(origin.url, { dispatcher: cache.dispatcher })
      assert.equal(await body.text(), 'body')
      return { headers, trailers }
    }
    assert.deepEqual({ ...(await ask()).trailers }, { 'x-hop-trailer': 'planted', 'x-sum': 'sum' }, 'whom it is for')
    const { headers, trailers } = await ask()
    assert.match(String(headers['cache-status']), /hit/)
    for (const name of ['connection', 'keep-alive', 'x-hop', 'x-hop-trailer', 'trailer', 'transfer-encoding']) {
      assert.equal(headers[name], undefined, name)
    }
    // Other trailers may be dropped (section 6.5.1), and are; they never become headers.
    assert.deepEqual([headers['x-kept'], headers['x-sum'], { ...trailers }], ['kept', undefined, {}])
    assert.equal(count(), 1)
    await cache.manager.close()
    assert.deepEqual(await filesWith(cache.directory, 'planted'), [])
  }
})

/** Interim responses of several kinds, whose fields would forbid to store what follows. */
async function sendInterim(response: ServerResponse): Promise<void> {
  response.writeProcessing()
  for (const link of ['</a>; rel=preload', '</b>; rel=preload']) {
    await new Promise<void>((done) => response.writeEarlyHints({ link, 'cache-control': 'no-store' }, done))
  }
}

/** What the caller sees: the statuses of interim responses, then of the last, and its text. */
async function exchange(url: string, dispatcher: Dispatcher) {
  const seen: (number | string)[] = []
  const { statusCode, headers, body } = await request(url, {
    dispatcher,
    onInfo: ({ statusCode }) => void seen.push(statusCode),
  })
  return { seen: [...seen, statusCode, await body.text()], headers }
}

test('[B.20] interim responses are passed on, however many, and not stored', async (t) => {
  for (const options of BOTH) {
    const { origin, cache, count } = await stage(
      t,
      (_request, _count, response) => {
        void sendInterim(response).then(() => response.writeHead(200, { 'cache-control': 'max-age=60' }).end('final'))
        return undefined
      },
      options,
    )
    const miss = await exchange(origin.url, cache.dispatcher)
    assert.deepEqual(miss.seen, [102, 103, 103, 200, 'final'])
    const hit = await exchange(origin.url, cache.dispatcher)
    assert.deepEqual(hit.seen, [200, 'final'])
    assert.deepEqual([hit.headers['link'], hit.headers['cache-control']], [undefined, 'max-age=60'])
    assert.equal(count(), 1)
    assert.equal(cache.manager.entryCount, 1)
  }
})

test('[B.20] so are they before a 304, a failing server and a new response', async (t) => {
  for (const options of BOTH) {
    for (const [status, text] of [
      [304, 'stored'],
      [503, 'stored'],
      [200, 'new'],
    ] as const) {
      const { origin, cache, clock, get } = await stage(
        t,
        (_request, count, response) => {
          const fields = { 'cache-control': 'max-age=60, stale-if-error=100', etag: '"e"' }
          if (count === 1) return { fields, body: 'stored' }
          void sendInterim(response).then(() => response.writeHead(status, fields).end(status === 200 ? 'new' : ''))
          return undefined
        },
        options,
      )
      await get()
      clock.pass(70)
      const { seen, headers } = await exchange(origin.url, cache.dispatcher)
      assert.deepEqual(seen, [102, 103, 103, 200, text], String(status))
      assert.equal(headers['link'], undefined)
    }
  }
})

test('[B.20] a 100 that nobody asked for is the client’s to judge: an error, and nothing stored', async (t) => {
  const { get, cache } = await stage(t, (_request, count, response) => {
    if (count === 1) response.writeContinue()
    return control('max-age=60')
  })
  await assert.rejects(get(), { code: 'UND_ERR_SOCKET' })
  await cache.manager.runPendingTasks()
  assert.equal(cache.manager.entryCount, 0)
  assert.equal((await get()).text, 'body')
})

test('[B.21] scheme, host and default port in any form name one origin; the path counts byte for byte', async (t) => {
  for (const options of BOTH) {
    const staged = await stage(t, control('max-age=60'), options)
    const dispatcher = named(t, staged, options)
    const ask = async (origin: string, path: string) => {
      const { body } = await dispatcher.request({ origin, path, method: 'GET' })
      await body.dump()
      return staged.count()
    }
    assert.equal(await ask('http://one.test', '/~a'), 1)
    for (const same of ['http://one.test:80', 'HTTP://one.test', 'http://ONE.test', 'http://One.Test:80/']) {
      assert.equal(await ask(same, '/~a'), 1, same)
    }
    let before = 1
    for (const other of ['http://one.test:443', 'https://one.test', 'http://two.test', 'http://one.test.']) {
      assert.equal(await ask(other, '/~a'), ++before, other)
    }
    assert.equal(await ask('https://ONE.test:443', '/~a'), before)
    // They may share a key and do not: what a server makes of them is its own affair.
    for (const path of ['/%7ea', '/%7Ea', '/~A', '/./~a', '/x/../~a', '//~a', '/~a/', '/~a?', '/~a?x']) {
      assert.equal(await ask('http://one.test', path), ++before, path)
      assert.equal(await ask('http://one.test', path), before, path)
    }
  }
})

/** Whether a response to one request answers another, where it varies so. */
async function selects(
  t: TestContext,
  options: TestCacheOptions,
  vary: string | string[],
  first: RequestFields,
  second: RequestFields,
) {
  const { get, count } = await stage(t, control('max-age=60', { vary }), options)
  await get('/', first)
  await get('/', second)
  const isReused = count() === 1
  // It stays with the first, whatever the second has brought.
  await get('/', first)
  assert.equal(count() === 3, [vary].flat().join().includes('*'))
  return isReused
}

test('[B.22] fields that Vary names must be the same as they were, or be absent as they were', async (t) => {
  const cases: [vary: string | string[], first: RequestFields, second: RequestFields, expected: boolean][] = [
    ['x-a', { 'x-a': '1' }, { 'x-a': '1' }, true],
    ['X-A', { 'x-a': '1' }, { 'X-a': '1' }, true],
    ['x-a', {}, {}, true],
    ['x-a', { 'x-a': '1', 'x-b': '1' }, { 'x-a': '1', 'x-b': '2' }, true],
    ['x-a', { 'x-a': '1, 2' }, { 'x-a': '1,2' }, true],
    ['', { 'x-a': '1' }, { 'x-a': '2' }, true],
    ['x-a', { 'x-a': '1' }, { 'x-a': '2' }, false],
    ['x-a', { 'x-a': 'a' }, { 'x-a': 'A' }, false],
    ['x-a', { 'x-a': '1, 2' }, { 'x-a': '2, 1' }, false],
    ['x-a', { 'x-a': '1' }, {}, false],
    ['x-a', {}, { 'x-a': '1' }, false],
    ['x-a', {}, { 'x-a': '' }, false],
    ['x-a, x-b', { 'x-a': '1', 'x-b': '2' }, { 'x-b': '2', 'x-a': '1' }, true],
    ['x-a, x-b', { 'x-a': '1', 'x-b': '2' }, { 'x-a': '1', 'x-b': '3' }, false],
    ['x-a, x-b', { 'x-a': '1', 'x-b': '2' }, { 'x-a': '2', 'x-b': '1' }, false],
    ['x-a, x-b', { 'x-a': '1' }, { 'x-b': '1' }, false],
    [['x-a', 'x-b'], { 'x-a': '1', 'x-b': '2' }, { 'x-a': '1', 'x-b': '3' }, false],
    ['x-c,x-a ,x-b', { 'x-a': '1', 'x-c': '3' }, { 'x-a': '1', 'x-c': '3' }, true],
    ['x-c,x-a ,x-b', { 'x-a': '1', 'x-c': '3' }, { 'x-a': '1', 'x-b': '', 'x-c': '3' }, false],
    ['*', {}, {}, false],
    ['x-a, *', { 'x-a': '1' }, { 'x-a': '1' }, false],
    [['x-a', '*'], { 'x-a': '1' }, { 'x-a': '1' }, false],
  ]
  for (const options of BOTH) {
    for (const [vary, first, second, expected] of cases) {
      assert.equal(await selects(t, options, vary, first, second), expected, JSON.stringify([vary, first, second]))
    }
  }
})
