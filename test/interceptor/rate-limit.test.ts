/** Politeness: requests to the network wait for their turn, hits never do. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { request } from 'undici'
import { cacheInterceptor, InvalidOptionError, type CacheInterceptorOptions } from '../../src/index.ts'
import { Queues } from '../../src/interceptor/rate-limit.ts'
import { startCache, type TestCache } from '../helpers/cache.ts'
import { noteFaults } from '../helpers/faults.ts'
import { startOrigin, type Origin } from '../helpers/origin.ts'

const INTERVAL = 60
/** What a timer may be early by. */
const TOLERANCE = 5

async function start(
  t: TestContext,
  rateLimit: CacheInterceptorOptions['rateLimit'],
): Promise<{ origin: Origin; cache: TestCache; times: number[] }> {
  const times: number[] = []
  const origin = await startOrigin(t, (_, response) => {
    times.push(performance.now())
    response.setHeader('cache-control', 'max-age=60')
    response.setHeader('etag', '"e"')
    response.end('body')
  })
  const cache = await startCache(t, { interceptor: rateLimit === undefined ? {} : { rateLimit } })
  // From here on a miss in memory is a miss.
  await cache.manager.runPendingTasks()
  return { origin, cache, times }
}

test('so many in an interval and no more, in order, whatever sends them to the network', async (t) => {
  const { origin, cache, times } = await start(t, { requests: 1, interval: INTERVAL })
  const begun = performance.now()
  await Promise.all([
    cache.get(`${origin.url}/miss`),
    cache.get(`${origin.url}/other`),
    cache.get(`${origin.url}/unsafe`, { method: 'DELETE' }),
    cache.get(`${origin.url}/no-store`, { headers: { 'if-match': '"x"' } }),
  ])
  const validation = await cache.get(`${origin.url}/miss`, { headers: { 'cache-control': 'no-cache' } })
  assert.match(validation.cache, /^fwd=request/)
  assert.deepEqual(
    origin.requests.map(({ url }) => url),
    ['/miss', '/other', '/unsafe', '/no-store', '/miss'],
  )
  // What the way takes may bring two closer together, but none may be there before it was sent.
  for (const [i, time] of times.entries())
    assert.ok(time - begun >= i * INTERVAL - TOLERANCE, `${i}: ${time - begun} ms`)
})

test('hits do not wait, and do not count', async (t) => {
  const { origin, cache } = await start(t, { requests: 1, interval: 3_600_000 })
  await cache.get(`${origin.url}/`)
  for (let i = 0; i < 20; i++) assert.match((await cache.get(`${origin.url}/`)).cache, /^hit/)
  assert.equal(origin.requests.length, 1)
})

test('each origin has its own limit, or all have one', async (t) => {
  for (const per of ['origin', 'all'] as const) {
    const one = await startOrigin(t, (_, response) => void response.end())
    const other = await startOrigin(t, (_, response) => void response.end())
    const { cache } = await start(t, { requests: 1, interval: 3_600_000, per })
    await cache.get(one.url)
    const controller = new AbortController()
    const second = request(other.url, { dispatcher: cache.dispatcher, signal: controller.signal })
    if (per === 'origin') await (await second).body.dump()
    else {
      controller.abort()
      await assert.rejects(second, { name: 'AbortError' })
    }
    assert.equal(other.requests.length, per === 'origin' ? 1 : 0)
  }
})

test('who waits can leave, and takes no turn from those behind', async (t) => {
  const { origin, cache } = await start(t, { requests: 1, interval: 500 })
  const begun = performance.now()
  await cache.get(`${origin.url}/first`)
  const controllers = Array.from({ length: 50 }, () => new AbortController())
  const leaving = controllers.map(({ signal }, i) =>
    request(`${origin.url}/leaves-${i}`, { dispatcher: cache.dispatcher, signal }),
  )
  const last = cache.get(`${origin.url}/last`)
  const reason = new Error('enough')
  for (const controller of controllers) controller.abort(reason)
  for (const each of leaving) await assert.rejects(each, reason)
  await last
  assert.deepEqual(
    origin.requests.map(({ url }) => url),
    ['/first', '/last'],
  )
  assert.ok(performance.now() - begun < 50 * 500)
})

test('who waits for an answer to one that leaves asks for itself', async (t) => {
  const { origin, cache } = await start(t, { requests: 1, interval: INTERVAL })
  await cache.get(`${origin.url}/first`)
  const controller = new AbortController()
  const leader = request(`${origin.url}/shared`, { dispatcher: cache.dispatcher, signal: controller.signal })
  const follower = cache.get(`${origin.url}/shared`)
  controller.abort()
  await assert.rejects(leader)
  assert.equal((await follower).text, 'body')
  assert.equal(origin.requests.length, 2)
})

test('what is sent later is what the caller gave', async (t) => {
  const { origin, cache } = await start(t, { requests: 1, interval: INTERVAL })
  await cache.get(`${origin.url}/first`)
  const headers = { 'accept-language': 'de' }
  const second = cache.get(`${origin.url}/second`, { headers })
  headers['accept-language'] = 'fr'
  await second
  assert.equal(origin.requests[1]?.headers['accept-language'], 'de')
})

test('a function of the user says when', async (t) => {
  const asked: string[] = []
  const { promise, resolve } = Promise.withResolvers<void>()
  const { origin, cache } = await start(t, ({ method, url, headers }, signal) => {
    asked.push(`${method} ${url} ${headers['x-test'] ?? ''} ${signal.aborted}`)
    return asked.length === 1 ? undefined : promise
  })
  await cache.get(`${origin.url}/now`, { headers: { 'X-Test': 'yes' } })
  const later = cache.get(`${origin.url}/later`)
  assert.deepEqual(asked, [`GET ${origin.url}/now yes false`, `GET ${origin.url}/later  false`])
  assert.equal(origin.requests.length, 1)
  resolve()
  await later
  assert.equal(origin.requests.length, 2)
})

test('what it throws is an event, and the request goes; one that leaves is told to it', async (t) => {
  const faults = noteFaults(t)
  let mode: 'throw' | 'reject' | 'wait' = 'throw'
  const signals: AbortSignal[] = []
  const { origin, cache } = await start(t, (_, signal) => {
    signals.push(signal)
    if (mode === 'throw') throw new Error('thrown')
    if (mode === 'reject') return Promise.reject(new Error('rejected'))
    return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
  })
  assert.equal((await cache.get(`${origin.url}/a`)).text, 'body')
  mode = 'reject'
  assert.equal((await cache.get(`${origin.url}/b`)).text, 'body')
  mode = 'wait'
  const controller = new AbortController()
  const waiting = request(`${origin.url}/c`, { dispatcher: cache.dispatcher, signal: controller.signal })
  const reason = new Error('enough')
  controller.abort(reason)
  await assert.rejects(waiting, reason)
  assert.equal(signals.at(-1)?.reason, reason)
  assert.deepEqual(
    faults.map(({ operation, error }) => [operation, (error as Error).message]),
    [
      ['rateLimit', 'thrown'],
      ['rateLimit', 'rejected'],
    ],
  )
})

test('what passes by the cache is as it would be without a limit', async (t) => {
  const origin = await startOrigin(t, (_, response) => void response.end('body'))
  for (const limit of [{}, { rateLimit: { requests: 100 } }]) {
    const busted: string[] = []
    const bust = ({ url }: { readonly url: string }) => void busted.push(url)
    const { get } = await startCache(t, { interceptor: { xCache: true, bust, ...limit } })
    const { headers } = await get(`${origin.url}/`, { headers: { 'if-match': '"x"' } })
    const marks = Object.keys(headers).filter((name) => /^x-cache|^cache-status/.test(name))
    assert.deepEqual([marks, busted], [[], []])
  }
})

test('limits of origins that nobody asks any more are not kept', async () => {
  const queues = new Queues(1, INTERVAL)
  for (let i = 0; i < 1_000; i++) assert.equal(queues.enter(`origin ${i}`), undefined)
  const wait = queues.enter('origin 999')
  assert.equal(queues.size, 1_000)
  // When its turn comes again, the allowances of all that came before are whole.
  await wait?.over
  queues.enter('one more')
  assert.equal(queues.size, 2)
})

test('wrong limits', async (t) => {
  const { manager } = await startCache(t)
  const wrong = [
    null,
    1,
    {},
    { requests: 0 },
    { requests: 1.5 },
    { requests: 1, interval: 0 },
    { requests: 1, interval: 2 ** 31 },
    { requests: 1, per: 'host' },
    { requests: 1, burst: 2 },
  ]
  for (const rateLimit of wrong) {
    assert.throws(
      () => cacheInterceptor(manager, { rateLimit } as object),
      InvalidOptionError,
      JSON.stringify(rateLimit),
    )
  }
  cacheInterceptor(manager, { rateLimit: { requests: 1, interval: 2 ** 31 - 1 } })
})
