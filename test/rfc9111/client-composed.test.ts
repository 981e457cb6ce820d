/** What no RFC says and a cache in a client breaks on: undici's other interceptors, below the cache and above it. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test, type TestContext } from 'node:test'
import { gzipSync } from 'node:zlib'
import { Agent, interceptors, request, type Dispatcher } from 'undici'
import { cacheInterceptor } from '../../src/index.ts'
import { leftovers } from '../helpers/directory.ts'
import { control, stage, type Reply, type Respond, type Stage } from './stage.ts'

const SIDES = ['below', 'above'] as const
const TEXT = 'the same again and again '.repeat(4000)

/** The cache of a stage with another interceptor on this side of it: what a request through both is answered. */
async function composed(
  t: TestContext,
  side: (typeof SIDES)[number],
  interceptor: Dispatcher.DispatcherComposeInterceptor,
  script: Reply | Respond,
): Promise<Stage & { ask: (path?: string) => Promise<{ statusCode: number; text: string; isHit: boolean }> }> {
  const staged = await stage(t, script)
  const agent = new Agent()
  t.after(() => agent.destroy())
  const cache = cacheInterceptor(staged.cache.manager)
  const dispatcher = side === 'below' ? agent.compose(interceptor, cache) : agent.compose(cache, interceptor)
  const ask = async (path = '/') => {
    const { statusCode, headers, body } = await request(staged.origin.url + path, { dispatcher })
    const text = await body.text()
    await staged.cache.manager.runPendingTasks()
    return { statusCode, text, isHit: String(headers['cache-status']).includes('; hit') }
  }
  return { ...staged, ask }
}

const redirecting: Respond = ({ url }) =>
  url === '/target'
    ? { ...control('max-age=60'), body: 'target' }
    : { status: 302, ...control('max-age=60', { location: '/target' }) }

test('[K.5] redirect above the cache: each hop is stored under its own URL', async (t) => {
  const { ask, get, count } = await composed(t, 'above', interceptors.redirect({ maxRedirections: 2 }), redirecting)
  for (const isHit of [false, true]) assert.deepEqual(await ask(), { statusCode: 200, text: 'target', isHit })
  assert.equal(count(), 2)
  assert.equal((await get('/')).statusCode, 302)
  assert.equal((await get('/target')).text, 'target')
  assert.equal(count(), 2)
})

test('[K.5] redirect below the cache: the answer is another URL’s, and is stored for none', async (t) => {
  const { ask, get, count, cache } = await composed(
    t,
    'below',
    interceptors.redirect({ maxRedirections: 2 }),
    redirecting,
  )
  for (let turn = 0; turn < 2; turn++) assert.deepEqual(await ask(), { statusCode: 200, text: 'target', isHit: false })
  assert.equal(count(), 4)
  assert.equal(cache.manager.entryCount, 0)
  assert.equal((await get('/')).statusCode, 302)
})

const RETRY = { maxRetries: 2, minTimeout: 1, maxTimeout: 1, timeoutFactor: 1 }

for (const side of SIDES) {
  test(`[K.5] retry ${side} the cache: what the last attempt brings is stored`, async (t) => {
    const { ask, count, cache } = await composed(t, side, interceptors.retry(RETRY), (_request, n) =>
      n < 3 ? { status: 503, ...control('no-store'), body: 'failing' } : { ...control('max-age=60'), body: TEXT },
    )
    for (const isHit of [false, true]) assert.deepEqual(await ask(), { statusCode: 200, text: TEXT, isHit })
    assert.equal(count(), 3)
    assert.equal(cache.manager.entryCount, 1)
  })

  test(`[K.5] retry ${side} the cache: a body that breaks off half way arrives whole`, async (t) => {
    const body = Buffer.from(TEXT)
    const { ask, get, cache } = await composed(t, side, interceptors.retry(RETRY), ({ headers }, count, response) => {
      const from = Number(/^bytes=(\d+)-/.exec(headers.range ?? '')?.[1] ?? 0)
      const fields = { 'cache-control': 'max-age=60', etag: '"e"' }
      if (from > 0) {
        const where = `bytes ${from}-${body.length - 1}/${body.length}`
        return { status: 206, fields: { ...fields, 'content-range': where }, body: body.subarray(from) }
      }
      response.writeHead(200, { ...fields, 'content-length': body.length })
      if (count > 1) response.end(body)
      else response.write(body.subarray(0, 50_000), () => response.destroy())
      return undefined
    })
    assert.equal((await ask()).text, TEXT)
    // Whole or not stored: never the first part, never the last.
    assert.ok(cache.manager.entryCount <= 1)
    const { statusCode, text } = await get()
    assert.deepEqual([statusCode, text], [200, TEXT])
  })

  test(`[K.5] decompress ${side} the cache: the text is right on a miss and on a hit`, async (t) => {
    const gzipped = gzipSync(TEXT)
    for (const length of [{}, { 'content-length': String(gzipped.length) }]) {
      const { ask, get, count } = await composed(t, side, interceptors.decompress(), {
        ...control('max-age=60', { 'content-encoding': 'gzip', ...length }),
        body: gzipped,
      })
      for (let turn = 0; turn < 2; turn++) {
        const { statusCode, text } = await ask()
        assert.deepEqual([statusCode, text], [200, TEXT])
      }
      const { body, headers } = await get()
      if (side === 'above') {
        assert.equal(count(), 1)
        assert.ok(body.equals(gzipped), 'stored as it came')
      }
      // Whatever is stored, its fields are those of its bytes.
      assert.equal(headers['content-encoding'], body.equals(gzipped) ? 'gzip' : undefined)
    }
  })
}

test('[K.5] dump above the cache: the consumer gets no body, the store gets all of it', async (t) => {
  const { ask, get, count } = await composed(t, 'above', interceptors.dump({ maxSize: 1_000_000 }), {
    ...control('max-age=60', { 'content-length': String(TEXT.length) }),
    body: TEXT,
  })
  for (const isHit of [false, true]) assert.deepEqual(await ask(), { statusCode: 200, text: '', isHit })
  assert.equal((await get()).text, TEXT)
  assert.equal(count(), 1)
})

test('[K.5] dump below the cache: no body that it has swallowed is stored as the whole', async (t) => {
  const { ask, get, cache } = await composed(t, 'below', interceptors.dump({ maxSize: 1_000_000 }), {
    ...control('max-age=60', { 'content-length': String(TEXT.length) }),
    body: TEXT,
  })
  assert.equal((await ask()).text, '')
  assert.equal(cache.manager.entryCount, 0)
  assert.equal((await get()).text, TEXT)
})

test('[K.5] what dump refuses for its size is left at once, on a miss and on a hit', async (t) => {
  const size = 3_000_000
  const { ask, get, cache, origin } = await composed(
    t,
    'above',
    interceptors.dump({ maxSize: 1000 }),
    ({ url }, _count, response) => {
      response.writeHead(200, { 'cache-control': 'max-age=60', 'content-length': size })
      if (url === '/whole') response.end(Buffer.alloc(size))
      else response.write('only the first bytes ever come')
      return undefined
    },
  )
  const refused = { message: /larger than maxSize/ }
  const connected = once(origin.server, 'connection')
  const missed = assert.rejects(ask(), refused)
  const [socket] = (await connected) as [NodeJS.EventEmitter]
  await Promise.all([missed, once(socket, 'close')])
  assert.equal(cache.manager.entryCount, 0)
  await get('/whole')
  await assert.rejects(ask('/whole'), refused)
  assert.equal(cache.manager.stats().hits, 1)
  await cache.manager.runPendingTasks()
  assert.equal((await leftovers(cache.directory)).descriptors, 0)
})
