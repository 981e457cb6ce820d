/** fetch's cache modes: truly, through `createFetch`, and for any client below `withCacheOptions`. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { createFetch, withCacheOptions, type CacheMode } from '../../src/index.ts'
import { ManualClock, startCache } from '../helpers/cache.ts'
import { startOrigin } from '../helpers/origin.ts'

/** Each answer says how many requests the origin has had. */
async function start(t: TestContext, control = 'max-age=60') {
  const clock = new ManualClock()
  const origin = await startOrigin(t, (request, response) => {
    response.sendDate = false
    if (request.headers['if-none-match'] === '"e"')
      response.writeHead(304, { etag: '"e"', 'cache-control': control }).end()
    else response.writeHead(200, { etag: '"e"', 'cache-control': control }).end(`answer ${origin.requests.length}`)
  })
  const cache = await startCache(t, { clock: clock.now })
  const url = `${origin.url}/`
  const cachedFetch = createFetch(cache.manager)
  const byFetch = async (mode: CacheMode) =>
    await answer(await cachedFetch(url, { cache: mode as NonNullable<RequestInit['cache']> }))
  const byRequest = async (mode: CacheMode) => {
    const { statusCode, text, cache: status } = await withCacheOptions({ mode }, () => cache.get(url))
    return [statusCode, text, status.split(';')[0]]
  }
  return { origin, clock, url, cachedFetch, ways: { byFetch, byRequest }, ...cache }
}

async function answer(response: Response): Promise<unknown[]> {
  const status = response.headers.get('cache-status') ?? ''
  return [response.status, await response.text(), status.replace('undici-streaming-cache; ', '').split(';')[0]]
}

for (const way of ['byFetch', 'byRequest'] as const) {
  test(`default, no-cache, reload and no-store, ${way}`, async (t) => {
    const { ways, origin } = await start(t)
    const ask = ways[way]
    assert.deepEqual(await ask('no-store'), [200, 'answer 1', ''])
    assert.deepEqual(await ask('default'), [200, 'answer 2', 'fwd=uri-miss'])
    assert.deepEqual(await ask('default'), [200, 'answer 2', 'hit'])
    assert.deepEqual(await ask('no-cache'), [200, 'answer 2', 'fwd=request'])
    assert.equal(origin.requests[2]?.headers['if-none-match'], '"e"')
    assert.deepEqual(await ask('no-store'), [200, 'answer 4', ''])
    assert.deepEqual(await ask('default'), [200, 'answer 2', 'hit'], 'no-store stores nothing')
    assert.deepEqual(await ask('reload'), [200, 'answer 5', 'fwd=request'])
    assert.equal(origin.requests[4]?.headers['if-none-match'], undefined)
    assert.deepEqual(await ask('default'), [200, 'answer 5', 'hit'])
  })

  test(`force-cache and only-if-cached, ${way}`, async (t) => {
    const { ways, clock, origin } = await start(t)
    const ask = ways[way]
    assert.deepEqual(await ask('only-if-cached'), [504, '', ''])
    assert.deepEqual(await ask('force-cache'), [200, 'answer 1', 'fwd=uri-miss'])
    clock.pass(1000)
    assert.deepEqual(await ask('force-cache'), [200, 'answer 1', 'hit'])
    assert.deepEqual(await ask('only-if-cached'), [200, 'answer 1', 'hit'])
    assert.equal(origin.requests.length, 1)
  })
}

test('ignore-rules stores what no rule allows, for those that ask for it', async (t) => {
  const { ways, origin } = await start(t, 'no-store')
  assert.deepEqual(await ways.byRequest('ignore-rules'), [200, 'answer 1', 'fwd=uri-miss'])
  assert.deepEqual(await ways.byRequest('ignore-rules'), [200, 'answer 1', 'hit'])
  assert.deepEqual(await ways.byRequest('default'), [200, 'answer 2', 'fwd=uri-miss'])
  assert.deepEqual(await ways.byRequest('force-cache'), [200, 'answer 3', 'fwd=uri-miss'])
  assert.equal(origin.requests.length, 3)
})

test('a Request brings its mode along, and a body and headers of init stay', async (t) => {
  const { cachedFetch, url, origin } = await start(t)
  assert.equal(await (await cachedFetch(new Request(url))).text(), 'answer 1')
  assert.equal(await (await cachedFetch(new Request(url, { cache: 'reload' }))).text(), 'answer 2')
  await (await cachedFetch(url, { method: 'POST', body: 'x', headers: { 'x-mine': '1' } })).text()
  assert.equal(origin.requests[2]?.method, 'POST')
  assert.equal(origin.requests[2]?.headers['x-mine'], '1')
})

test('a wrong mode says so', () => {
  const options: object = { mode: 'no-such-mode' }
  assert.throws(() => withCacheOptions(options, () => {}), { code: 'USC_ERR_INVALID_OPTION', option: 'mode' })
  const misspelt: object = { modus: 'default' }
  assert.throws(() => withCacheOptions(misspelt, () => {}), { code: 'USC_ERR_INVALID_OPTION', option: 'modus' })
})
