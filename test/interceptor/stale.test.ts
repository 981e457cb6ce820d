/** Serving stale (RFC 9111 section 4.2.4, RFC 5861), and the 504 where nothing may be served. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { test, type TestContext } from 'node:test'
import { ManualClock, startCache, type TestCacheOptions } from '../helpers/cache.ts'
import { startOrigin } from '../helpers/origin.ts'

/** An origin whose first answer is stored, and whose later ones are what `later` makes of them. */
async function start(
  t: TestContext,
  control: string,
  later: (response: ServerResponse) => void,
  options?: TestCacheOptions,
) {
  const origin = await startOrigin(t, (_, response) => {
    response.sendDate = false
    if (origin.requests.length === 1) response.writeHead(200, { etag: '"e"', 'cache-control': control }).end('stored')
    else later(response)
  })
  const clock = new ManualClock()
  const cache = await startCache(t, { clock: clock.now, ...options })
  await cache.get(`${origin.url}/`)
  clock.pass(20)
  return { origin, clock, url: `${origin.url}/`, ...cache }
}

const fail = (response: ServerResponse) => response.writeHead(503).end('failing')
const breakOff = (response: ServerResponse) => response.destroy()

test('within stale-while-revalidate all hits are served stale, and one validation runs for all of them', async (t) => {
  const held: ServerResponse[] = []
  const { origin, url, get, manager } = await start(t, 'max-age=10, stale-while-revalidate=60', (response) =>
    held.push(response),
  )
  const answers = await Promise.all(Array.from({ length: 50 }, () => get(url)))
  for (const { text, cache } of answers) {
    assert.equal(text, 'stored')
    assert.match(cache, /^hit; ttl=-1\d$/)
  }
  while (held.length === 0) await new Promise((resolve) => setImmediate(resolve))
  assert.equal(origin.requests.length, 2)
  assert.equal(origin.requests[1]?.headers['if-none-match'], '"e"')
  held[0]?.writeHead(304, { etag: '"e"', 'cache-control': 'max-age=100' }).end()
  while (manager.stats().freshened === 0) await new Promise((resolve) => setImmediate(resolve))
  assert.match((await get(url)).cache, /^hit; ttl=\d+$/)
  assert.equal(origin.requests.length, 2)
})

test('a background validation that brings a new response stores it; one that fails is tried again', async (t) => {
  const outcomes = [
    breakOff,
    (response: ServerResponse) => response.writeHead(200, { 'cache-control': 'max-age=100' }).end('new'),
  ]
  const { origin, url, get, manager } = await start(t, 'max-age=10, stale-while-revalidate=60', (response) =>
    outcomes.shift()?.(response),
  )
  while (origin.requests.length < 3) await get(url)
  while (manager.stats().stores < 2) await new Promise((resolve) => setImmediate(resolve))
  assert.equal((await get(url)).text, 'new')
})

test('a background validation has the conditions of the cache, not those of the request that set it off', async (t) => {
  const { origin, url, get, manager } = await start(t, 'max-age=10, stale-while-revalidate=60', (response) =>
    response.writeHead(304, { etag: '"e"' }).end(),
  )
  assert.equal((await get(url, { headers: { Range: 'bytes=0-1', 'If-None-Match': '"mine"' } })).text, 'st')
  while (manager.stats().freshened === 0) await new Promise((resolve) => setImmediate(resolve))
  assert.equal(origin.requests[1]?.headers['if-none-match'], '"e"')
  assert.equal(origin.requests[1]?.headers['range'], undefined)
})

test('after the window, and with must-revalidate, it is validated first', async (t) => {
  for (const control of [
    'max-age=10, stale-while-revalidate=5',
    'max-age=10, stale-while-revalidate=60, must-revalidate',
    's-maxage=10, stale-while-revalidate=60',
    'no-cache, stale-while-revalidate=60',
  ]) {
    const { get, url } = await start(t, control, (response) => response.writeHead(304, { etag: '"e"' }).end())
    assert.match((await get(url)).cache, /^fwd=stale; fwd-status=304/, control)
  }
})

test('stale-if-error in the response or in the request lets a failing server be passed over', async (t) => {
  const inResponse = await start(t, 'max-age=10, stale-if-error=60', fail)
  const answer = await inResponse.get(inResponse.url)
  assert.equal(answer.text, 'stored')
  assert.match(answer.cache, /^fwd=stale; fwd-status=503; ttl=-1\d$/)
  inResponse.clock.pass(60)
  assert.equal((await inResponse.get(inResponse.url)).statusCode, 503)
  const inRequest = await start(t, 'max-age=10', fail)
  assert.equal((await inRequest.get(inRequest.url)).statusCode, 503)
  assert.equal(
    (await inRequest.get(inRequest.url, { headers: { 'cache-control': 'stale-if-error=60' } })).text,
    'stored',
  )
})

test('an origin that cannot be reached: stale by default, the error when that is turned off', async (t) => {
  const byDefault = await start(t, 'max-age=10', breakOff)
  const answer = await byDefault.get(byDefault.url)
  assert.equal(answer.text, 'stored')
  assert.match(answer.cache, /^fwd=stale; detail=unreachable; ttl=-1\d$/)
  const { server } = byDefault.origin
  server.closeAllConnections()
  server.close()
  assert.equal((await byDefault.get(byDefault.url)).text, 'stored', 'also when there is nobody to connect to')
  const off = await start(t, 'max-age=10', breakOff, { interceptor: { staleWhenUnreachable: false } })
  await assert.rejects(off.get(off.url), { code: 'UND_ERR_SOCKET' })
})

test('a new response that breaks off before its first byte is passed over, one that breaks off later is an error', async (t) => {
  const whole = { 'cache-control': 'max-age=100', 'content-length': '10' }
  const before = await start(t, 'max-age=10', (response) => {
    response.writeHead(200, whole).flushHeaders()
    setImmediate(() => response.destroy())
  })
  assert.equal((await before.get(before.url)).text, 'stored')
  assert.equal(before.manager.entryCount, 1)
  const after = await start(t, 'max-age=10', (response) => {
    response.writeHead(200, whole).write('new', () => response.destroy())
  })
  await assert.rejects(after.get(after.url), { code: 'UND_ERR_SOCKET' })
})

test('where stale is forbidden, an unreachable origin is a 504 and a failing one is passed on', async (t) => {
  for (const control of ['max-age=10, must-revalidate', 'max-age=10, proxy-revalidate', 's-maxage=10', 'no-cache']) {
    for (const extra of ['', ', stale-if-error=60']) {
      const unreachable = await start(t, control + extra, breakOff)
      const answer = await unreachable.get(unreachable.url)
      assert.equal(answer.statusCode, 504, control + extra)
      assert.equal(answer.cache, '', 'no Cache-Status on what the cache itself has generated')
      const failing = await start(t, control + extra, fail)
      assert.equal((await failing.get(failing.url)).statusCode, 503, control + extra)
    }
  }
})

test('a client that asks for validation gets no stale answer', async (t) => {
  const { get, url } = await start(t, 'max-age=100', breakOff)
  await assert.rejects(get(url, { headers: { 'cache-control': 'no-cache' } }), { code: 'UND_ERR_SOCKET' })
})

test('only-if-cached: a stored response or 504, never the origin', async (t) => {
  const { origin, get, url, clock } = await start(t, 'max-age=100', fail)
  const headers = { 'cache-control': 'only-if-cached' }
  assert.equal((await get(url, { headers })).text, 'stored')
  assert.equal((await get(`${url}other`, { headers })).statusCode, 504)
  clock.pass(100)
  assert.equal((await get(url, { headers })).statusCode, 504)
  assert.equal((await get(url, { headers: { 'cache-control': 'only-if-cached, max-stale' } })).text, 'stored')
  assert.equal(origin.requests.length, 1)
})

test('the consumer that leaves while its answer is validated gets its own error', async (t) => {
  const held: ServerResponse[] = []
  const { origin, url, dispatcher } = await start(t, 'max-age=10', (response) => held.push(response))
  const { request } = await import('undici')
  const controller = new AbortController()
  const asked = request(url, { dispatcher, signal: controller.signal })
  await once(origin.server, 'request')
  controller.abort(new Error('left'))
  await assert.rejects(asked, { message: 'left' })
})
