/** Validation: a stale response is asked about, and a 304 brings it back to life without its body. */
import assert from 'node:assert/strict'
import { stat } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { test, type TestContext } from 'node:test'
import { Agent, interceptors } from 'undici'
import { cacheInterceptor } from '../../src/index.ts'
import { answer, ManualClock, startCache, type TestCacheOptions } from '../helpers/cache.ts'
import { filesIn } from '../helpers/directory.ts'
import { startOrigin } from '../helpers/origin.ts'

type Respond = (request: IncomingMessage, response: ServerResponse, count: number) => void

async function start(t: TestContext, respond: Respond, options: TestCacheOptions = {}) {
  let count = 0
  const origin = await startOrigin(t, (request, response) => {
    // The clock of these tests is not the origin's: the cache puts its own Date.
    response.sendDate = false
    respond(request, response, ++count)
  })
  const clock = new ManualClock()
  return { origin, clock, url: `${origin.url}/`, cache: await startCache(t, { clock: clock.now, ...options }) }
}

const lastModified = 'Wed, 21 Oct 2015 07:28:00 GMT'

test('a 304 freshens the stored response: its fields are merged, its body plays, the next request hits', async (t) => {
  const { origin, clock, cache, url } = await start(t, (request, response, count) => {
    if (count === 1) {
      const fields = {
        etag: '"one"',
        'last-modified': lastModified,
        'cache-control': 'max-age=10',
        'x-a': 'old',
        'x-b': 'kept',
        'content-length': '8',
      }
      response.writeHead(200, fields).end('the body')
      return
    }
    assert.equal(request.headers['if-none-match'], '"one"')
    assert.equal(request.headers['if-modified-since'], lastModified)
    assert.equal(request.headers['x-mine'], 'passed on')
    response.writeHead(304, { etag: '"one"', 'cache-control': 'max-age=1000', 'x-a': 'new', 'x-c': 'added' }).end()
  })
  await cache.get(url)
  await cache.manager.runPendingTasks()
  const [path = ''] = await filesIn(cache.directory, 'content-v2')
  const before = await stat(path)
  clock.pass(11)
  const validated = await cache.get(url, { headers: { 'x-mine': 'passed on' } })
  assert.equal(validated.statusCode, 200)
  assert.equal(validated.text, 'the body')
  assert.match(validated.cache, /^fwd=stale; fwd-status=304; ttl=\d+$/)
  assert.equal(validated.headers['x-a'], 'new')
  assert.equal(validated.headers['x-b'], 'kept')
  assert.equal(validated.headers['x-c'], 'added')
  assert.equal(validated.headers['content-length'], '8')
  clock.pass(500)
  assert.match((await cache.get(url)).cache, /^hit/)
  assert.equal(origin.requests.length, 2)
  const after = await stat(path)
  assert.deepEqual([after.ino, after.mtimeMs], [before.ino, before.mtimeMs], 'the body is not written again')
})

test('what a 304 freshened survives a restart', async (t) => {
  const { origin, clock, cache, url } = await start(t, (_, response, count) => {
    if (count === 1) response.writeHead(200, { etag: '"one"', 'cache-control': 'max-age=10' }).end('the body')
    else response.writeHead(304, { etag: '"one"', 'cache-control': 'max-age=1000' }).end()
  })
  await cache.get(url)
  clock.pass(11)
  await cache.get(url)
  await cache.manager.close()
  const next = await startCache(t, { directory: cache.directory, clock: clock.now })
  clock.pass(100)
  assert.match((await next.get(url)).cache, /^hit/)
  assert.equal(origin.requests.length, 2)
})

test('a 200 replaces what was stored, and its file goes', async (t) => {
  const { origin, clock, cache, url } = await start(t, (_, response, count) => {
    response.writeHead(200, { etag: `"${count}"`, 'cache-control': 'max-age=10' }).end(`body ${count}`)
  })
  await cache.get(url)
  clock.pass(11)
  assert.equal((await cache.get(url)).text, 'body 2')
  await cache.manager.runPendingTasks()
  assert.equal((await cache.get(url)).text, 'body 2')
  assert.equal(origin.requests.length, 2)
  assert.equal((await filesIn(cache.directory, 'content-v2')).length, 1)
  assert.equal(cache.manager.entryCount, 1)
})

test('an answer that is not stored takes out what it proves wrong; a failing server does not', async (t) => {
  const statuses = [200, 503, 404, 200]
  const { origin, clock, cache, url } = await start(t, (_, response, count) => {
    const statusCode = statuses[count - 1] ?? 500
    const fields: Record<string, string> =
      statusCode === 200 ? { etag: '"e"', 'cache-control': 'max-age=10' } : { 'cache-control': 'no-store' }
    response.writeHead(statusCode, fields).end(String(statusCode))
  })
  await cache.get(url)
  clock.pass(11)
  assert.equal((await cache.get(url)).statusCode, 503)
  assert.equal(cache.manager.entryCount, 1)
  assert.equal((await cache.get(url)).statusCode, 404)
  assert.equal(cache.manager.entryCount, 0)
  assert.equal((await cache.get(url)).statusCode, 200)
  assert.equal(origin.requests[3]?.headers['if-none-match'], undefined)
})

test('a 304 for another entity tag is not taken: the request is made again without conditions', async (t) => {
  const { origin, clock, cache, url } = await start(t, (request, response, count) => {
    if (count === 2) response.writeHead(304, { etag: '"another"' }).end()
    else response.writeHead(200, { etag: `"${count}"`, 'cache-control': 'max-age=10' }).end(`body ${count}`)
    if (count === 3) assert.equal(request.headers['if-none-match'], undefined)
  })
  await cache.get(url)
  clock.pass(11)
  const answer = await cache.get(url)
  assert.equal(answer.statusCode, 200)
  assert.equal(answer.text, 'body 3')
  assert.equal(origin.requests.length, 3)
  assert.equal((await cache.get(url)).text, 'body 3')
})

test('a 304 whose stored body has vanished is fetched anew', async (t) => {
  const { clock, cache, url } = await start(t, (request, response) => {
    if (request.headers['if-none-match'] === undefined)
      response.writeHead(200, { etag: '"e"', 'cache-control': 'max-age=10' }).end('whole')
    else response.writeHead(304, { etag: '"e"' }).end()
  })
  await cache.get(url)
  await cache.manager.runPendingTasks()
  clock.pass(11)
  const { rm } = await import('node:fs/promises')
  for (const path of await filesIn(cache.directory, 'content-v2')) await rm(path)
  assert.equal((await cache.get(url)).text, 'whole')
  assert.match((await cache.get(url)).cache, /^hit/)
})

test('fresh until its lifetime is over, must-revalidate or not; no-cache is always validated', async (t) => {
  const { origin, clock, cache } = await start(t, (request, response) => {
    const control = request.url === '/no-cache' ? 'no-cache' : 'max-age=10, must-revalidate'
    if (request.headers['if-none-match']) response.writeHead(304, { etag: '"e"', 'cache-control': control }).end()
    else response.writeHead(200, { etag: '"e"', 'cache-control': control }).end('body')
  })
  await cache.get(`${origin.url}/`)
  clock.pass(9)
  assert.match((await cache.get(`${origin.url}/`)).cache, /^hit/)
  clock.pass(1)
  assert.match((await cache.get(`${origin.url}/`)).cache, /^fwd=stale; fwd-status=304/)
  await cache.get(`${origin.url}/no-cache`)
  assert.match((await cache.get(`${origin.url}/no-cache`)).cache, /^fwd=stale; fwd-status=304/)
})

test('a request with no-cache or a smaller max-age is validated', async (t) => {
  const { origin, clock, cache, url } = await start(t, (request, response) => {
    if (request.headers['if-none-match']) response.writeHead(304, { etag: '"e"' }).end()
    else response.writeHead(200, { etag: '"e"', 'cache-control': 'max-age=100' }).end('body')
  })
  await cache.get(url)
  for (const control of ['no-cache', 'NO-CACHE', 'max-age=0', 'min-fresh=1000']) {
    clock.pass(1)
    const { cache: status } = await cache.get(url, { headers: { 'cache-control': control } })
    assert.match(status, /^fwd=request; fwd-status=304/, control)
  }
  assert.match((await cache.get(url, { headers: { pragma: 'no-cache' } })).cache, /^fwd=request/)
  assert.equal(origin.requests.length, 6)
})

test('a 304 that changes Vary gives the stored response its new name', async (t) => {
  const { origin, clock, cache, url } = await start(t, (request, response) => {
    if (request.headers['if-none-match'])
      response.writeHead(304, { etag: '"e"', vary: 'x-lang', 'cache-control': 'max-age=100' }).end()
    else response.writeHead(200, { etag: '"e"', 'cache-control': 'max-age=10' }).end('body')
  })
  await cache.get(url, { headers: { 'x-lang': 'de' } })
  clock.pass(11)
  await cache.get(url, { headers: { 'x-lang': 'de' } })
  await cache.manager.runPendingTasks()
  assert.match((await cache.get(url, { headers: { 'x-lang': 'de' } })).cache, /^hit/)
  assert.match((await cache.get(url, { headers: { 'x-lang': 'fr' } })).cache, /^fwd=vary-miss/)
  assert.equal(origin.requests.length, 3)
  await cache.manager.close()
  const next = await startCache(t, { directory: cache.directory, clock: clock.now })
  assert.match((await next.get(url, { headers: { 'x-lang': 'de' } })).cache, /^hit/)
})

test('answers that came by a redirect below the cache are not stored under the first URL', async (t) => {
  const { origin, cache } = await start(t, (request, response) => {
    if (request.url === '/from') response.writeHead(302, { location: '/to', 'cache-control': 'max-age=60' }).end()
    else response.writeHead(200, { 'cache-control': 'max-age=60' }).end('target')
  })
  const agent = new Agent()
  t.after(() => agent.destroy())
  const dispatcher = agent.compose(interceptors.redirect({ maxRedirections: 3 }), cacheInterceptor(cache.manager))
  assert.equal((await answer(dispatcher, `${origin.url}/from`)).text, 'target')
  assert.equal((await answer(dispatcher, `${origin.url}/from`)).text, 'target')
  assert.equal(origin.requests.length, 4)
  assert.equal(cache.manager.entryCount, 0)
})

test('a HEAD that finds the same freshens the response to GET, one that finds another takes it out', async (t) => {
  let etag = '"one"'
  const { origin, clock, cache, url } = await start(t, (_, response) => {
    response.writeHead(200, { etag, 'cache-control': 'max-age=10', 'content-length': '4' }).end('body')
  })
  await cache.get(url)
  clock.pass(11)
  assert.match((await cache.get(url, { method: 'HEAD' })).cache, /^fwd=/)
  assert.match((await cache.get(url)).cache, /^hit/)
  clock.pass(11)
  etag = '"two"'
  await cache.get(url, { method: 'HEAD' })
  assert.match((await cache.get(url)).cache, /^fwd=uri-miss/)
  assert.equal(origin.requests.length, 4)
})
