/** Which requests the cache takes, in every form that callers give them, and which it lets pass. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { request } from 'undici'
import { cacheInterceptor, InvalidOptionError, type CacheInterceptorOptions } from '../../src/index.ts'
import { startCache, type TestCacheOptions } from '../helpers/cache.ts'
import { startOrigin } from '../helpers/origin.ts'

async function start(t: TestContext, options?: TestCacheOptions) {
  const origin = await startOrigin(t, (request, response) => {
    response
      .writeHead(200, { 'cache-control': 'max-age=60', vary: 'x-v' })
      .end(`${request.url} ${String(request.headers['x-v'])}`)
  })
  return { origin, ...(await startCache(t, options)) }
}

test('headers in every form give the same request', async (t) => {
  const { origin, dispatcher } = await start(t)
  const forms = [
    { 'x-v': '1' },
    { 'X-V': ['1'] },
    ['x-v', '1'],
    [['x-v', '1']] as unknown as string[],
    new Headers({ 'x-v': '1' }) as unknown as Record<string, string>,
    new Map([['x-v', '1']]) as unknown as Record<string, string>,
    { 'x-v': 1 } as unknown as Record<string, string>,
    { 'x-v': '1', other: undefined },
  ]
  for (const [i, headers] of forms.entries()) {
    const { body } = await request(origin.url, { dispatcher, headers })
    assert.equal(await body.text(), '/ 1')
    assert.equal(origin.requests.length, 1, `form ${i}`)
  }
})

test('the origin is compared by scheme, host and port, the path byte for byte, and the query counts', async (t) => {
  const { origin, dispatcher } = await start(t)
  const { port } = new URL(origin.url)
  const ask = async (options: { origin: string | URL; path: string; query?: Record<string, unknown> }) => {
    const { body } = await dispatcher.request({ method: 'GET', ...options })
    await body.dump()
    return origin.requests.length
  }
  assert.equal(await ask({ origin: origin.url, path: '/a' }), 1)
  assert.equal(await ask({ origin: new URL(origin.url), path: '/a' }), 1)
  assert.equal(await ask({ origin: `HTTP://127.0.0.1:${port}`, path: '/a' }), 1)
  assert.equal(await ask({ origin: origin.url, path: '/A' }), 2)
  assert.equal(await ask({ origin: origin.url, path: '/a?' }), 3)
  assert.equal(await ask({ origin: origin.url, path: '/a', query: { x: '1' } }), 4)
  assert.equal(await ask({ origin: origin.url, path: '/a?x=1' }), 4)
  assert.equal(await ask({ origin: origin.url, path: '/a', query: { x: '2' } }), 5)
})

test('conditions for the origin, and a GET with content, pass by', async (t) => {
  const { origin, get } = await start(t)
  await get(`${origin.url}/`)
  for (const name of ['if-match', 'if-unmodified-since']) {
    const { cache } = await get(`${origin.url}/`, { headers: { [name]: '"x"' } })
    assert.equal(cache, '', name)
  }
  assert.equal((await get(`${origin.url}/`, { method: 'GET', body: '{"query":1}' })).cache, '')
  assert.equal(origin.requests.length, 4)
  assert.match((await get(`${origin.url}/`)).cache, /^hit/)
})

test('only the origins of the list are cached', async (t) => {
  const listed = await start(t)
  const { origin } = listed
  const cases: [CacheInterceptorOptions['origins'], boolean][] = [
    [[origin.url], true],
    [[`${origin.url.toUpperCase()}/`], true],
    [[/^http:\/\/127\.0\.0\.1:/g], true],
    [['https://example.com'], false],
    [[], false],
  ]
  for (const [i, [origins, isCached]] of cases.entries()) {
    const { get } = await startCache(t, { interceptor: { origins: origins ?? [] } })
    await get(`${origin.url}/${i}`)
    assert.equal((await get(`${origin.url}/${i}`)).cache.startsWith('hit'), isCached, `case ${i}`)
  }
})

test('only the methods of the list are cached', async (t) => {
  const { origin, get } = await start(t, { interceptor: { methods: ['GET'] } })
  await get(`${origin.url}/`, { method: 'HEAD' })
  await get(`${origin.url}/`, { method: 'HEAD' })
  assert.equal(origin.requests.length, 2)
})

test('cacheByDefault gives a lifetime where the response says nothing', async (t) => {
  const origin = await startOrigin(t, (_, response) => response.writeHead(200).end('body'))
  const without = await startCache(t)
  await without.get(`${origin.url}/`)
  assert.match((await without.get(`${origin.url}/`)).cache, /^fwd=uri-miss$/)
  const withDefault = await startCache(t, { interceptor: { cacheByDefault: 60 } })
  await withDefault.get(`${origin.url}/`)
  assert.match((await withDefault.get(`${origin.url}/`)).cache, /^hit; ttl=(59|60)$/)
})

test('targets: a targeted field goes before Cache-Control and Expires, where it is valid (RFC 9213)', async (t) => {
  const cases: [fields: Record<string, string>, targets: string[], isHit: boolean][] = [
    [{ 'cdn-cache-control': 'no-store', 'cache-control': 'max-age=60' }, [], true],
    [{ 'cdn-cache-control': 'no-store', 'cache-control': 'max-age=60' }, ['CDN-Cache-Control'], false],
    [{ 'cdn-cache-control': 'max-age=60', 'cache-control': 'no-store' }, ['CDN-Cache-Control'], true],
    [{ 'cdn-cache-control': 'max-age=60;x=1', expires: '0' }, ['CDN-Cache-Control'], true],
    [{ 'cdn-cache-control': 'max-age=0', 'cache-control': 'max-age=60' }, ['CDN-Cache-Control'], false],
    [{ 'cdn-cache-control': 'max-age=60, &&&', 'cache-control': 'no-store' }, ['CDN-Cache-Control'], false],
    [{ 'cdn-cache-control': 'Max-Age=60', 'cache-control': 'no-store' }, ['CDN-Cache-Control'], false],
    [{ 'cdn-cache-control': 'max-age="60"', 'cache-control': 'max-age=60' }, ['CDN-Cache-Control'], false],
    [{ 'cdn-cache-control': '', 'cache-control': 'max-age=60' }, ['CDN-Cache-Control'], true],
    [{ 'cdn-cache-control': 'private, max-age=60' }, ['CDN-Cache-Control'], false],
    [
      { 'my-cache-control': 'max-age=60', 'cdn-cache-control': 'no-store' },
      ['My-Cache-Control', 'CDN-Cache-Control'],
      true,
    ],
  ]
  for (const [fields, targets, isHit] of cases) {
    const origin = await startOrigin(t, (_, response) => response.writeHead(200, fields).end())
    const { get } = await startCache(t, { interceptor: { targets } })
    await get(origin.url)
    const { cache, headers } = await get(origin.url)
    assert.equal(cache.startsWith('hit'), isHit, JSON.stringify(fields))
    for (const [name, value] of Object.entries(fields)) assert.equal(headers[name], value, 'fields pass as they came')
  }
})

test('cacheStatus: false adds nothing', async (t) => {
  const { origin, get } = await start(t, { interceptor: { cacheStatus: false } })
  assert.equal((await get(`${origin.url}/`)).headers['cache-status'], undefined)
  assert.equal((await get(`${origin.url}/`)).headers['cache-status'], undefined)
})

test('what caches before have said in Cache-Status is kept, ours comes last, and it is not stored', async (t) => {
  const origin = await startOrigin(t, (_, response) => {
    response.writeHead(200, { 'cache-control': 'max-age=60', 'cache-status': 'upstream; hit' }).end()
  })
  const { get } = await startCache(t)
  assert.equal(
    (await get(`${origin.url}/`)).headers['cache-status'],
    'upstream; hit, undici-streaming-cache; fwd=uri-miss; stored',
  )
  for (const _ of [1, 2]) {
    const status = [(await get(`${origin.url}/`)).headers['cache-status']].flat().join(', ')
    assert.match(status, /^upstream; hit, undici-streaming-cache; hit; ttl=\d+$/)
  }
})

test('a closed manager is no cache: requests pass', async (t) => {
  const { origin, get, manager } = await start(t)
  await get(`${origin.url}/`)
  await manager.close()
  const { cache, text } = await get(`${origin.url}/`)
  assert.equal(cache, '')
  assert.equal(text, '/ undefined')
})

const wrong: [string, unknown][] = [
  ['type', 'public'],
  ['methods', ['POST']],
  ['methods', []],
  ['origins', 'https://example.com'],
  ['origins', ['https://example.com/path']],
  ['origins', [42]],
  ['cacheByDefault', -1],
  ['cacheByDefault', 1.5],
  ['cacheStatus', 'yes'],
  ['staleWhenUnreachable', 1],
  ['targets', ['X-Other']],
  ['targets', 'CDN-Cache-Control'],
  ['noVarySearch', 'yes'],
  ['finishAborted', 1],
  ['collapse', 'no'],
  ['partition', ''],
  ['partition', '\ud800'],
  ['partition', 7],
  ['cacheBydefault', 60],
]

test('wrong options say what was expected and what came', async (t) => {
  const { manager } = await start(t)
  for (const [name, value] of wrong) {
    assert.throws(
      () => cacheInterceptor(manager, { [name]: value }),
      (error) =>
        error instanceof InvalidOptionError &&
        error.option.startsWith(name) &&
        /^Expected `.+` to be .+, got .+/.test(error.message),
      `${name}: ${JSON.stringify(value)}`,
    )
  }
  assert.throws(() => cacheInterceptor({} as never), { code: 'USC_ERR_INVALID_OPTION', option: 'manager' })
  assert.throws(() => cacheInterceptor(manager, null as never), { code: 'USC_ERR_INVALID_OPTION' })
})
