/** Options for single requests, by all ways that reach a dispatcher: own field, withCacheOptions, withCache, headers. */
import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { test, type TestContext } from 'node:test'
import * as undici8 from 'undici'
import * as undici7 from 'undici7'
import {
  cacheInterceptor,
  createFetch,
  withCache,
  withCacheOptions,
  type CacheInterceptorOptions,
  type RequestCacheOptions,
} from '../../src/index.ts'
import { entriesOf, ManualClock, startCache } from '../helpers/cache.ts'
import { noteFaults } from '../helpers/faults.ts'
import { restoreGlobals } from '../helpers/globals.ts'
import { startOrigin } from '../helpers/origin.ts'
import { control, stage, type Reply } from '../rfc9111/stage.ts'

type Undici = typeof undici8
const generations = { 'undici 8': undici8, 'undici 7': undici7 as unknown as Undici }

interface Asked {
  readonly url: string
  readonly dispatcher: undici8.Dispatcher
  readonly undici: Undici
  readonly options: RequestCacheOptions
}

/** Each asks once, and says what Cache-Status says. */
const ways: Record<string, (asked: Asked) => Promise<string>> = {
  'httpCache of request()': async ({ url, dispatcher, undici, options }) => {
    const { headers, body } = await undici.request(url, { dispatcher, httpCache: options })
    await body.dump()
    return String(headers['cache-status'])
  },
  'httpCache of stream()': async ({ url, dispatcher, undici, options }) => {
    let status = ''
    await undici.stream(url, { dispatcher, method: 'GET', httpCache: options }, ({ headers }) => {
      status = String((headers as Record<string, unknown>)['cache-status'])
      return new Writable({ write: (_, __, done) => done() })
    })
    return status
  },
  'httpCache of pipeline()': async ({ url, dispatcher, undici, options }) => {
    let status = ''
    const asked = { dispatcher, method: 'GET' as const, httpCache: options }
    const duplex = undici.pipeline(url, asked, ({ headers, body }) => {
      status = String((headers as Record<string, unknown>)['cache-status'])
      return body
    })
    await buffer(duplex.end())
    return status
  },
  'httpCache of dispatch()': async ({ url, dispatcher, options }) => {
    const { origin, pathname } = new URL(url)
    return await new Promise((resolve, reject) => {
      let status = ''
      const asked = { origin, path: pathname, method: 'GET' as const, httpCache: options }
      dispatcher.dispatch(asked, {
        onRequestStart: () => {},
        onResponseStart: (_, __, headers) => void (status = String(headers['cache-status'])),
        onResponseData: () => {},
        onResponseEnd: () => resolve(status),
        onResponseError: (_, error) => reject(error),
      })
    })
  },
  'withCacheOptions, below request()': async ({ url, dispatcher, undici, options }) =>
    await withCacheOptions(options, async () => {
      const { headers, body } = await undici.request(url, { dispatcher })
      await body.dump()
      return String(headers['cache-status'])
    }),
  "withCacheOptions, below Node's fetch": async ({ url, dispatcher, options }) =>
    await withCacheOptions(options, async () => await status(await fetch(url, { dispatcher } as object))),
  "withCache and a dispatcher, Node's fetch": async ({ url, dispatcher, options }) =>
    await status(await fetch(url, { dispatcher: withCache(options, dispatcher) } as object)),
  'withCache and a dispatcher, its fetch': async ({ url, dispatcher, undici, options }) =>
    await status(await undici.fetch(url, { dispatcher: withCache(options, dispatcher) })),
  'withCache and a dispatcher, request()': async ({ url, dispatcher, undici, options }) => {
    const { headers, body } = await undici.request(url, { dispatcher: withCache(options, dispatcher) })
    await body.dump()
    return String(headers['cache-status'])
  },
  'withCache and a dispatcher, a method of it': async ({ url, dispatcher, options }) => {
    const { origin, pathname } = new URL(url)
    const { headers, body } = await withCache(options, dispatcher).request({ origin, path: pathname, method: 'GET' })
    await body.dump()
    return String(headers['cache-status'])
  },
  "withCache alone, Node's fetch": async ({ url, dispatcher, undici, options }) => {
    undici.setGlobalDispatcher(dispatcher)
    return await status(await fetch(url, { dispatcher: withCache(options) }))
  },
  'withCache alone, its fetch': async ({ url, dispatcher, undici, options }) => {
    undici.setGlobalDispatcher(dispatcher)
    return await status(await undici.fetch(url, { dispatcher: withCache(options) } as object))
  },
  'withCache alone, request()': async ({ url, dispatcher, undici, options }) => {
    undici.setGlobalDispatcher(dispatcher)
    const { headers, body } = await undici.request(url, { dispatcher: withCache(options) } as object)
    await body.dump()
    return String(headers['cache-status'])
  },
}

async function status(response: { headers: { get(name: string): string | null }; text(): Promise<string> }) {
  await response.text()
  return String(response.headers.get('cache-status'))
}

for (const [name, undici] of Object.entries(generations)) {
  for (const [way, ask] of Object.entries(ways)) {
    test(`${way}, ${name}`, async (t) => {
      restoreGlobals(t)
      const clock = new ManualClock()
      const origin = await startOrigin(t, (_, response) => response.writeHead(200, control('max-age=60').fields).end())
      const { manager } = await startCache(t, { clock: clock.now })
      const agent = new undici.Agent()
      t.after(() => agent.destroy())
      const dispatcher = agent.compose(cacheInterceptor(manager))
      const asked = { url: `${origin.url}/`, dispatcher, undici }
      assert.match(await ask({ ...asked, options: { maxTtl: 10, tags: ['a'] } }), /fwd=uri-miss; stored/)
      assert.match(await ask({ ...asked, options: {} }), /hit; ttl=10/)
      assert.match(await ask({ ...asked, options: { mode: 'reload', ttl: 20 } }), /fwd=request; stored/)
      assert.match(await ask({ ...asked, options: {} }), /hit; ttl=20/)
      const tags = (await entriesOf(manager)).map((entry) => entry.tags)
      assert.deepEqual(tags, [[]])
      assert.match(await ask({ ...asked, options: { key: () => 'mine', tags: ['b'] } }), /fwd=uri-miss; stored/)
      assert.equal(await manager.purge({ tag: 'b' }), 1)
    })
  }
}

async function start(t: TestContext, reply: Reply, interceptor: CacheInterceptorOptions = {}) {
  const started = await stage(t, reply, { interceptor })
  const { dispatcher } = started.cache
  const ask = async (options: unknown, path = '/') => {
    const asked = { dispatcher, httpCache: options as RequestCacheOptions }
    const { headers, body } = await undici8.request(started.origin.url + path, asked)
    await body.dump()
    return String(headers['cache-status']).replace('undici-streaming-cache; ', '')
  }
  return { ...started, ask }
}

test('a request goes before rules and rules before the interceptor, each option by itself', async (t) => {
  const { ask } = await start(t, control('max-age=1000'), {
    maxTtl: 100,
    minTtl: 1,
    rules: [{ path: '/ruled', maxTtl: 50 }],
  })
  const ttlOf = async (path: string, options?: RequestCacheOptions) => {
    await ask(options, path)
    return await ask(undefined, path)
  }
  assert.equal(await ttlOf('/plain'), 'hit; ttl=100')
  assert.equal(await ttlOf('/ruled'), 'hit; ttl=50')
  assert.equal(await ttlOf('/ruled', { mode: 'reload', maxTtl: 20 }), 'hit; ttl=20')
  assert.equal(await ttlOf('/ruled', { mode: 'reload', ttl: 70 }), 'hit; ttl=50', 'the cap of the rule holds')
  assert.equal(await ttlOf('/ruled', { mode: 'reload', ttl: 70, maxTtl: 80 }), 'hit; ttl=70')
})

test('the field goes before withCacheOptions, and the inner one of these before the outer', async (t) => {
  const { ask, cache } = await start(t, control('max-age=1000'))
  await withCacheOptions({ maxTtl: 50, tags: ['outer'], mode: 'reload' }, () =>
    withCacheOptions({ tags: ['inner'] }, async () => {
      assert.equal(await ask({ maxTtl: 20, tags: ['own'] }), 'fwd=request; stored')
      assert.equal(await ask({ mode: 'default' }), 'hit; ttl=20')
      await withCacheOptions({ maxTtl: 30 }, () => ask(undefined))
      assert.equal(await ask({ mode: 'default' }), 'hit; ttl=30')
      assert.equal(await ask({ mode: 'default' }), 'hit; ttl=30')
    }),
  )
  const [entry] = await entriesOf(cache.manager)
  assert.deepEqual(entry?.tags, ['inner', 'outer'])
})

test('withCache within withCache, and a field of the request with it', async (t) => {
  const { cache, origin } = await start(t, control('max-age=1000'))
  const outer = withCache({ ttl: 10 }, withCache({ ttl: 20, maxTtl: 5 }, cache.dispatcher))
  const ask = async (options?: unknown) => {
    const { headers, body } = await undici8.request(origin.url, {
      dispatcher: outer,
      httpCache: options as RequestCacheOptions,
    })
    await body.dump()
    return String(headers['cache-status'])
  }
  await ask()
  assert.match(await ask(), /hit; ttl=5$/)
  await ask({ mode: 'reload', maxTtl: 100 })
  assert.match(await ask(), /hit; ttl=10$/)
  const faults = noteFaults(t)
  assert.match(await ask({ ttl: 'x' }), /hit/)
  assert.equal(faults.length, 1)
})

test('withCache does not hand itself on: undici 8 refuses a dispatcher among the options', () => {
  const seen: object[] = []
  const below = {
    dispatch(options: object) {
      seen.push(options)
      return true
    },
  }
  const dispatcher: { dispatch(options: object, handler: object): boolean } = withCache({ ttl: 1 }, below)
  dispatcher.dispatch({ origin: 'http://a.test', path: '/', method: 'GET', dispatcher }, {})
  assert.deepEqual(Object.keys(seen[0] ?? {}), ['origin', 'path', 'method', 'httpCache'])
})

test('tags of a request come beside those of the interceptor, 256 in all', async (t) => {
  const many = Array.from({ length: 255 }, (_, i) => `t${i}`)
  const { ask, cache } = await start(t, control('max-age=60', { 'cache-tag': 'field' }), {
    tagsHeader: 'cache-tag',
    tags: () => ['function'],
  })
  await ask({ tags: ['own', 'own'] })
  await ask({ tags: many }, '/many')
  const tags = (await entriesOf(cache.manager)).map((entry) => entry.tags)
  assert.deepEqual(
    tags.toSorted((a, b) => a.length - b.length),
    [
      ['own', 'field', 'function'],
      [...many, 'field'],
    ],
  )
})

test('ignoreQuery and key of a request go before those of the interceptor', async (t) => {
  const { ask, cache, origin } = await start(t, control('max-age=60'), {
    ignoreQuery: ['a'],
    key: ({ url }) => (url.includes('b=') ? 'interceptor' : undefined),
  })
  await ask({ ignoreQuery: ['c'] }, '/1?a=1&c=1')
  await ask({ key: () => 'request' }, '/2?b=1')
  await ask({ key: () => undefined, ignoreQuery: ['b'] }, '/3?b=1')
  await ask({}, '/4?b=1')
  const keys = (await entriesOf(cache.manager)).map(({ key }) => key.replace(origin.url, ''))
  assert.deepEqual(keys.toSorted(), ['/#key=interceptor', '/#key=request', '/1?a=1', '/3'])
})

test('an unsafe request with a key invalidates what that names', async (t) => {
  const { ask, cache, origin } = await start(t, control('max-age=60'))
  await ask({ key: () => 'mine' })
  await ask({ key: () => 'other' })
  const deletion = { dispatcher: cache.dispatcher, method: 'DELETE' as const }
  const { body } = await withCacheOptions({ key: () => 'mine' }, () => undici8.request(origin.url, deletion))
  await body.dump()
  const keys = (await entriesOf(cache.manager)).map(({ key }) => key.replace(origin.url, ''))
  assert.deepEqual(keys, ['/#key=other'])
})

test('staleIfError and staleWhileRevalidate of a request hold for what it is answered by', async (t) => {
  const respond = (_: unknown, count: number): Reply => (count === 1 ? control('max-age=10') : { status: 503 })
  const { cache, origin, clock } = await stage(t, respond, { interceptor: { staleIfError: 5 } })
  const ask = async (options?: RequestCacheOptions) => {
    const { statusCode, body } = await withCacheOptions(options ?? {}, () =>
      undici8.request(origin.url, { dispatcher: cache.dispatcher }),
    )
    await body.dump()
    return statusCode
  }
  await ask()
  clock.pass(20)
  assert.equal(await ask(), 503)
  assert.equal(await ask({ staleIfError: 60 }), 200)
  assert.equal(await ask({ staleWhileRevalidate: 60 }), 200)
  clock.pass(1)
  assert.equal(await ask({ staleIfError: 0 }), 503)
})

test('a lifetime of a request is that of what it stores, not of what it is answered by', async (t) => {
  const { ask, clock } = await start(t, control('max-age=100'))
  await ask(undefined)
  clock.pass(50)
  assert.equal(await ask({ maxTtl: 10 }), 'hit; ttl=50')
})

const wrongOptions: readonly [option: string, options: unknown][] = [
  ['options', null],
  ['options', 'reload'],
  ['mode', { mode: 'none' }],
  ['modus', { modus: 'default' }],
  ['ttl', { ttl: -1 }],
  ['minTtl', { minTtl: 2, maxTtl: 1 }],
  ['maxTtl', { maxTtl: '60' }],
  ['staleIfError', { staleIfError: 1.5 }],
  ['staleWhileRevalidate', { staleWhileRevalidate: -1 }],
  ['tags', { tags: 'a' }],
  ['tags', { tags: [''] }],
  ['tags', { tags: Array.from({ length: 257 }, String) }],
  ['key', { key: 'mine' }],
  ['ignoreQuery', { ignoreQuery: 'a' }],
  ['negativeTtl', { negativeTtl: 1 }],
]

for (const [option, options] of wrongOptions) {
  test(`${JSON.stringify(options)?.slice(0, 60)} throws, but in a request's own field it is an event`, async (t) => {
    const expected = { code: 'USC_ERR_INVALID_OPTION', option }
    assert.throws(() => withCacheOptions(options as RequestCacheOptions, () => {}), expected)
    assert.throws(() => withCache(options as RequestCacheOptions), expected)
    const faults = noteFaults(t)
    const { ask } = await start(t, control('max-age=60'))
    assert.equal(await ask(options), 'fwd=uri-miss; stored')
    assert.equal(await withCacheOptions({ mode: 'reload' }, () => ask(options)), 'fwd=request; stored')
    assert.equal(faults.length, 2)
    for (const { operation, error } of faults) {
      assert.equal(operation, 'httpCache')
      assert.equal((error as { option?: string }).option, option)
    }
  })
}

test('256 tags are taken', () => {
  assert.equal(
    withCacheOptions({ tags: Array.from({ length: 256 }, String) }, () => 'ran'),
    'ran',
  )
})

test('createFetch: its own mode goes first, and without one that of withCacheOptions and of the interceptor', async (t) => {
  const { cache, origin } = await start(t, control('max-age=60'))
  const offline = createFetch(cache.manager, { mode: 'only-if-cached' })
  assert.equal((await offline(origin.url)).status, 504)
  assert.equal((await offline(origin.url, { cache: 'default' })).status, 200)
  assert.equal((await offline(new Request(origin.url))).status, 200, 'stored now')
  const online = createFetch(cache.manager)
  const reloaded = await withCacheOptions({ mode: 'reload' }, () => online(new Request(origin.url)))
  assert.match(String(reloaded.headers.get('cache-status')), /fwd=request/)
})

test('request headers count as the standard has them, beside all of it', async (t) => {
  const { get, clock } = await stage(t, control('max-age=60'), { interceptor: { ttl: 10 } })
  assert.equal((await get('/', { 'cache-control': 'only-if-cached' })).statusCode, 504)
  assert.doesNotMatch((await get('/', { 'cache-control': 'no-store' })).cache, /stored/)
  assert.equal((await get('/')).cache, 'fwd=uri-miss; stored')
  clock.pass(10)
  assert.equal((await get('/', { 'cache-control': 'max-stale=5' })).cache, 'hit; ttl=0')
  assert.equal((await get('/', { 'cache-control': 'only-if-cached' })).statusCode, 504)
  assert.equal((await get('/', { 'cache-control': 'only-if-cached, max-stale' })).cache, 'hit; ttl=0')
  assert.match((await get('/', { 'cache-control': 'min-fresh=1' })).cache, /^fwd=stale/)
  assert.match((await get('/', { 'cache-control': 'min-fresh=11' })).cache, /^fwd=request/)
  assert.match((await get('/', { 'cache-control': 'no-cache' })).cache, /^fwd=request/)
})
