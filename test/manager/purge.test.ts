/** Purging by URL, prefix, origin, tag and predicate, hard and soft. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { InvalidOptionError, type PurgeFilter } from '../../src/index.ts'
import { startCache, type TestCacheOptions } from '../helpers/cache.ts'
import { startOrigin } from '../helpers/origin.ts'

async function start(t: TestContext, options: TestCacheOptions = {}) {
  const origin = await startOrigin(t, ({ url, headers }, response) => {
    const isKnown = headers['if-none-match'] === '"e"'
    const fields = {
      'cache-control': 'max-age=100, stale-while-revalidate=0',
      etag: '"e"',
      'cache-tag': `all, of:${url}`,
    }
    response.writeHead(isKnown ? 304 : 200, fields).end(isKnown ? undefined : url)
  })
  const cache = await startCache(t, { interceptor: { tagsHeader: 'Cache-Tag' }, ...options })
  for (const path of ['/a/1', '/a/2', '/b/1']) await cache.get(origin.url + path)
  const state = async (): Promise<string> => {
    const kept: string[] = []
    for (const path of ['/a/1', '/a/2', '/b/1']) {
      const stored = await cache.manager.get(origin.url + path)
      stored?.body.destroy()
      if (stored !== undefined) kept.push(path)
    }
    return kept.join(' ')
  }
  return { ...cache, origin, state }
}

const cases: [name: string, filter: (url: string) => PurgeFilter, left: string][] = [
  ['url', (url) => ({ url: `${url}/a/1` }), '/a/2 /b/1'],
  ['prefix', (url) => ({ prefix: `${url}/a/` }), '/b/1'],
  ['origin', (url) => ({ origin: url }), ''],
  ['tag of one', () => ({ tag: 'of:/b/1' }), '/a/1 /a/2'],
  ['tag of all', () => ({ tag: 'all' }), ''],
  ['tag of none', () => ({ tag: 'al' }), '/a/1 /a/2 /b/1'],
  ['predicate', () => ({ predicate: ({ key, tags }) => key.endsWith('2') && tags.includes('all') }), '/a/1 /b/1'],
]

for (const [name, filter, left] of cases) {
  test(`purge by ${name} takes out what it says and nothing else, also after a restart`, async (t) => {
    const { manager, origin, state, directory } = await start(t)
    const count = left === '' ? 3 : 3 - left.split(' ').length
    assert.equal(await manager.purge(filter(origin.url)), count)
    assert.equal(await state(), left)
    await manager.close()
    const again = await startCache(t, { directory })
    const keys: string[] = []
    for await (const { key } of again.manager.entries()) keys.push(key.slice(origin.url.length))
    assert.equal(keys.toSorted().join(' '), left)
  })

  test(`purge by ${name} works on what only the disk knows`, async (t) => {
    const { manager, origin, directory } = await start(t)
    await manager.close()
    const again = await startCache(t, { directory })
    const count = left === '' ? 3 : 3 - left.split(' ').length
    assert.equal(await again.manager.purge(filter(origin.url)), count)
  })
}

test('a soft purge leaves all in place and lets the next request validate it', async (t) => {
  const { manager, origin, get } = await start(t)
  assert.equal(await manager.purge({ tag: 'all' }, { soft: true }), 3)
  assert.match((await get(`${origin.url}/a/1`)).cache, /^fwd=stale; fwd-status=304/)
  assert.match((await get(`${origin.url}/a/1`)).cache, /^hit/)
  // The tag is still there after the validation.
  assert.equal(await manager.purge({ tag: 'all' }), 3)
})

test('a soft purge outlives a restart', async (t) => {
  const { manager, origin, directory } = await start(t)
  await manager.purge({ origin: origin.url }, { soft: true })
  await manager.close()
  const { get, manager: second } = await startCache(t, { directory })
  await second.runPendingTasks()
  assert.match((await get(`${origin.url}/a/1`)).cache, /^fwd=stale; fwd-status=304/)
})

test("tags by a function of the user, whose faults are events and not the request's", async (t) => {
  const { get, manager, origin } = await start(t, {
    interceptor: {
      tags: ({ url, method, headers }, { statusCode, headers: fields }) => {
        if (url.endsWith('broken')) throw new Error('broken')
        return [`${method} ${statusCode} ${fields['etag']?.toString()} ${headers['x-a'] ?? ''}`.trim()]
      },
    },
  })
  await get(`${origin.url}/fn`, { headers: { 'x-a': 'b' } })
  assert.equal((await get(`${origin.url}/broken`)).text, '/broken')
  assert.equal(manager.stats().faults, 1)
  assert.equal(await manager.purge({ tag: 'GET 200 "e" b' }), 1)
})

test('a purge forbids what is being fetched for the same URL', async (t) => {
  let release = () => {}
  const origin = await startOrigin(t, (_, response) => {
    response.writeHead(200, { 'cache-control': 'max-age=100', 'content-length': 2 })
    response.write('a')
    release = () => response.end('b')
  })
  const { get, manager } = await startCache(t)
  const before = get(`${origin.url}/`)
  while (origin.requests.length === 0) await new Promise((resolve) => setImmediate(resolve))
  await manager.purge({ url: `${origin.url}/` })
  release()
  await before
  await manager.runPendingTasks()
  assert.equal(manager.entryCount, 0)
})

test('wrong filters are said to be so', async (t) => {
  const { manager } = await startCache(t)
  const wrong: unknown[] = [
    undefined,
    {},
    { url: '/a' },
    { prefix: 'ftp://a/' },
    { origin: '' },
    { tag: 1 },
    { predicate: 'x' },
    { tag: 'a', url: 'https://a/' },
    { everything: true },
  ]
  for (const filter of wrong) await assert.rejects(manager.purge(filter as PurgeFilter), InvalidOptionError)
  await assert.rejects(manager.purge({ tag: 'a' }, { soft: 1 as never }), InvalidOptionError)
})
