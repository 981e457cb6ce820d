/** undici's own interceptor, of both generations, over the disk engine; and over undici's memory, to know what is due. */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import type { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { test, type TestContext } from 'node:test'
import * as undici8 from 'undici'
import * as undici7 from 'undici7'
import { DiskCacheStore } from '../../src/undici-store/disk-cache-store.ts'
import { leftovers, temporaryDirectory } from '../helpers/directory.ts'
import { startOrigin, type Origin } from '../helpers/origin.ts'
import { NOTHING } from '../helpers/processes.ts'
import { keyOf, KINDS, openManager, read, type AnyStore, type Kind } from './stores.ts'

/** The same names in both, whose types differ in what is not used here. */
const UNDICIS = { 'undici 8': undici8, 'undici 7': undici7 as unknown as typeof undici8 }
const STORES = KINDS.filter(({ name }) => !name.startsWith('Sqlite'))

interface Ask {
  readonly method?: 'GET' | 'HEAD' | 'POST'
  readonly headers?: Record<string, string>
}

interface Client {
  readonly origin: Origin
  readonly dispatcher: undici8.Dispatcher
  /** Asks and reads all; `asked` says how often the origin has been asked so far. */
  readonly get: (path: string, ask?: Ask) => Promise<{ status: number; text: string; bytes: Buffer; asked: number }>
}

async function start(
  t: TestContext,
  undici: typeof undici8,
  store: AnyStore,
  respond: RequestListener,
): Promise<Client> {
  const origin = await startOrigin(t, respond)
  const agent = new undici.Agent()
  t.after(async () => await agent.destroy())
  const dispatcher = agent.compose(undici.interceptors.cache({ store: store as never, methods: ['GET', 'HEAD'] }))
  return {
    origin,
    dispatcher,
    get: async (path, ask = {}) => {
      const { statusCode, body } = await undici.request(origin.url + path, { dispatcher, ...ask })
      const bytes = await buffer(body)
      return { status: statusCode, bytes, text: bytes.toString(), asked: origin.requests.length }
    },
  }
}

/** Resolves when the next response has been stored. */
async function nextStore(): Promise<void> {
  const channel = 'undici-streaming-cache:store'
  await new Promise<void>((resolve) => {
    const listener = (): void => {
      unsubscribe(channel, listener)
      resolve()
    }
    subscribe(channel, listener)
  })
}

async function openKind(t: TestContext, kind: Kind, undici: typeof undici8, respond: RequestListener): Promise<Client> {
  return await start(t, undici, await kind.open(t), respond)
}

for (const [generation, undici] of Object.entries(UNDICIS)) {
  for (const kind of STORES) {
    test(`${generation} with ${kind.name}: a miss, then hits, of a body of one chunk and of many`, async (t) => {
      const bodies = { '/small': Buffer.from('hello'), '/large': randomBytes(3_000_001) }
      const client = await openKind(t, kind, undici, (request, response) => {
        response.writeHead(200, { 'cache-control': 'max-age=60' }).end(bodies[request.url as keyof typeof bodies])
      })
      for (const [path, body] of Object.entries(bodies)) {
        for (let i = 0; i < 3; i++) assert.ok((await client.get(path)).bytes.equals(body))
      }
      assert.equal(client.origin.requests.length, 2)
    })

    test(`${generation} with ${kind.name}: HEAD and GET`, async (t) => {
      const client = await openKind(t, kind, undici, (_, response) => {
        response.writeHead(200, { 'cache-control': 'max-age=60', 'content-length': 5 }).end('hello')
      })
      for (const [method, text] of [
        ['HEAD', ''],
        ['HEAD', ''],
        ['GET', 'hello'],
        ['GET', 'hello'],
      ] as const)
        assert.equal((await client.get('/a', { method })).text, text)
      assert.deepEqual(
        client.origin.requests.map(({ method }) => method),
        ['HEAD', 'GET'],
      )
    })

    test(`${generation} with ${kind.name}: Vary selects`, async (t) => {
      const client = await openKind(t, kind, undici, (request, response) => {
        const language = request.headers['accept-language'] ?? 'none'
        response.writeHead(200, { 'cache-control': 'max-age=60', vary: 'Accept-Language' }).end(language)
      })
      for (const language of ['de', 'fr', 'de', 'fr'])
        assert.equal((await client.get('/a', { headers: { 'accept-language': language } })).text, language)
      assert.equal((await client.get('/a')).text, 'none')
      assert.equal((await client.get('/a')).asked, 3)
    })

    test(`${generation} with ${kind.name}: a stale response is validated: 304 gives the stored body, 200 replaces it`, async (t) => {
      let version = 1
      const client = await openKind(t, kind, undici, (request, response) => {
        const etag = `"${version}"`
        // Of no freshness, but stored, as it has a validator.
        const fields = { 'cache-control': 'max-age=60, no-cache', etag }
        if (request.headers['if-none-match'] === etag) response.writeHead(304, { etag }).end()
        else response.writeHead(200, fields).end(`version ${version}`)
      })
      assert.equal((await client.get('/a')).text, 'version 1')
      assert.deepEqual([(await client.get('/a')).text, (await client.get('/a')).asked], ['version 1', 3])
      version = 2
      assert.equal((await client.get('/a')).text, 'version 2')
      assert.equal((await client.get('/a')).text, 'version 2')
      assert.deepEqual(
        client.origin.requests.map(({ headers }) => headers['if-none-match']),
        [undefined, '"1"', '"1"', '"1"', '"2"'],
      )
    })

    test(`${generation} with ${kind.name}: an unsafe method invalidates`, async (t) => {
      const client = await openKind(t, kind, undici, (_, response) => {
        response.writeHead(200, { 'cache-control': 'max-age=60' }).end('hello')
      })
      await client.get('/a')
      assert.equal((await client.get('/a')).asked, 1)
      await client.get('/a', { method: 'POST' })
      assert.equal((await client.get('/a')).asked, 3)
    })

    test(`${generation} with ${kind.name}: an answer whose origin breaks off is not stored`, async (t) => {
      const client = await openKind(t, kind, undici, (_, response) => {
        response.writeHead(200, { 'cache-control': 'max-age=60', 'content-length': 10 })
        response.write('half')
        setImmediate(() => response.destroy())
      })
      for (const asked of [1, 2]) {
        await assert.rejects(client.get('/a'))
        assert.equal(client.origin.requests.length, asked)
      }
    })
  }

  test(`${generation} over the disk: what was stored hits after a restart`, async (t) => {
    const directory = await temporaryDirectory()
    const body = randomBytes(200_000)
    const respond: RequestListener = (_, response) => {
      response.writeHead(200, { 'cache-control': 'max-age=60', vary: 'accept', etag: '"1"' }).end(body)
    }
    const first = new DiskCacheStore(await openManager(t, {}, directory))
    const { origin, get } = await start(t, undici, first, respond)
    await get('/a', { headers: { accept: 'text/plain' } })
    await first.close()
    const again = new DiskCacheStore(await openManager(t, {}, directory))
    const agent = new undici.Agent()
    t.after(async () => await agent.destroy())
    const dispatcher = agent.compose(undici.interceptors.cache({ store: again }))
    const { headers, body: stored } = await undici.request(`${origin.url}/a`, {
      dispatcher,
      headers: { accept: 'text/plain' },
    })
    assert.ok((await buffer(stored)).equals(body))
    assert.equal(headers['etag'], '"1"')
    assert.equal(origin.requests.length, 1)
  })

  test(`${generation} over the disk: a caller who leaves, on a miss and on a hit, leaves nothing behind`, async (t) => {
    const manager = await openManager(t)
    const store = new DiskCacheStore(manager)
    const body = randomBytes(5_000_000)
    let isHeld = true
    const { origin, dispatcher, get } = await start(t, undici, store, (_, response) => {
      response.writeHead(200, { 'cache-control': 'max-age=60' })
      if (!isHeld) response.end(body)
      else response.write(body.subarray(0, 1_000_000))
    })
    const leave = async (): Promise<void> => {
      const { body: stream } = await undici.request(`${origin.url}/a`, { dispatcher })
      await once(stream, 'data')
      stream.on('error', () => {})
      const closed = new Promise((resolve) => stream.once('close', resolve))
      stream.destroy()
      await closed
      await manager.runPendingTasks()
    }
    await leave()
    assert.equal(manager.entryCount, 0)
    assert.deepEqual(await leftovers(manager.directory), { ...NOTHING, descriptors: 0 })
    isHeld = false
    assert.ok((await get('/a')).bytes.equals(body))
    await leave()
    const { descriptors, temporary } = await leftovers(manager.directory)
    assert.deepEqual([descriptors, temporary, manager.entryCount], [0, 0, 1])
    assert.ok((await get('/a')).bytes.equals(body))
    assert.equal(origin.requests.length, 2)
  })

  test(`${generation} over the disk: a large body is handed on in chunks of 64 KiB, and waits for its reader`, async (t) => {
    const store = new DiskCacheStore(await openManager(t))
    const body = randomBytes(30_000_000)
    const { origin, dispatcher, get } = await start(t, undici, store, (_, response) => {
      response.writeHead(200, { 'cache-control': 'max-age=60' }).end(body)
    })
    await get('/a')
    const { body: stream } = await undici.request(`${origin.url}/a`, { dispatcher })
    const hash = createHash('sha256')
    let largest = 0
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      largest = Math.max(largest, chunk.length)
      hash.update(chunk)
      assert.ok((stream as Readable).readableLength < 1_000_000)
    }
    assert.equal(largest, 65_536)
    assert.equal(hash.digest('hex'), createHash('sha256').update(body).digest('hex'))
    assert.equal(origin.requests.length, 1)
  })

  test(`${generation} over the disk: stale-while-revalidate: the 304 in the background freshens what is stored`, async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() })
    const manager = await openManager(t, { clock: () => Date.now() })
    const store = new DiskCacheStore(manager)
    const body = randomBytes(300_000)
    const { origin, get } = await start(t, undici, store, (request, response) => {
      if (request.headers['if-none-match'] === undefined) {
        response.writeHead(200, { etag: '"1"', 'cache-control': 'max-age=60, stale-while-revalidate=600' }).end(body)
      } else {
        response.writeHead(304, { etag: '"1"', 'cache-control': 'max-age=1000' }).end()
      }
    })
    await Promise.all([nextStore(), get('/a')])
    const stored = nextStore()
    t.mock.timers.setTime(Date.now() + 100_000)
    assert.ok((await get('/a')).bytes.equals(body))
    await stored
    const found = await read(store, keyOf('/a', { origin: origin.url }))
    assert.ok(found)
    assert.ok(found.bytes.equals(body))
    // Node's Date field may be of before the clock was moved.
    assert.ok(found.staleAt - Date.now() > 800_000)
    assert.ok((await get('/a')).bytes.equals(body))
    assert.equal(origin.requests.length, 2)
  })
}
