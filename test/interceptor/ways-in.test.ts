/** The three ways in. The matrix (`npm run test:matrix`) runs many more checks on every supported Node and undici. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Writable } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { test, type TestContext } from 'node:test'
import * as undici8 from 'undici'
import * as undici7 from 'undici7'
import { cacheInterceptor, createFetch, install } from '../../src/index.ts'
import { startCache } from '../helpers/cache.ts'
import { restoreGlobals } from '../helpers/globals.ts'
import { startOrigin } from '../helpers/origin.ts'

async function start(t: TestContext) {
  const origin = await startOrigin(t, (_, response) => {
    response.setHeader('cache-control', 'public, max-age=60')
    response.setHeader('set-cookie', ['a=1', 'b=2'])
    response.end('body')
  })
  const { manager } = await startCache(t)
  return { origin, manager, url: `${origin.url}/` }
}

/** Asks twice in the same way: the second answer must be a hit and the same. */
async function assertHits(ask: () => Promise<{ text: string; cookies: number; status: string | null }>): Promise<void> {
  const miss = await ask()
  const hit = await ask()
  assert.match(miss.status ?? '', /fwd=uri-miss; stored/)
  assert.match(hit.status ?? '', /; hit; ttl=/)
  for (const { text, cookies } of [miss, hit]) assert.deepEqual({ text, cookies }, { text: 'body', cookies: 2 })
}

async function read(response: {
  headers: { get(name: string): string | null; getSetCookie(): string[] }
  text(): Promise<string>
}) {
  return {
    text: await response.text(),
    cookies: response.headers.getSetCookie().length,
    status: response.headers.get('cache-status'),
  }
}

for (const [name, undici] of Object.entries({
  'undici 8': undici8,
  'undici 7': undici7 as unknown as typeof undici8,
})) {
  test(`setGlobalDispatcher: Node's fetch and the whole of ${name}`, async (t) => {
    restoreGlobals(t)
    const { origin, manager, url } = await start(t)
    const agent = new undici.Agent()
    t.after(() => agent.destroy())
    undici.setGlobalDispatcher(agent.compose(cacheInterceptor(manager)))
    await assertHits(async () => await read(await fetch(`${url}fetch`)))
    await assertHits(async () => await read(await undici.fetch(`${url}npm-fetch`)))
    await assertHits(async () => {
      const { body, headers } = await undici.request(`${url}request`)
      return {
        text: await body.text(),
        cookies: [headers['set-cookie'] ?? []].flat().length,
        status: String(headers['cache-status']),
      }
    })
    await assertHits(async () => {
      const chunks: Buffer[] = []
      let seen: Record<string, string | string[] | undefined> = {}
      await undici.stream(`${url}stream`, { method: 'GET' }, ({ headers }) => {
        seen = headers
        return new Writable({
          write(chunk: Buffer, _, done) {
            chunks.push(chunk)
            done()
          },
        })
      })
      const cookies = [seen['set-cookie'] ?? []].flat().length
      return { text: Buffer.concat(chunks).toString(), cookies, status: String(seen['cache-status']) }
    })
    await assertHits(async () => {
      let seen: Record<string, string | string[] | undefined> = {}
      const duplex = undici.pipeline(`${url}pipeline`, { method: 'GET' }, ({ headers, body }) => {
        seen = headers
        return body
      })
      const body = (await buffer(duplex.end())).toString()
      return { text: body, cookies: [seen['set-cookie'] ?? []].flat().length, status: String(seen['cache-status']) }
    })
    assert.equal(origin.requests.length, 5)
  })

  for (const kind of ['Agent', 'Client', 'Pool'] as const) {
    test(`one ${kind} of ${name}, and fetch with it`, async (t) => {
      const { origin, manager, url } = await start(t)
      const client = kind === 'Agent' ? new undici.Agent() : new undici[kind](origin.url)
      t.after(() => client.destroy())
      const dispatcher = client.compose(cacheInterceptor(manager))
      await assertHits(async () => await read(await fetch(`${url}a`, { dispatcher } as object)))
      await assertHits(async () => await read(await undici.fetch(`${url}b`, { dispatcher })))
      assert.equal(origin.requests.length, 2)
    })
  }
}

test('install() puts the cache in front of what is there, and its function takes it out', async (t) => {
  restoreGlobals(t)
  const { origin, manager, url } = await start(t)
  const uninstall = install(manager)
  await assertHits(async () => await read(await fetch(url)))
  uninstall()
  const { status } = await read(await fetch(url))
  assert.equal(status, null)
  assert.equal(origin.requests.length, 2)
  uninstall()
})

test('install() leaves a dispatcher alone that was set after it', async (t) => {
  restoreGlobals(t)
  const { manager } = await start(t)
  const uninstall = install(manager)
  const later = new undici8.Agent()
  undici8.setGlobalDispatcher(later)
  uninstall()
  assert.equal(undici8.getGlobalDispatcher(), later)
})

test('a WebSocket handshake passes untouched', async (t) => {
  const { origin, manager } = await start(t)
  origin.server.on('upgrade', (_, socket) => {
    socket.end('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: test\r\n\r\nhello')
  })
  const agent = new undici8.Agent()
  t.after(() => agent.destroy())
  const dispatcher = agent.compose(cacheInterceptor(manager))
  const { socket } = await undici8.upgrade(origin.url, { dispatcher, protocol: 'test' })
  assert.equal(await text(socket), 'hello')
  if (!socket.destroyed) await once(socket, 'close')
})

test('what is wrong with the global dispatcher is told by the promise of createFetch', async (t) => {
  const { manager, url } = await start(t)
  restoreGlobals(t)
  const cachedFetch = createFetch(manager)
  for (const generation of [1, 2])
    Object.assign(globalThis, { [Symbol.for(`undici.globalDispatcher.${generation}`)]: { dispatch: () => true } })
  await assert.rejects(cachedFetch(url), TypeError)
})

test('createFetch makes no Request beside the one that fetch makes', async (t) => {
  const { manager, url } = await start(t)
  const cachedFetch = createFetch(manager)
  await assertHits(async () => read(await cachedFetch(url)))
  let made = 0
  const { Request: original } = globalThis
  class CountedRequest extends original {
    constructor(...given: ConstructorParameters<typeof Request>) {
      super(...given)
      made++
    }
  }
  globalThis.Request = CountedRequest
  t.after(() => void (globalThis.Request = original))
  assert.equal((await read(await cachedFetch(url))).text, 'body')
  assert.equal(made, 0)
  // A Request of the caller's is another one without its cache mode.
  assert.equal((await read(await cachedFetch(new original(url)))).text, 'body')
  assert.equal((await read(await cachedFetch(new Request(url, { cache: 'reload' })))).text, 'body')
  assert.ok(made > 0)
})
