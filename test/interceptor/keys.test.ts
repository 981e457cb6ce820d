/** Cache keys of the user's own: a function, and queries of which some parameters are left out. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { getCacheStatus, type CacheInterceptorOptions } from '../../src/index.ts'
import { noteFaults } from '../helpers/faults.ts'
import { control, named, stage } from '../rfc9111/stage.ts'
import { answer, entriesOf, startCache } from '../helpers/cache.ts'

async function start(t: TestContext, interceptor: CacheInterceptorOptions) {
  const started = await stage(t, (_, count) => ({ ...control('max-age=60'), body: String(count) }), { interceptor })
  const keys = async (): Promise<string[]> =>
    (await entriesOf(started.cache.manager)).map(({ key }) => key.replace(started.origin.url, '')).toSorted()
  return { ...started, keys }
}

const queries: readonly [ignored: readonly (string | RegExp)[], path: string, key: string][] = [
  [['utm_*'], '/a?utm_source=x&id=1&utm_medium=y', '/a?id=1'],
  [['utm_*'], '/a?utm_source=x', '/a'],
  [['utm_*'], '/a?utm_source', '/a'],
  [['utm_*'], '/a?b=%2f&a=1&a=2', '/a?b=%2f&a=1&a=2'],
  [['utm_*'], '/a', '/a'],
  [['utm_*'], '/a?x=utm_source', '/a?x=utm_source'],
  [['a', 'b'], '/?a=1&ab=2&b=3', '/?ab=2'],
  [['A'], '/?a=1', '/?a=1'],
  [['a b'], '/?a+b=1&a%20b=2&c=3', '/?c=3'],
  [['a'], '/?%61=1', '/'],
  [['x'], '/?%=1&x=2', '/?%=1'],
  [[/^utm_/i, 'gclid'], '/?UTM_x=1&gclid=2&id=3', '/?id=3'],
  [['*'], '/a?b=1&c=2', '/a'],
  [[], '/a?b=1', '/a?b=1'],
]

for (const [ignoreQuery, path, key] of queries) {
  test(`without ${ignoreQuery.join()} the key of ${path} is ${key}`, async (t) => {
    const { get, keys, origin } = await start(t, { ignoreQuery })
    await get(path)
    assert.deepEqual(await keys(), [key])
    assert.equal(origin.requests[0]?.url, path, 'the origin is asked for what the caller has asked for')
    assert.match((await get(key)).cache, /^hit/)
  })
}

test('an unsafe request invalidates the key without what is left out', async (t) => {
  const { get, keys } = await start(t, { ignoreQuery: ['utm_*'] })
  await get('/a?utm_x=1')
  await get('/b')
  await get('/a?utm_y=2', {}, 'DELETE')
  assert.deepEqual(await keys(), ['/b'])
})

test('a URL in the place of the key: several are one', async (t) => {
  const { get, keys, origin, cache } = await start(t, {
    key: ({ url }) => url.replace(/\/session\/\w+/, '') + '#never',
  })
  await get('/session/1/a')
  assert.equal((await get('/session/2/a')).text, '1')
  assert.deepEqual(await keys(), ['/a'])
  assert.ok(await cache.manager.delete(`${origin.url}/a`))
})

test('another text is a key of its origin', async (t) => {
  const options: CacheInterceptorOptions = { key: ({ headers }) => headers['x-operation'] }
  const started = await start(t, options)
  const { get, keys, cache, origin, count } = started
  await get('/graphql?1', { 'X-Operation': 'user #1' })
  assert.match((await get('/graphql?2', { 'x-operation': 'user #1' })).cache, /^hit/)
  await get('/graphql?3')
  assert.deepEqual(await keys(), ['/#key=user%20%231', '/graphql?3'])
  const stored = await cache.manager.get(`${origin.url}/#key=user%20%231`)
  assert.equal(await stored?.body.toArray().then(String), '1')
  const dispatcher = named(t, started, { interceptor: options })
  await answer(dispatcher, 'http://other.test/', { headers: { 'x-operation': 'user #1' } })
  assert.equal(count(), 3, 'another origin has another')
})

test('a key of its own is not purged with the root of its origin, but with the origin', async (t) => {
  const { get, keys, cache, origin } = await start(t, { key: ({ headers }) => headers['x-key'] })
  await get('/', { 'x-key': 'mine' })
  await get('/')
  assert.equal(await cache.manager.purge({ url: `${origin.url}/` }), 1)
  assert.deepEqual(await keys(), ['/#key=mine'])
  assert.equal(await cache.manager.purge({ origin: origin.url }), 1)
})

test('a HEAD is answered by what a GET has stored under a key', async (t) => {
  const { get, count } = await start(t, { key: () => 'one' })
  await get('/a')
  assert.match((await get('/b', {}, 'HEAD')).cache, /^hit/)
  assert.equal(count(), 1)
})

test('partition and host stay in the key', async (t) => {
  const options: CacheInterceptorOptions = { key: () => 'one', partition: 'p' }
  const { get, keys } = await start(t, options)
  await get('/a')
  await get('/a', { host: 'other.test' })
  assert.deepEqual(await keys(), ['/#key=one#host=other.test#partition=p', '/#key=one#partition=p'])
  assert.match((await get('/b', { host: 'other.test' })).cache, /^hit/)
})

test('groups are invalidated with keys, too (RFC 9875)', async (t) => {
  const groups = { 'cache-groups': '"g"', 'cache-control': 'max-age=60' }
  const respond = ({ method }: { method?: string | undefined }) =>
    method === 'POST' ? { fields: { 'cache-group-invalidation': '"g"' } } : { fields: groups }
  const { get, cache } = await stage(t, respond, {
    interceptor: { key: ({ url }) => (url.endsWith('/a') ? 'mine' : undefined) },
  })
  await get('/a')
  await get('/post', {}, 'POST')
  assert.equal(cache.manager.entryCount, 0)
})

test('user functions see the target, whatever the key is', async (t) => {
  const seen: string[] = []
  const { get, origin } = await start(t, {
    key: () => 'one',
    tags: ({ url }) => {
      seen.push(url)
      return []
    },
    rules: [{ path: '/a', ttl: 5 }],
  })
  await get('/a?x=1')
  assert.deepEqual(seen, [`${origin.url}/a?x=1`])
  assert.equal((await get('/b')).cache, 'hit; ttl=5')
})

const faulty: Record<string, () => unknown> = {
  throws: () => {
    throw new Error('no key')
  },
  'returns a number': () => 1,
  'returns nothing to name by': () => '',
  'returns a promise': async () => 'one',
  'returns what is no text': () => '\ud800',
}

for (const [name, key] of Object.entries(faulty)) {
  test(`a key function that ${name} is an event, and as good as none`, async (t) => {
    const faults = noteFaults(t)
    const { get, keys } = await start(t, { key: key as () => string, ignoreQuery: ['x'] })
    assert.equal((await get('/a?x=1')).statusCode, 200)
    assert.deepEqual(await keys(), ['/a'])
    assert.deepEqual(
      faults.map(({ operation }) => operation),
      ['key'],
    )
  })
}

test('what a key function does to the headers is nobody else`s', async (t) => {
  const { get, origin } = await start(t, {
    key: ({ headers }) => {
      Reflect.set(headers, 'authorization', 'mine')
      return undefined
    },
  })
  const { headers, cache } = await get('/')
  assert.equal(origin.requests[0]?.headers.authorization, undefined)
  assert.match(cache, /stored/)
  assert.equal(getCacheStatus({ headers })?.stored, true)
})

const wrong: readonly [option: string, options: object][] = [
  ['key', { key: 'text' }],
  ['ignoreQuery', { ignoreQuery: 'utm_*' }],
  ['ignoreQuery[1]', { ignoreQuery: ['a', 1] }],
  ['ignoreQuery[0]', { ignoreQuery: [''] }],
]

for (const [option, interceptor] of wrong) {
  test(`${JSON.stringify(interceptor)} is refused at construction`, async (t) => {
    await assert.rejects(startCache(t, { interceptor }), { code: 'USC_ERR_INVALID_OPTION', option })
  })
}
