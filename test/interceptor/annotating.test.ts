/** The user's functions on responses: shouldStore, modifyResponse and metadata. */
import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { test } from 'node:test'
import type { JsonValue, ModifiedResponse } from '../../src/index.ts'
import { entriesOf, startCache } from '../helpers/cache.ts'
import { startAnnotated, validated } from '../helpers/annotated.ts'
import { control } from '../rfc9111/stage.ts'

test('shouldStore: false keeps a response from being stored', async (t) => {
  const seen: unknown[] = []
  const { get, keys, origin, faults } = await startAnnotated(t, control('max-age=60', { 'x-a': ['1', '2'] }), {
    shouldStore: ({ method, url, headers }, response) => {
      seen.push([method, url.replace(origin.url, ''), headers['x-mine'], response.statusCode, response.headers['x-a']])
      return !url.endsWith('/no')
    },
  })
  assert.equal((await get('/no', { 'X-Mine': '1' })).cache, 'fwd=uri-miss')
  assert.equal((await get('/yes')).cache, 'fwd=uri-miss; stored')
  assert.deepEqual(await keys(), ['/yes'])
  assert.deepEqual(seen, [
    ['GET', '/no', '1', 200, ['1', '2']],
    ['GET', '/yes', undefined, 200, ['1', '2']],
  ])
  assert.equal(faults.length, 0)
})

test('shouldStore is not asked for what may not be stored', async (t) => {
  let asked = 0
  const { get } = await startAnnotated(t, control('no-store'), { shouldStore: () => ++asked > 0 })
  await get()
  assert.equal(asked, 0)
})

const notBoolean: Record<string, () => unknown> = {
  throws: () => {
    throw new Error('none of your business')
  },
  'returns nothing': () => undefined,
  'returns a promise': async () => false,
}

for (const [name, shouldStore] of Object.entries(notBoolean)) {
  test(`a shouldStore that ${name} is an event, and the response is stored`, async (t) => {
    const { get, faults } = await startAnnotated(t, control('max-age=60'), {
      shouldStore: shouldStore as () => boolean,
    })
    assert.equal((await get()).cache, 'fwd=uri-miss; stored')
    assert.deepEqual(
      faults.map(({ operation }) => operation),
      ['shouldStore'],
    )
  })
}

test('modifyResponse: hits have what it returns, the one who has brought it has what came', async (t) => {
  const { get, clock, count } = await startAnnotated(
    t,
    { fields: { 'set-cookie': 'a=1', 'x-kept': ['1', '2'], 'content-type': 'text/plain' }, body: 'body' },
    {
      modifyResponse: (_, { headers }) => ({
        headers: { ...headers, 'set-cookie': undefined, 'cache-control': 'max-age=10', 'X-New': ['a', 'b'] },
      }),
    },
  )
  const miss = await get()
  assert.equal(miss.headers['set-cookie']?.toString(), 'a=1')
  assert.equal(miss.headers['x-new'], undefined)
  const hit = await get()
  assert.equal(hit.cache, 'hit; ttl=10')
  assert.equal(hit.text, 'body')
  assert.equal(hit.headers['set-cookie'], undefined)
  assert.deepEqual(hit.headers['x-new'], ['a', 'b'])
  assert.deepEqual(hit.headers['x-kept'], ['1', '2'])
  clock.pass(10)
  assert.equal((await get()).cache, 'fwd=stale; stored')
  assert.equal(count(), 2)
})

test('modifyResponse: who has waited for the response of another gets what it returns', async (t) => {
  const arrived = Promise.withResolvers<() => void>()
  const { get, count } = await startAnnotated(
    t,
    (_, __, response) => {
      arrived.resolve(() => response.writeHead(200, { 'cache-control': 'max-age=60', 'x-secret': '1' }).end('body'))
      return undefined
    },
    { modifyResponse: (_, { headers }) => ({ headers: { ...headers, 'x-secret': undefined } }) },
  )
  const asked = [get(), get()]
  const answerIt = await arrived.promise
  answerIt()
  const [leader, follower] = await Promise.all(asked)
  assert.equal(leader?.headers['x-secret'], '1')
  assert.match(follower?.cache ?? '', /collapsed/)
  assert.equal(follower?.headers['x-secret'], undefined)
  assert.equal(count(), 1)
})

test('modifyResponse: another status, with its reason phrase; rules look at what it returns', async (t) => {
  const { get } = await startAnnotated(t, control('max-age=60'), {
    modifyResponse: () => ({ statusCode: 404 }),
    rules: [{ status: 404, ttl: 5 }],
  })
  assert.equal((await get()).statusCode, 200)
  const hit = await get()
  assert.equal(hit.statusCode, 404)
  assert.equal(hit.cache, 'hit; ttl=5')
})

test('modifyResponse: framing, validators and dates stay those of the origin, and what is of one hop goes', async (t) => {
  const fields = {
    'cache-control': 'max-age=60',
    etag: '"e"',
    'last-modified': 'Wed, 21 Oct 2015 07:28:00 GMT',
    date: new Date().toUTCString(),
    'content-encoding': 'identity',
    'content-length': '4',
    connection: 'x-hop, keep-alive',
    'x-hop': '1',
  }
  const { get, cache, origin } = await startAnnotated(
    t,
    { fields },
    {
      modifyResponse: () => ({
        headers: [
          ['ETag', '"other"'],
          ['content-length', '1'],
          ['Date', 'never'],
          ['transfer-encoding', 'gzip'],
          ['Keep-Alive', 'timeout=5'],
          ['x-hop', '2'],
          ['age', '1000'],
          ['cache-control', 'max-age=30'],
        ],
      }),
    },
  )
  await get()
  const hit = await get()
  assert.match(hit.cache, /^hit; ttl=(?:30|29)$/)
  assert.equal(hit.text, 'body')
  const stored = await cache.manager.get(`${origin.url}/`)
  stored?.body.destroy()
  assert.deepEqual(stored?.headers, {
    etag: '"e"',
    'last-modified': fields['last-modified'],
    date: fields.date,
    'content-encoding': 'identity',
    'content-length': '4',
    'cache-control': 'max-age=30',
  })
})

test('modifyResponse is called again with what a validation has updated', async (t) => {
  const fields = { 'cache-control': 'max-age=10', 'x-secret': '1' }
  const { get, clock, received, count } = await startAnnotated(t, validated(fields, { ...fields, 'x-other': '2' }), {
    modifyResponse: (_, { headers }) => ({ headers: { ...headers, 'cache-control': 'max-age=20', 'x-secret': [] } }),
  })
  await get()
  clock.pass(20)
  const after = await get()
  assert.equal(received(2)['if-none-match'], '"e"')
  assert.match(after.cache, /fwd-status=304; ttl=20/)
  assert.equal(after.headers['x-secret'], undefined)
  assert.equal(after.headers['x-other'], '2')
  clock.pass(19)
  assert.equal((await get()).cache, 'hit; ttl=1')
  assert.equal(count(), 2)
})

test('modifyResponse: a Vary of its own selects', async (t) => {
  const { get, count } = await startAnnotated(t, control('max-age=60', { vary: 'user-agent' }), {
    modifyResponse: (_, { headers }) => ({ headers: { ...headers, vary: 'x-kind' } }),
  })
  await get('/', { 'user-agent': 'a', 'x-kind': '1' })
  await get('/', { 'user-agent': 'b', 'x-kind': '1' })
  assert.equal(count(), 1)
  await get('/', { 'user-agent': 'a', 'x-kind': '2' })
  assert.equal(count(), 2)
})

const malformed: Record<string, () => unknown> = {
  throws: () => {
    throw new Error('no')
  },
  'returns a promise': async () => ({ headers: {} }),
  'returns a text': () => 'x',
  'returns null': () => null,
  'returns a status that is none': () => ({ statusCode: 99 }),
  'returns a status without content': () => ({ statusCode: 204 }),
  'returns a partial status': () => ({ statusCode: 206 }),
  'returns a name that is none': () => ({ headers: { 'a b': '1' } }),
  'returns a value that splits': () => ({ headers: { a: '1\r\nb: 2' } }),
  'returns a value that is not of bytes': () => ({ headers: { a: 'Ω' } }),
  'returns a value that is no text': () => ({ headers: { a: 1 } }),
}

for (const [name, modifyResponse] of Object.entries(malformed)) {
  test(`a modifyResponse that ${name} is an event, and nothing is stored`, async (t) => {
    const { get, keys, faults } = await startAnnotated(t, control('max-age=60'), {
      modifyResponse: modifyResponse as () => ModifiedResponse,
    })
    const { statusCode, text, cache } = await get()
    assert.deepEqual([statusCode, text, cache], [200, 'body', 'fwd=uri-miss'])
    assert.deepEqual(await keys(), [])
    assert.deepEqual(
      faults.map(({ operation }) => operation),
      ['modifyResponse'],
    )
  })
}

test('a modifyResponse that fails at a validation: the request is answered, and what is stored goes', async (t) => {
  let calls = 0
  const { get, clock, keys, faults } = await startAnnotated(t, validated({ 'cache-control': 'max-age=10' }), {
    modifyResponse: () => {
      if (++calls > 1) throw new Error('no')
      return undefined
    },
  })
  await get()
  clock.pass(10)
  assert.equal((await get()).text, 'body')
  assert.deepEqual(await keys(), [])
  assert.equal(faults.length, 1)
})

test('modifyResponse lets what is private be stored only where it takes the word out', async (t) => {
  const kept = await startAnnotated(t, control('private, max-age=60'), { modifyResponse: () => undefined })
  assert.equal((await kept.get()).cache, 'fwd=uri-miss')
  const taken = await startAnnotated(t, control('private, max-age=60'), {
    modifyResponse: () => ({ headers: { 'cache-control': 'max-age=60' } }),
  })
  assert.equal((await taken.get()).cache, 'fwd=uri-miss; stored')
})

test('metadata is read from get and entries, after validations and restarts too', async (t) => {
  const noted: JsonValue = { user: 'ä', list: [1, null, true], ['__proto__']: { x: 1 } }
  const { get, clock, cache, origin } = await startAnnotated(t, validated({ 'cache-control': 'max-age=10' }), {
    metadata: ({ url }, { statusCode }) => (url.endsWith('/') ? { noted, statusCode } : undefined),
  })
  await get()
  await get('/without')
  const read = async (manager = cache.manager) => {
    const stored = await manager.get(`${origin.url}/`)
    stored?.body.destroy()
    const listed = await entriesOf(manager)
    return [stored?.metadata, ...listed.map(({ metadata }) => metadata).filter((metadata) => metadata !== undefined)]
  }
  const expected = [
    { noted, statusCode: 200 },
    { noted, statusCode: 200 },
  ]
  assert.deepEqual(await read(), expected)
  clock.pass(10)
  assert.match((await get()).cache, /fwd-status=304/)
  assert.deepEqual(await read(), expected)
  await cache.manager.close()
  const again = await startCache(t, { directory: cache.directory })
  assert.deepEqual(await read(again.manager), expected)
  await again.manager.close()
  await rm(`${cache.directory}/snapshot`)
  const rebuilt = await startCache(t, { directory: cache.directory })
  assert.deepEqual(await read(rebuilt.manager), expected)
  assert.equal(await rebuilt.manager.purge({ predicate: ({ metadata }) => metadata !== undefined }), 1)
})

test('metadata of as many bytes as allowed is noted, one more is an event and is not', async (t) => {
  const { get, cache, faults } = await startAnnotated(t, control('max-age=60'), {
    metadata: ({ headers }) => headers['x-note'] ?? null,
    maxMetadataSize: 6,
  })
  await get('/1', { 'x-note': '1234' })
  await get('/2', { 'x-note': '12345' })
  await get('/3', { 'x-note': '\u00e4\u00e4' })
  await get('/4', { 'x-note': '\u00e4\u00e4\u00e4' })
  const notes = new Map((await entriesOf(cache.manager)).map(({ key, metadata }) => [key.slice(-1), metadata]))
  assert.deepEqual(
    [...notes].toSorted(([a], [b]) => a.localeCompare(b)),
    [
      ['1', '1234'],
      ['2', undefined],
      ['3', 'ää'],
      ['4', undefined],
    ],
  )
  assert.deepEqual(
    faults.map(({ operation }) => operation),
    ['metadata', 'metadata'],
  )
})

const unwritable: Record<string, () => unknown> = {
  throws: () => {
    throw new Error('no')
  },
  'returns what refers to itself': () => {
    const self: Record<string, unknown> = {}
    return Object.assign(self, { self })
  },
  'returns a BigInt': () => 1n,
  'returns a promise': async () => ({}),
  'returns a function': () => () => 1,
}

for (const [name, metadata] of Object.entries(unwritable)) {
  test(`a metadata that ${name} is an event, and the response is stored without`, async (t) => {
    const { get, cache, faults } = await startAnnotated(t, control('max-age=60'), {
      metadata: metadata as () => JsonValue,
    })
    assert.equal((await get()).cache, 'fwd=uri-miss; stored')
    assert.equal((await entriesOf(cache.manager))[0]?.metadata, undefined)
    assert.equal(faults.map(({ operation }) => operation).join(), 'metadata')
  })
}

test('what metadata and tags take on disk is counted', async (t) => {
  const { get, cache } = await startAnnotated(t, control('max-age=60'), {
    metadata: ({ url }) => (url.endsWith('/metadata') ? 'x'.repeat(90_000) : undefined),
    maxMetadataSize: 100_000,
    tags: ({ url }) => (url.endsWith('/tags') ? ['y'.repeat(90_000)] : []),
  })
  for (const path of ['/none', '/metadata', '/tags']) await get(path)
  const sizes = new Map((await entriesOf(cache.manager)).map(({ key, diskSize }) => [key.split('/').at(-1), diskSize]))
  assert.ok((sizes.get('metadata') ?? 0) >= (sizes.get('none') ?? 0) + 86_000)
  assert.ok((sizes.get('tags') ?? 0) >= (sizes.get('none') ?? 0) + 86_000)
})

const wrong: readonly [option: string, options: object][] = [
  ['shouldStore', { shouldStore: true }],
  ['modifyResponse', { modifyResponse: {} }],
  ['metadata', { metadata: 'x' }],
  ['bust', { bust: ['/a'] }],
  ['maxMetadataSize', { maxMetadataSize: -1 }],
  ['maxMetadataSize', { maxMetadataSize: 2 ** 20 + 1 }],
  ['maxMetadataSize', { maxMetadataSize: '4 KiB' }],
]

for (const [option, interceptor] of wrong) {
  test(`${JSON.stringify(interceptor)} is refused at construction`, async (t) => {
    await assert.rejects(startCache(t, { interceptor }), { code: 'USC_ERR_INVALID_OPTION', option })
  })
}

test('the bounds of maxMetadataSize are taken', async (t) => {
  for (const maxMetadataSize of [0, 2 ** 20]) await startCache(t, { interceptor: { maxMetadataSize } })
})
