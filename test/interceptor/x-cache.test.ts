/** The option `xCache`: the pairs that the Rust crate http-cache gives, for each way of answering. */
import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { test, type TestContext } from 'node:test'
import { createFetch, InvalidOptionError, cacheInterceptor, withCacheOptions } from '../../src/index.ts'
import { ManualClock, startCache, type Answer, type TestCache, type TestCacheOptions } from '../helpers/cache.ts'
import { startOrigin, type Origin } from '../helpers/origin.ts'

interface Started extends TestCache {
  readonly origin: Origin
  readonly clock: ManualClock
  readonly url: string
}

type Respond = (response: ServerResponse) => void

const fresh: Respond = (response) =>
  response.writeHead(200, { 'cache-control': 'max-age=10', etag: '"1"' }).end('hello')

/** Each request is answered by the next of these, the last one again and again. */
async function start(t: TestContext, answers: readonly Respond[], options: TestCacheOptions = {}): Promise<Started> {
  const origin = await startOrigin(t, (_, response) => {
    response.sendDate = false
    answers[Math.min(origin.requests.length, answers.length) - 1]?.(response)
  })
  const clock = new ManualClock()
  const interceptor = { xCache: true, ...options.interceptor }
  const cache = await startCache(t, { clock: clock.now, ...options, interceptor })
  return { ...cache, origin, clock, url: `${origin.url}/a` }
}

function pair({ headers }: Pick<Answer, 'headers'>): string {
  return `${String(headers['x-cache'])}/${String(headers['x-cache-lookup'])}`
}

test('by default there are no such fields, and those of others pass', async (t) => {
  const { get, url } = await start(
    t,
    [(response) => response.writeHead(200, { 'cache-control': 'max-age=10', 'x-cache': 'Hit from a CDN' }).end()],
    { interceptor: { xCache: false } },
  )
  for (let i = 0; i < 2; i++) assert.equal(pair(await get(url)), 'Hit from a CDN/undefined')
})

for (const [where, limits] of [
  ['memory', {}],
  ['the disk', { maxMemory: 0, flushInterval: 0 }],
] as const) {
  test(`a miss is MISS/MISS, a hit out of ${where} HIT/HIT, also as HEAD, part and 304`, async (t) => {
    const { get, url, manager } = await start(t, [fresh], limits)
    assert.equal(pair(await get(url)), 'MISS/MISS')
    await manager.runPendingTasks()
    for (let i = 0; i < 3; i++) assert.equal(pair(await get(url)), 'HIT/HIT')
    assert.equal(pair(await get(url, { method: 'HEAD' })), 'HIT/HIT')
    const part = await get(url, { headers: { range: 'bytes=1-2' } })
    assert.deepEqual([part.statusCode, pair(part)], [206, 'HIT/HIT'])
    const unchanged = await get(url, { headers: { 'if-none-match': '"1"' } })
    assert.deepEqual([unchanged.statusCode, pair(unchanged)], [304, 'HIT/HIT'])
  })
}

test('what may not be stored is MISS/MISS, each time', async (t) => {
  const { get, url } = await start(t, [(response) => response.writeHead(200, { 'cache-control': 'no-store' }).end()])
  for (let i = 0; i < 2; i++) assert.equal(pair(await get(url)), 'MISS/MISS')
})

test('a validation: 304 is HIT/HIT, another response MISS/HIT', async (t) => {
  const { get, url, clock } = await start(t, [
    fresh,
    (response) => response.writeHead(304, { etag: '"1"' }).end(),
    fresh,
  ])
  await get(url)
  clock.pass(20)
  assert.equal(pair(await get(url)), 'HIT/HIT')
  clock.pass(20)
  assert.equal(pair(await get(url)), 'MISS/HIT')
})

test('reload and no-cache are MISS/HIT where something is stored, else MISS/MISS', async (t) => {
  const { get, url, manager } = await start(t, [fresh])
  for (const mode of ['reload', 'no-cache'] as const) {
    const ask = async () => await withCacheOptions({ mode }, async () => pair(await get(url)))
    await manager.clear()
    assert.equal(await ask(), 'MISS/MISS')
    assert.equal(await ask(), 'MISS/HIT')
  }
})

test('a 504 is MISS/MISS; force-cache and only-if-cached HIT/HIT', async (t) => {
  const { get, url, clock } = await start(t, [fresh])
  const ask = (mode: 'only-if-cached' | 'force-cache') => withCacheOptions({ mode }, () => get(url))
  const refused = await ask('only-if-cached')
  assert.deepEqual([refused.statusCode, pair(refused)], [504, 'MISS/MISS'])
  await get(url)
  clock.pass(1000)
  assert.equal(pair(await ask('only-if-cached')), 'HIT/HIT')
  assert.equal(pair(await ask('force-cache')), 'HIT/HIT')
})

test('stale in the place of an error or of no answer is HIT/HIT', async (t) => {
  const failures: readonly Respond[] = [(response) => response.writeHead(503).end(), (response) => response.destroy()]
  for (const fail of failures) {
    const { get, url, clock } = await start(t, [
      (response) => response.writeHead(200, { 'cache-control': 'max-age=10, stale-if-error=100' }).end('hello'),
      fail,
    ])
    await get(url)
    clock.pass(20)
    assert.equal(pair(await get(url)), 'HIT/HIT')
  }
})

test('another variant is MISS/MISS', async (t) => {
  const { get, url } = await start(t, [
    (response) => response.writeHead(200, { 'cache-control': 'max-age=10', vary: 'accept' }).end(),
  ])
  await get(url, { headers: { accept: 'a' } })
  assert.equal(pair(await get(url, { headers: { accept: 'b' } })), 'MISS/MISS')
  assert.equal(pair(await get(url, { headers: { accept: 'a' } })), 'HIT/HIT')
})

test('those who share an answer that is arriving are MISS like the one who asked for it', async (t) => {
  const held = Promise.withResolvers<ServerResponse>()
  const { get, url, origin } = await start(t, [(response) => held.resolve(response)])
  const asked = [get(url), get(url), get(url)]
  fresh(await held.promise)
  assert.deepEqual((await Promise.all(asked)).map(pair), ['MISS/MISS', 'MISS/MISS', 'MISS/MISS'])
  assert.equal(origin.requests.length, 1)
})

test('what caches before have said is replaced, in both forms of headers, with Cache-Status and without', async (t) => {
  for (const cacheStatus of [true, false]) {
    const { get, manager, url } = await start(
      t,
      [
        (response) =>
          response
            .writeHead(200, { 'cache-control': 'max-age=10', 'X-Cache': 'Hit from a CDN', 'X-Cache-Lookup': 'no' })
            .end('hello'),
      ],
      { interceptor: { cacheStatus } },
    )
    assert.equal(pair(await get(url)), 'MISS/MISS')
    assert.equal(pair(await get(url)), 'HIT/HIT')
    // fetch reads the raw form.
    const response = await createFetch(manager, { xCache: true, cacheStatus })(url)
    assert.equal(`${response.headers.get('x-cache')}/${response.headers.get('x-cache-lookup')}`, 'HIT/HIT')
    assert.equal(response.headers.has('cache-status'), cacheStatus)
  }
})

test('it is true or false', async (t) => {
  const { manager } = await start(t, [fresh])
  assert.throws(() => cacheInterceptor(manager, { xCache: 'yes' as never }), InvalidOptionError)
})
