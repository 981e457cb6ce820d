/** The option `context`: what undici's callers find in `context.cache`. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Writable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { test, type TestContext } from 'node:test'
import * as undici8 from 'undici'
import * as undici7 from 'undici7'
import {
  cacheInterceptor,
  createFetch,
  InvalidOptionError,
  StreamingManager,
  withCacheOptions,
  type CacheContext,
  type CacheInterceptorOptions,
  type CacheStatus,
} from '../../src/index.ts'
import { startOrigin } from '../helpers/origin.ts'

type Undici = typeof undici8

interface Started {
  readonly url: string
  readonly manager: StreamingManager
  readonly dispatcher: undici8.Dispatcher
  readonly agent: undici8.Agent
  /** What the caller finds, and whether it sees Cache-Status. */
  readonly ask: (
    path?: string,
    method?: 'GET' | 'POST',
  ) => Promise<[cache: CacheStatus | undefined, field: string | undefined]>
}

async function start(t: TestContext, undici: Undici, options: CacheInterceptorOptions): Promise<Started> {
  const origin = await startOrigin(t, (request, response) => {
    if (request.url === '/moved') response.writeHead(302, { location: '/a' }).end()
    else response.writeHead(200, { 'cache-control': 'max-age=60', 'cache-status': 'cdn; hit' }).end('hello')
  })
  const manager = await StreamingManager.temporary()
  const agent = new undici.Agent()
  t.after(async () => {
    await agent.destroy()
    await manager.close()
  })
  const dispatcher = agent.compose(cacheInterceptor(manager, options))
  return {
    url: origin.url,
    manager,
    agent,
    dispatcher,
    ask: async (path = '/a', method = 'GET') => {
      const { headers, body, context } = await undici.request(origin.url + path, { dispatcher, method })
      await buffer(body)
      const field = headers['cache-status']
      return [(context as CacheContext | null)?.cache, field === undefined ? field : [field].flat().join(', ')]
    },
  }
}

const NAME = 'undici-streaming-cache'
const MISS = { cache: NAME, hit: false, stored: true, collapsed: false, fwd: 'uri-miss' }
const HIT = { cache: NAME, hit: true, stored: false, collapsed: false, ttl: 60 }

for (const [generation, undici] of [
  ['undici 8', undici8],
  ['undici 7', undici7 as unknown as Undici],
] as const) {
  test(`${generation}: request() finds what Cache-Status says`, async (t) => {
    const { ask } = await start(t, undici, { context: true })
    assert.deepEqual(await ask(), [MISS, `cdn; hit, ${NAME}; fwd=uri-miss; stored`])
    const [cache, field] = await ask()
    assert.deepEqual({ ...cache, ttl: 60 }, HIT)
    assert.match(field ?? '', /^cdn; hit, undici-streaming-cache; hit; ttl=\d+$/)
    const [unsafe] = await ask('/a', 'POST')
    assert.deepEqual(unsafe, { cache: NAME, hit: false, stored: false, collapsed: false, fwd: 'method' })
  })

  test(`${generation}: without the option there is none; with cacheStatus: false the field is not shown`, async (t) => {
    const plain = await start(t, undici, {})
    assert.equal((await plain.ask())[0], undefined)
    const { ask, manager, url } = await start(t, undici, { context: true, cacheStatus: false, xCache: true })
    assert.deepEqual(await ask(), [MISS, 'cdn; hit'])
    const [cache, field] = await ask()
    assert.deepEqual([{ ...cache, ttl: 60 }, field], [HIT, 'cdn; hit'])
    // fetch reads the raw form.
    const response = await createFetch(manager, { context: true, cacheStatus: false, xCache: true })(`${url}/a`)
    assert.deepEqual([response.headers.get('cache-status'), response.headers.get('x-cache')], ['cdn; hit', 'HIT'])
  })

  test(`${generation}: a 504, which has no Cache-Status, has a context all the same`, async (t) => {
    const { ask } = await start(t, undici, { context: true })
    const [cache, field] = await withCacheOptions({ mode: 'only-if-cached' }, ask)
    assert.deepEqual([cache, field], [{ cache: NAME, hit: false, stored: false, collapsed: false }, undefined])
  })

  test(`${generation}: below redirects it is that of the last response, beside their history`, async (t) => {
    const { dispatcher, url, ask } = await start(t, undici, { context: true })
    await ask()
    const redirecting = dispatcher.compose(undici.interceptors.redirect({ maxRedirections: 3 }))
    const { body, context } = await undici.request(`${url}/moved`, { dispatcher: redirecting })
    assert.equal(await body.text(), 'hello')
    const { cache, history } = context as CacheContext & { history: URL[] }
    assert.deepEqual([cache.hit, history.map(({ pathname }) => pathname)], [true, ['/moved', '/a']])
  })

  test(`${generation}: stream() and pipeline() have it, too`, async (t) => {
    const { dispatcher, url } = await start(t, undici, { context: true })
    const hits: boolean[] = []
    const options = { dispatcher, method: 'GET' } as const
    for (let i = 0; i < 2; i++) {
      await undici.stream(`${url}/a`, options, ({ context }) => {
        hits.push((context as CacheContext).cache.hit)
        return new Writable({ write: (_chunk, _encoding, callback) => callback() })
      })
    }
    const duplex = undici.pipeline(`${url}/a`, options, ({ body, context }) => {
      hits.push((context as CacheContext).cache.hit)
      return body
    })
    duplex.end().resume()
    await once(duplex, 'end')
    assert.deepEqual(hits, [false, true, true])
  })
}

test('it is true or false', async (t) => {
  const { manager } = await start(t, undici8, {})
  assert.throws(() => cacheInterceptor(manager, { context: 1 as never }), InvalidOptionError)
})
