/** The manager's own methods. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { chmod, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import {
  ClosedError,
  DirectoryError,
  InvalidOptionError,
  StreamingManager,
  type ManagerOptions,
} from '../../src/index.ts'
import { whyNotOurs } from '../../src/content-store/ownership.ts'
import { diskUse, filesIn, leftovers, temporaryDirectory } from '../helpers/directory.ts'
import { startCache } from '../helpers/cache.ts'
import { startOrigin } from '../helpers/origin.ts'

const URL_A = 'https://example.com/a'

test('put and get: what was put comes back, from a stream, a web Response or bytes', async (t) => {
  const { manager } = await startCache(t)
  const bodies: Parameters<StreamingManager['put']>[1][] = [
    { headers: { 'X-A': ['1', '2'], etag: '"x"' }, body: 'text', statusMessage: 'Fine' },
    { headers: new Headers({ etag: '"x"' }), body: Readable.from([Buffer.from('te'), Buffer.from('xt')]) },
    { headers: [['etag', '"x"']], body: new Uint8Array(Buffer.from('text')) },
    new Response('text', { headers: { etag: '"x"' }, statusText: 'Fine' }),
  ]
  for (const response of bodies) {
    assert.equal(await manager.put(URL_A, response), true)
    const found = await manager.get(URL_A)
    assert.ok(found)
    assert.equal(await text(found.body), 'text')
    assert.equal(found.key, URL_A)
    assert.equal(found.statusCode, 200)
    assert.equal(found.bodySize, 4)
    assert.equal(found.headers['etag'], '"x"')
    assert.ok(found.respondedAt instanceof Date)
  }
  await manager.put(URL_A, bodies[0] ?? {})
  assert.deepEqual((await manager.get(URL_A))?.headers['x-a'], ['1', '2'])
  assert.equal(manager.entryCount, 1)
})

test('what was put answers requests, by its own freshness', async (t) => {
  const origin = await startOrigin(t, (_, response) => response.end('from the origin'))
  const { manager, get } = await startCache(t)
  await manager.put(`${origin.url}/fresh`, { headers: { 'cache-control': 'max-age=60' }, body: 'put' })
  await manager.put(`${origin.url}/stale`, { headers: { 'cache-control': 'max-age=0' }, body: 'put' })
  assert.equal((await get(`${origin.url}/fresh`)).text, 'put')
  assert.equal((await get(`${origin.url}/stale`)).text, 'from the origin')
})

test('URLs are compared as requests name them', async (t) => {
  const { manager } = await startCache(t)
  await manager.put('HTTPS://EXAMPLE.com', { body: 'root' })
  assert.equal((await manager.get('https://example.com/#fragment'))?.bodySize, 4)
  assert.equal(await manager.get('https://example.com/other'), undefined)
  assert.equal(await manager.delete('https://example.com:443/'), true)
  assert.equal(await manager.delete('https://example.com/'), false)
  await assert.rejects(manager.get('not a url'), InvalidOptionError)
})

test('an empty body, a body of many chunks and a body over maxBodySize', async (t) => {
  const { manager, directory } = await startCache(t, { maxBodySize: 200_000 })
  assert.equal(await manager.put(`${URL_A}/empty`, { body: '' }), true)
  const empty = await manager.get(`${URL_A}/empty`)
  assert.equal(empty && (await text(empty.body)), '')
  const big = Buffer.alloc(200_000, 'abc')
  assert.equal(await manager.put(`${URL_A}/big`, { body: big }), true)
  const found = await manager.get(`${URL_A}/big`)
  assert.equal(found && (await text(found.body)), big.toString())
  assert.equal(await manager.put(`${URL_A}/over`, { body: Buffer.alloc(200_001) }), false)
  assert.equal(await manager.get(`${URL_A}/over`), undefined)
  assert.deepEqual(await leftovers(directory), { buckets: 2, contents: 2, temporary: 0, descriptors: 0 })
})

test('a body that breaks off rejects with its own error and leaves nothing', async (t) => {
  const { manager, directory } = await startCache(t)
  const body = async function* () {
    yield Buffer.alloc(100_000)
    throw new Error('broke off')
  }
  await assert.rejects(manager.put(URL_A, { body: body() }), /broke off/)
  await manager.runPendingTasks()
  assert.deepEqual(await leftovers(directory), { buckets: 0, contents: 0, temporary: 0, descriptors: 0 })
})

test('variants are entries of their own; get gives the newest, delete takes all', async (t) => {
  let time = Date.now()
  const { manager } = await startCache(t, { clock: () => time++ })
  for (const language of ['de', 'fr', 'it']) {
    const headers = { vary: 'accept-language' }
    await manager.put(URL_A, { headers, body: language, requestHeaders: { 'Accept-Language': language } })
  }
  assert.equal(manager.entryCount, 3)
  const newest = await manager.get(URL_A)
  assert.equal(newest && (await text(newest.body)), 'it')
  const keys: string[] = []
  for await (const entry of manager.entries()) keys.push(entry.key)
  assert.equal(keys.length, 3)
  assert.ok(keys.every((key) => key.startsWith(`${URL_A}#vary=`)))
  assert.equal(await manager.delete(keys[0] ?? ''), true)
  assert.equal(manager.entryCount, 2)
  assert.equal(await manager.delete(URL_A), true)
  assert.equal(manager.entryCount, 0)
})

test('of more variants than maxVariants the least recently used goes first, from the disk too', async (t) => {
  const origin = await startOrigin(t, (_, response) =>
    response.writeHead(200, { 'cache-control': 'max-age=60', vary: 'x-v' }).end('body'),
  )
  const { manager, get, directory } = await startCache(t, { maxVariants: 3 })
  const ask = (value: string) => get(`${origin.url}/`, { headers: { 'x-v': value } })
  for (const value of ['1', '2', '3', '1', '4', '5']) await ask(value)
  await manager.runPendingTasks()
  assert.equal(manager.entryCount, 3)
  for (const value of ['1', '4', '5']) assert.match((await ask(value)).cache, /^hit/)
  for (const value of ['2', '3']) assert.match((await ask(value)).cache, /^fwd=vary-miss/)
  await manager.close()
  const next = await startCache(t, { directory })
  await next.manager.runPendingTasks()
  assert.equal(next.manager.entryCount, 3)
})

test('a body that two entries share goes with the last of them', async (t) => {
  const { manager, directory } = await startCache(t)
  await manager.put(`${URL_A}/1`, { body: 'same' })
  await manager.put(`${URL_A}/2`, { body: 'same' })
  assert.equal((await leftovers(directory)).contents, 1)
  await manager.delete(`${URL_A}/1`)
  const other = await manager.get(`${URL_A}/2`)
  assert.equal(other && (await text(other.body)), 'same')
  await manager.delete(`${URL_A}/2`)
  assert.deepEqual(await leftovers(directory), { buckets: 0, contents: 0, temporary: 0, descriptors: 0 })
})

test('replacing a response many times at once leaves one entry and one file', async (t) => {
  const { manager, directory } = await startCache(t)
  await Promise.all(Array.from({ length: 30 }, (_, i) => manager.put(URL_A, { body: `body ${i % 3}` })))
  await manager.runPendingTasks()
  assert.equal(manager.entryCount, 1)
  const { buckets, contents, temporary } = await leftovers(directory)
  assert.deepEqual([buckets, contents, temporary], [1, 1, 0])
  const found = await manager.get(URL_A)
  assert.match((found && (await text(found.body))) ?? '', /^body [012]$/)
})

test('limits in entries and bytes are kept, on disk too, and when they change', async (t) => {
  const { manager, directory } = await startCache(t, { maxEntries: 20, maxSize: 900_000 })
  for (let i = 0; i < 60; i++) {
    await manager.put(`${URL_A}/${i}`, { body: Buffer.alloc(10_000, `#${i};`) })
    assert.ok(manager.entryCount <= 20 && manager.size <= 900_000)
  }
  await manager.runPendingTasks()
  assert.ok(manager.entryCount > 10)
  assert.ok((await diskUse(directory)) <= 900_000)
  assert.equal((await leftovers(directory)).contents, manager.entryCount)
  await manager.resize({ maxSize: 400_000 })
  assert.ok(manager.size <= 400_000)
  assert.ok((await diskUse(directory)) <= 400_000)
  await manager.resize({ maxEntries: 2 })
  assert.ok(manager.entryCount <= 2)
  assert.equal((await leftovers(directory)).contents, manager.entryCount)
  const { evictions, refusals } = manager.stats()
  assert.ok(evictions >= 18 && evictions + refusals >= 58)
})

test('a smaller limit lets go of what can never fit, and keeps what still does', async (t) => {
  const { manager } = await startCache(t)
  for (const name of ['a', 'b']) await manager.put(`https://example.com/${name}`, { body: 'small' })
  await manager.put('https://example.com/large', { body: Buffer.alloc(1_000_000) })
  await manager.resize({ maxSize: 500_000 })
  const keys: string[] = []
  for await (const { key } of manager.entries()) keys.push(key)
  assert.deepEqual(keys.sort(), ['https://example.com/a', 'https://example.com/b'])
})

test('stats count, and close() may be called again', async (t) => {
  const origin = await startOrigin(t, (_, response) =>
    response.writeHead(200, { 'cache-control': 'max-age=60' }).end('12345'),
  )
  const { manager, get } = await startCache(t)
  await get(`${origin.url}/`)
  await get(`${origin.url}/`)
  await get(`${origin.url}/`, { headers: { 'if-match': '"x"' } })
  const { hits, misses, bypasses, stores, bytesServed, bytesStored, entryCount, size } = manager.stats()
  assert.deepEqual(
    { hits, misses, bypasses, stores, bytesServed, bytesStored, entryCount, size },
    { hits: 1, misses: 1, bypasses: 1, stores: 1, bytesServed: 5, bytesStored: 5, entryCount: 1, size: 24_576 },
  )
  await manager.close()
  await manager.close()
  await assert.rejects(manager.get(URL_A), ClosedError)
  await assert.rejects(manager.put(URL_A, {}), { code: 'USC_ERR_CLOSED' })
  await assert.rejects(manager.clear(), ClosedError)
})

test('a temporary manager is gone with its directory', async () => {
  let directory = ''
  {
    await using manager = await StreamingManager.temporary()
    directory = manager.directory
    await manager.put(URL_A, { body: 'x' })
    assert.ok(existsSync(directory))
  }
  assert.equal(existsSync(directory), false)
})

test('directories and files are for their owner alone, whatever the umask', async (t) => {
  const before = process.umask(0)
  t.after(() => process.umask(before))
  const { manager, directory } = await startCache(t, { directory: join(await temporaryDirectory(), 'made', 'here') })
  await manager.put(URL_A, { body: 'x' })
  await manager.close()
  assert.equal((await stat(directory)).mode & 0o777, 0o700)
  for (const file of await filesIn(directory, '.')) assert.equal((await stat(file)).mode & 0o777, 0o600, file)
})

const wrong: [string, unknown][] = [
  ['maxEntries', 0],
  ['maxEntries', 1.5],
  ['maxEntries', '10'],
  ['maxEntries', 2 ** 24 + 1],
  ['maxSize', -1],
  ['maxSize', Number.NaN],
  ['maxBodySize', Infinity],
  ['maxHeaderSize', -1],
  ['maxQueueSize', 1.5],
  ['maxVariants', 0],
  ['maxStoreDelay', -1],
  ['maxRestoreDelay', -1],
  ['maxMemory', -1],
  ['maxUnwritten', 0.5],
  ['flushInterval', 2 ** 31],
  ['snapshotInterval', 2 ** 31],
  ['goal', 'hits'],
  ['clock', 12],
  ['maxAge', 1],
]

test('wrong options say what was expected and what came', async () => {
  const directory = await temporaryDirectory()
  for (const [name, value] of wrong) {
    await assert.rejects(
      StreamingManager.open(directory, { [name]: value }),
      (error) =>
        error instanceof InvalidOptionError &&
        error.option === name &&
        /^Expected `.+` to be .+, got .+/.test(error.message),
      `${name}: ${String(value)}`,
    )
  }
  await assert.rejects(StreamingManager.open(''), { code: 'USC_ERR_INVALID_OPTION', option: 'directory' })
  await assert.rejects(StreamingManager.open(directory, 5 as never), {
    code: 'USC_ERR_INVALID_OPTION',
    option: 'options',
  })
  await assert.rejects(StreamingManager.temporary({ maxEntries: 0 }), InvalidOptionError)
  const edges: ManagerOptions = {
    maxEntries: 1,
    maxSize: 1,
    maxBodySize: 0,
    maxHeaderSize: 0,
    maxQueueSize: 0,
    maxVariants: 1,
    maxStoreDelay: 0,
    snapshotInterval: 0,
  }
  await (await StreamingManager.open(directory, edges)).close()
})

test('wrong responses say so', async (t) => {
  const { manager } = await startCache(t)
  const responses = [
    { statusCode: 199 },
    { statusCode: 600 },
    { headers: { 'bad name': 'x' } },
    { headers: { good: 'bad\r\nvalue' } },
    { headers: { vary: '*' } },
  ]
  for (const response of responses) await assert.rejects(manager.put(URL_A, response), InvalidOptionError)
})

test('a directory that cannot be made is a DirectoryError', async () => {
  const file = join(await temporaryDirectory(), 'file')
  await writeFile(file, '')
  await assert.rejects(StreamingManager.open(file), (error) => {
    assert.ok(error instanceof DirectoryError)
    assert.equal(error.code, 'USC_ERR_DIRECTORY')
    assert.equal(error.directory, file)
    return true
  })
})

test('a directory in which others can write is refused, and folders in it that are links', async () => {
  assert.equal(whyNotOurs({ uid: 1000, mode: 0o40700 }, 1000), undefined)
  assert.equal(whyNotOurs({ uid: 0, mode: 0o40755 }, 1000), undefined, 'made by an administrator')
  assert.equal(whyNotOurs({ uid: 1000, mode: 0o40755 }, 0), undefined, 'a volume in a container')
  assert.equal(whyNotOurs({ uid: 1001, mode: 0o40777 }, undefined), undefined, 'no owners there')
  assert.match(whyNotOurs({ uid: 1001, mode: 0o40700 }, 1000) ?? '', /another user \(uid 1001\)/)
  assert.match(whyNotOurs({ uid: 1000, mode: 0o40777 }, 1000) ?? '', /everybody can write/)
  assert.equal(whyNotOurs({ uid: 0, mode: 0o41777 }, 1000), undefined, 'the system’s temporary folder')

  const open = await temporaryDirectory()
  await chmod(open, 0o777)
  await assert.rejects(StreamingManager.open(open), { name: 'DirectoryError', message: /everybody can write/ })
  const linked = await temporaryDirectory()
  await symlink(await temporaryDirectory(), join(linked, 'content-v2'))
  await assert.rejects(StreamingManager.open(linked), { name: 'DirectoryError' })
  const elsewhere = await temporaryDirectory()
  const link = join(await temporaryDirectory(), 'link')
  await symlink(elsewhere, link)
  await (await StreamingManager.open(link)).close()
  const nowhere = join(elsewhere, 'nowhere')
  await symlink(join(elsewhere, 'missing'), nowhere)
  await assert.rejects(StreamingManager.open(nowhere), { name: 'DirectoryError' })
})
