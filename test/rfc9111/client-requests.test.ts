/** What no RFC says and a cache in a client breaks on: the forms that requests come in, and what names an origin. */
import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import * as undici8 from 'undici'
import * as undici7 from 'undici7'
import { cacheInterceptor } from '../../src/index.ts'
import { startCache } from '../helpers/cache.ts'
import { temporaryDirectory } from '../helpers/directory.ts'
import { BOTH, control, stage } from './stage.ts'

type AnyHeaders = NonNullable<undici8.Dispatcher.RequestOptions['headers']>

/** The two values of x-v in every form that undici takes. Functions, since some can be read once only. */
const FORMS: Record<string, () => unknown> = {
  object: () => ({ 'x-v': '1', 'x-w': '2' }),
  'object in other letters': () => ({ 'X-V': '1', 'X-w': '2' }),
  'object without prototype': () => Object.assign(Object.create(null), { 'x-v': '1', 'x-w': '2' }),
  'object with a list': () => ({ 'x-v': ['1'], 'x-w': '2' }),
  'flat list': () => ['x-w', '2', 'X-V', '1'],
  Headers: () => new Headers({ 'x-v': '1', 'x-w': '2' }),
  'Headers of undici': () => new undici8.Headers({ 'x-v': '1', 'x-w': '2' }),
  Map: () => new Map(Object.entries({ 'x-w': '2', 'X-V': '1' })),
  'iterator of a Map': () => new Map(Object.entries({ 'x-v': '1', 'x-w': '2' })).entries(),
  'iterator of Headers': () => new Headers({ 'x-v': '1', 'x-w': '2' }).entries(),
  generator: () => Object.entries({ 'x-v': '1', 'x-w': '2' }).values(),
}

/** The answer says what the origin has been told. */
function echo({ headers }: IncomingMessage) {
  return { ...control('max-age=60', { vary: 'x-v, x-w' }), body: `${String(headers['x-v'])} ${String(headers['x-w'])}` }
}

test('[K.7] headers in every form reach the origin, and select the same stored response', async (t) => {
  for (const options of BOTH) {
    const { origin, cache, count } = await stage(t, echo, options)
    const ask = async (path: string, headers: unknown) => {
      const { body } = await undici8.request(origin.url + path, {
        dispatcher: cache.dispatcher,
        headers: headers as AnyHeaders,
      })
      return await body.text()
    }
    for (const [name, form] of Object.entries(FORMS)) {
      const before = count()
      assert.equal(await ask(`/${before}`, form()), '1 2', `${name}, sent`)
      assert.equal(count(), before + 1)
      for (const [other, again] of Object.entries(FORMS)) {
        assert.equal(await ask(`/${before}`, again()), '1 2')
        assert.equal(count(), before + 1, `${name}, then ${other}`)
      }
    }
    const before = count()
    assert.equal(await ask('/0', { 'x-v': '1' }), '1 undefined')
    assert.equal(await ask('/0', ['x-v', '2', 'x-w', '1']), '2 1')
    assert.equal(count(), before + 2)
  }
})

test('[K.7] so they do in what passes by: unsafe methods, conditions for the origin, a closed manager', async (t) => {
  const { origin, cache } = await stage(t, echo)
  const ask = async (method: 'GET' | 'POST' | 'OPTIONS', more: Record<string, string> = {}) => {
    const headers = Object.entries({ 'x-v': '1', 'x-w': '2', ...more }).values() as unknown as AnyHeaders
    const { body } = await undici8.request(origin.url, { dispatcher: cache.dispatcher, method, headers })
    return await body.text()
  }
  assert.equal(await ask('POST'), '1 2')
  assert.equal(await ask('OPTIONS'), '1 2')
  assert.equal(await ask('GET', { 'if-match': '*' }), '1 2')
  await cache.manager.close()
  assert.equal(await ask('GET'), '1 2')
})

test('[K.7] a name that Vary nominates counts with all of its lines, in their order', async (t) => {
  const { origin, cache, count } = await stage(t, echo)
  const ask = async (headers: unknown) => {
    const { body } = await undici8.request(origin.url, { dispatcher: cache.dispatcher, headers: headers as AnyHeaders })
    await body.dump()
    return count()
  }
  assert.equal(await ask(['x-v', '1', 'x-v', '2']), 1)
  for (const same of [
    { 'x-v': ['1', '2'] },
    ['X-V', '1', 'x-v', '2'],
    { 'x-v': '1', 'X-V': '2' },
    { 'x-v': '1, 2' },
    new Headers([
      ['x-v', '1'],
      ['x-v', '2'],
    ]),
  ]) {
    assert.equal(await ask(same), 1, JSON.stringify(same))
  }
  for (const [i, other] of [
    ['x-v', '2', 'x-v', '1'],
    { 'x-v': '1' },
    { 'x-v': '12' },
    { 'x-v': ['1', '2', '2'] },
  ].entries()) {
    assert.equal(await ask(other), i + 2, JSON.stringify(other))
  }
})

test('[K.8] Vary on what fetch adds itself: fetch hits what fetch has stored, in every fetch', async (t) => {
  const fetches = { node: fetch, 'undici 8': undici8.fetch, 'undici 7': undici7.fetch }
  for (const options of BOTH) {
    for (const [name, anyFetch] of Object.entries(fetches)) {
      for (const vary of ['accept-encoding', 'user-agent', 'sec-fetch-mode', 'accept, accept-language']) {
        const { origin, cache, count } = await stage(
          t,
          ({ headers }) => ({ ...control('max-age=60', { vary }), body: String(headers[vary]) }),
          options,
        )
        const ask = async (init: object = {}) => {
          const response = await (anyFetch as typeof undici8.fetch)(origin.url, {
            dispatcher: cache.dispatcher,
            ...init,
          })
          return await response.text()
        }
        const first = await ask()
        if (!vary.includes(',')) assert.notEqual(first, 'undefined', 'fetch does add it')
        assert.equal(await ask(), first)
        assert.equal(count(), 1, `${name}, ${vary}`)
        if (!vary.startsWith('sec-')) {
          await ask({ headers: { [vary.split(',')[0] ?? '']: 'other' } })
          assert.equal(count(), 2, `${name}, ${vary}`)
        }
      }
    }
  }
})

test('[K.8] request() adds none of it, and is answered so only by what was stored for none', async (t) => {
  const { origin, cache, get, count } = await stage(t, control('max-age=60', { vary: 'sec-fetch-mode' }))
  await (await undici8.fetch(`${origin.url}/`, { dispatcher: cache.dispatcher })).text()
  assert.match((await get()).cache, /^fwd=vary-miss/)
  assert.match((await get()).cache, /^hit/)
  await (await undici8.fetch(`${origin.url}/`, { dispatcher: cache.dispatcher })).text()
  assert.equal(count(), 2)
})

test('[K.9] the origin of a request and that of a client are one origin; a query may come in either form', async (t) => {
  const { origin, cache, count } = await stage(t, ({ url }) => ({ ...control('max-age=60'), body: String(url) }))
  const clients = [new undici8.Client(origin.url), new undici8.Pool(origin.url), new undici8.Agent()]
  for (const client of clients) t.after(() => client.destroy())
  const dispatchers = clients.map((client) => client.compose(cacheInterceptor(cache.manager)))
  for (const dispatcher of dispatchers) {
    for (const ways of [
      { path: '/a?x=1&y=2' },
      { path: '/a', query: { x: 1, y: '2' } },
      { path: '/a', query: { x: '1', y: 2 } },
    ]) {
      const { body } = await dispatcher.request({ origin: origin.url, method: 'GET', ...ways })
      assert.equal(await body.text(), '/a?x=1&y=2')
      assert.equal(count(), 1)
    }
  }
  const { body } = await (dispatchers[2] as undici8.Dispatcher).request({
    origin: origin.url,
    method: 'GET',
    path: '/a',
    query: { x: '1', y: '3' },
  })
  assert.equal(await body.text(), '/a?x=1&y=3')
  assert.equal(count(), 2)
})

async function listen(t: TestContext, listener: RequestListener, where: string | number) {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(where, resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return server
}

test('[K.9] behind a UNIX socket the origin is what the client is told that it is', async (t) => {
  const { manager } = await startCache(t)
  const socketPath = join(await temporaryDirectory(), 'socket')
  let count = 0
  await listen(
    t,
    (_, response) => response.writeHead(200, { 'cache-control': 'max-age=60' }).end(`${++count}`),
    socketPath,
  )
  const ask = async (origin: string) => {
    const client = new undici8.Client(origin, { connect: { socketPath } })
    t.after(() => client.destroy())
    const dispatcher = client.compose(cacheInterceptor(manager))
    const { body } = await dispatcher.request({ path: '/', method: 'GET' })
    return await body.text()
  }
  assert.deepEqual([await ask('http://one.test'), await ask('http://one.test')], ['1', '1'])
  assert.equal(await ask('http://two.test'), '2')
})

test('[K.9] through a proxy the key is of the target, with the proxy and without', async (t) => {
  const { origin, cache, get, count } = await stage(t, control('max-age=60'))
  const proxy = await listen(t, (_, response) => response.writeHead(500).end(), 0)
  let tunnels = 0
  proxy.on('connect', ({ url = '' }, socket) => {
    tunnels++
    const { hostname, port } = new URL(`http://${url}`)
    const upstream = connect(Number(port), hostname, () => {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n')
      upstream.pipe(socket).pipe(upstream)
    })
    for (const end of [socket, upstream]) end.on('error', () => upstream.destroy())
    t.after(() => upstream.destroy())
  })
  const uri = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
  const agent = new undici8.ProxyAgent({ uri, proxyTunnel: true })
  t.after(() => agent.destroy())
  const dispatcher = agent.compose(cacheInterceptor(cache.manager))
  for (let turn = 0; turn < 2; turn++) {
    const { body } = await undici8.request(`${origin.url}/`, { dispatcher })
    assert.equal(await body.text(), 'body')
  }
  assert.match((await get()).cache, /^hit/)
  assert.deepEqual([count(), tunnels], [1, 1])
})
