/** What ours does beyond the contract: nothing that is stored is wrong, lost or left behind, and limits hold. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFile, truncate, writeFile } from 'node:fs/promises'
import { Agent, request } from 'undici'
import { Readable } from 'node:stream'
import { test, type TestContext } from 'node:test'
import { cacheInterceptor, InvalidOptionError, type StreamingManager } from '../../src/index.ts'
import { DiskCacheStore, type GetResult } from '../../src/undici-store/disk-cache-store.ts'
import { ManualClock } from '../helpers/cache.ts'
import { filesIn, leftovers, temporaryDirectory } from '../helpers/directory.ts'
import { startOrigin } from '../helpers/origin.ts'
import { NOTHING } from '../helpers/processes.ts'
import { keyOf, openManager, read, valueOf, write } from './stores.ts'
import { collect } from '../helpers/collect.ts'

interface Opened {
  readonly manager: StreamingManager
  readonly store: DiskCacheStore
}

async function open(
  t: TestContext,
  ...rest: Parameters<typeof openManager> extends [unknown, ...infer R] ? R : never
): Promise<Opened> {
  const manager = await openManager(t, ...rest)
  return { manager, store: new DiskCacheStore(manager) }
}

const LARGE = 300_000
const UNBUFFERED = { maxMemory: 0, flushInterval: 0 }

test('asks for a manager', () => {
  assert.throws(() => new DiskCacheStore({} as never), InvalidOptionError)
})

for (const size of [5, LARGE]) {
  test(`a damaged, short or missing body of ${size} bytes is a miss, and repaired by what is stored next`, async (t) => {
    const { manager, store } = await open(t, UNBUFFERED)
    const body = randomBytes(size)
    const damages: readonly ((path: string) => Promise<void>)[] = [
      async (path) => await writeFile(path, Buffer.alloc(size)),
      async (path) => await truncate(path, size - 1),
      async (path) => await truncate(path, 0),
    ]
    for (const damage of damages) {
      await write(store, keyOf('/a'), valueOf(), body)
      await manager.runPendingTasks()
      const [path] = await filesIn(manager.directory, 'content-v2')
      assert.ok(path)
      await damage(path)
      assert.equal(await store.get(keyOf('/a')), undefined)
      assert.equal(manager.entryCount, 0)
    }
    await write(store, keyOf('/a'), valueOf(), body)
    assert.ok((await read(store, keyOf('/a')))?.bytes.equals(body))
  })
}

test('what has come to its end is found at once, though the disk has not taken all of it', async (t) => {
  const { store } = await open(t)
  const body = randomBytes(5_000_000)
  const stream = store.createWriteStream(keyOf('/a'), valueOf())
  assert.ok(stream)
  for (let at = 0; at < body.length; at += 65_536) stream.write(body.subarray(at, at + 65_536))
  assert.equal(await store.get(keyOf('/a')), undefined, 'still arriving')
  stream.end()
  assert.ok((await read(store, keyOf('/a')))?.bytes.equals(body))
  const broken = store.createWriteStream(keyOf('/b'), valueOf())
  assert.ok(broken)
  for (let at = 0; at < body.length; at += 65_536) broken.write(body.subarray(at, at + 65_536))
  broken.end()
  const found = store.get(keyOf('/b'))
  broken.destroy()
  assert.equal(await found, undefined)
})

test('a body that is damaged after its first chunk ends in an error, never as if it were whole', async (t) => {
  const { manager, store } = await open(t)
  await write(store, keyOf('/a'), valueOf(), randomBytes(LARGE))
  const [path] = await filesIn(manager.directory, 'content-v2')
  assert.ok(path)
  const bytes = await readFile(path)
  await writeFile(path, bytes.fill(0, 200_000, 200_010))
  await assert.rejects(read(store, keyOf('/a')), { code: 'USC_ERR_CONTENT' })
})

test('who writes in a chunk that was stored, or that was found, changes nothing for others', async (t) => {
  const { store } = await open(t)
  const chunk = Buffer.from('hello')
  const stream = store.createWriteStream(keyOf('/a'), valueOf())
  assert.ok(stream)
  stream.write(chunk)
  chunk.fill('x')
  stream.end()
  await new Promise((resolve) => stream.once('close', resolve))
  for (let i = 0; i < 3; i++) {
    const found = await read(store, keyOf('/a'))
    assert.equal(found?.text, 'hello')
    const result = (await store.get(keyOf('/a'))) as GetResult
    for (const each of result.body as Buffer[]) each.fill('y')
    // What was in memory turns out damaged; the disk has it.
    await read(store, keyOf('/a'))
  }
})

test('fields that would split a response, and odd statuses and times, are not stored', async (t) => {
  const { manager, store } = await open(t)
  for (const value of [
    valueOf({ headers: { 'x-a': 'b\r\nset-cookie: c' } }),
    valueOf({ headers: { 'x a': 'b' } }),
    valueOf({ statusCode: 99 }),
    valueOf({ statusCode: 200.5 }),
    valueOf({ staleAt: Number.NaN }),
    valueOf({ deleteAt: Infinity }),
    valueOf({ vary: { 'a\nb': null } }),
    valueOf({ vary: Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`x-${i}`, null])) }),
  ])
    assert.equal(store.createWriteStream(keyOf('/a'), value), undefined)
  for (const path of ['*', '/a#b', 'http://localhost/a', '']) {
    assert.equal(store.createWriteStream(keyOf(path), valueOf()), undefined)
    assert.equal(store.get(keyOf(path)), undefined)
    await store.delete(keyOf(path))
  }
  assert.equal(store.createWriteStream(keyOf('/a', { origin: 'file:///' }), valueOf()), undefined)
  assert.equal(manager.entryCount, 0)
})

test('names that would reach a prototype are names like any other', async (t) => {
  const { store } = await open(t, UNBUFFERED)
  const headers = JSON.parse('{"__proto__": "a", "constructor": "b"}') as Record<string, string>
  await write(store, keyOf('/a'), valueOf({ headers, vary: JSON.parse('{"__proto__": null}') as {} }), 'hello')
  const found = await read(store, keyOf('/a'))
  assert.deepEqual(Object.keys(found?.headers ?? {}), ['__proto__', 'constructor'])
  assert.deepEqual(Object.keys(found?.vary ?? {}), ['__proto__'])
  assert.equal(await store.get(keyOf('/a', { headers: JSON.parse('{"__proto__": "c"}') as {} })), undefined)
})

test('what undici knows beside a response is its metadata, for those who look into the manager', async (t) => {
  const { manager, store } = await open(t)
  const value = valueOf({ etag: '"1"' })
  await write(store, keyOf('/a'), value, 'hello')
  const { cachedAt, staleAt, deleteAt, etag, cacheControlDirectives } = value
  for await (const { headers, metadata } of manager.entries()) {
    assert.deepEqual(headers, value.headers)
    assert.deepEqual(metadata, { cachedAt, staleAt, deleteAt, etag, cacheControlDirectives })
  }
  assert.equal(manager.entryCount, 1)
})

test('a record that does not say what undici has to know is a miss, and goes', async (t) => {
  const { manager, store } = await open(t)
  await manager.put('http://localhost:1/a#partition=@undici', { headers: { 'cache-control': 'max-age=60' }, body: 'a' })
  assert.equal(manager.entryCount, 1)
  assert.equal(await store.get(keyOf('/a')), undefined)
  assert.equal(manager.entryCount, 0)
})

test('of a request nothing is on disk but a digest', async (t) => {
  const { manager, store } = await open(t)
  const headers = { authorization: 'Bearer a-credential' }
  await write(store, keyOf('/a', { headers }), valueOf({ vary: headers }), 'hello')
  await manager.runPendingTasks()
  for (const path of await filesIn(manager.directory, '.'))
    assert.ok(!(await readFile(path)).includes('a-credential'), path)
  assert.deepEqual((await read(store, keyOf('/a', { headers })))?.vary, headers)
})

test('what undici stored answers undici only, and what ours stored answers ours, beside it', async (t) => {
  const { manager, store } = await open(t)
  const origin = await startOrigin(t, (_, response) => {
    response.writeHead(200, { 'cache-control': 'max-age=60' }).end('of the origin')
  })
  const agent = new Agent()
  t.after(async () => await agent.destroy())
  const dispatcher = agent.compose(cacheInterceptor(manager, { type: 'private', partition: '@undici' }))
  const key = keyOf('/a', { origin: origin.url })
  await write(store, key, valueOf(), 'of undici')
  for (let i = 0; i < 2; i++) {
    const { body } = await request(`${origin.url}/a`, { dispatcher })
    assert.equal(await body.text(), 'of the origin')
  }
  assert.equal((await read(store, key))?.text, 'of undici')
  assert.equal(manager.entryCount, 2)
  // Purging sees both.
  assert.equal(await manager.purge({ url: `${origin.url}/a` }), 2)
  assert.equal(await store.get(key), undefined)
})

test('a soft purge leaves it stale from now on', async (t) => {
  const clock = new ManualClock()
  const { manager, store } = await open(t, { clock: clock.now })
  await write(store, keyOf('/a'), valueOf(), 'hello')
  clock.pass(1)
  assert.equal(await manager.purge({ prefix: 'http://localhost:1/' }, { soft: true }), 1)
  const found = await read(store, keyOf('/a'))
  assert.deepEqual([found?.text, found?.staleAt], ['hello', clock.now()])
})

test('what is written while its URL is deleted is not stored', async (t) => {
  const { manager, store } = await open(t)
  for (const size of [5, LARGE]) {
    const stream = store.createWriteStream(keyOf('/a'), valueOf())
    assert.ok(stream)
    stream.write(randomBytes(size))
    await store.delete(keyOf('/a'))
    stream.end()
    await new Promise((resolve) => stream.once('close', resolve))
    assert.equal(await store.get(keyOf('/a')), undefined)
  }
  await manager.runPendingTasks()
  assert.deepEqual(await leftovers(manager.directory), { ...NOTHING, descriptors: 0 })
})

test('a body of another length than Content-Length says is not stored; one of exactly that is', async (t) => {
  const { manager, store } = await open(t)
  for (const [length, isStored] of [
    [4, false],
    [5, true],
    [6, false],
  ] as const) {
    await store.delete(keyOf('/a'))
    await write(store, keyOf('/a'), valueOf({ headers: { 'content-length': `${length}` } }), 'hel', 'lo')
    assert.equal((await read(store, keyOf('/a'))) !== undefined, isStored, `${length}`)
  }
  assert.equal(manager.stats().refusals, 2)
})

test('a write that breaks off leaves what was stored before', async (t) => {
  const { manager, store } = await open(t)
  await write(store, keyOf('/a'), valueOf(), 'before')
  const stream = store.createWriteStream(keyOf('/a'), valueOf())
  assert.ok(stream)
  let errors = 0
  stream.on('error', () => errors++)
  stream.write(randomBytes(LARGE))
  stream.destroy(new Error('the origin broke off'))
  await new Promise((resolve) => stream.once('close', resolve))
  assert.equal(errors, 0)
  assert.equal((await read(store, keyOf('/a')))?.text, 'before')
  await manager.runPendingTasks()
  assert.equal((await leftovers(manager.directory)).temporary, 0)
})

test('maxBodySize: a body of exactly as many bytes is stored, one of one more closes the stream', async (t) => {
  const { store } = await open(t, { maxBodySize: 1000 })
  await write(store, keyOf('/a'), valueOf(), Buffer.alloc(1000))
  await write(store, keyOf('/b'), valueOf(), Buffer.alloc(500), Buffer.alloc(501), Buffer.alloc(1))
  assert.equal((await read(store, keyOf('/a')))?.bytes.length, 1000)
  assert.equal(await store.get(keyOf('/b')), undefined)
})

test('deleteAt by the clock: a millisecond before it is there, then not, and it goes', async (t) => {
  const clock = new ManualClock()
  const { manager, store } = await open(t, { clock: clock.now })
  await write(store, keyOf('/a'), valueOf({ deleteAt: clock.now() + 1001 }), 'hello')
  clock.pass(1)
  assert.equal((await read(store, keyOf('/a')))?.text, 'hello')
  clock.pass(0.001)
  assert.equal(await store.get(keyOf('/a')), undefined)
  assert.equal(manager.entryCount, 0)
})

test('size, isFull and the counts are the manager’s', async (t) => {
  const { manager, store } = await open(t, { maxEntries: 2 })
  assert.equal(store.isFull(), false)
  await write(store, keyOf('/a'), valueOf(), 'a')
  assert.deepEqual([store.size, store.isFull()], [manager.size, false])
  await write(store, keyOf('/b'), valueOf(), 'b')
  assert.equal(store.isFull(), true)
  await read(store, keyOf('/b'))
  await read(store, keyOf('/c'))
  const { stores, hits, misses, bytesServed } = manager.stats()
  assert.deepEqual({ stores, hits, misses, bytesServed }, { stores: 2, hits: 1, misses: 1, bytesServed: 1 })
})

test('a start without a snapshot finds what the disk has, variants included', async (t) => {
  const directory = await temporaryDirectory()
  const german = { 'accept-language': 'de' }
  const key = keyOf('/a', { headers: german })
  {
    const { manager, store } = await open(t, {}, directory)
    await write(store, key, valueOf({ vary: german, etag: '"1"' }), 'deutsch')
    await manager.close()
    for (const path of await filesIn(directory, 'snapshot')) await truncate(path, 0)
  }
  const { store } = await open(t, {}, directory)
  const found = await read(store, key)
  assert.deepEqual([found?.text, found?.etag, found?.vary], ['deutsch', '"1"', german])
  assert.equal(await store.get(keyOf('/a')), undefined)
})

test('after close: nothing is found and nothing stored, and nothing fails', async (t) => {
  const { store } = await open(t)
  await write(store, keyOf('/a'), valueOf(), 'a')
  const stream = store.createWriteStream(keyOf('/b'), valueOf())
  assert.ok(stream)
  stream.write('b')
  await store.close()
  const closed = new Promise((resolve) => stream.once('close', resolve))
  stream.end()
  await closed
  assert.equal(await store.get(keyOf('/a')), undefined)
  assert.equal(store.createWriteStream(keyOf('/a'), valueOf()), undefined)
  await store.delete(keyOf('/a'))
})

test('a body that is forgotten unread gives its descriptor back', async (t) => {
  const { manager, store } = await open(t)
  await write(store, keyOf('/a'), valueOf(), randomBytes(LARGE))
  const forget = async (): Promise<void> => {
    const result = (await store.get(keyOf('/a'))) as GetResult
    assert.ok(result.body instanceof Readable)
  }
  await forget()
  assert.equal((await leftovers(manager.directory)).descriptors, 1)
  for (let i = 0; i < 100 && (await leftovers(manager.directory)).descriptors > 0; i++) {
    collect()
    await new Promise((resolve) => setImmediate(resolve))
  }
  assert.equal((await leftovers(manager.directory)).descriptors, 0)
})
