/** RFC 9111 section 4.3.5: freshening stored responses with HEAD. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BOTH, control, filesWith, LAST_MODIFIED, stage, type Fields } from './stage.ts'

const VALIDATORS = { etag: '"e"', 'last-modified': LAST_MODIFIED }

test('[A72, A74] a HEAD that finds the same updates the response to GET with its fields', async (t) => {
  const found: Fields[] = [
    { ...VALIDATORS, 'content-length': '4' },
    VALIDATORS,
    { etag: '"e"' },
    { 'last-modified': LAST_MODIFIED },
    { 'content-length': '4' },
  ]
  for (const options of BOTH) {
    for (const fields of found) {
      const { get, clock, count } = await stage(
        t,
        [
          control('max-age=10', { ...VALIDATORS, 'x-a': 'old', 'x-b': 'kept' }),
          control('max-age=100', { ...fields, 'x-a': 'new' }),
        ],
        options,
      )
      await get()
      clock.pass(20)
      assert.match((await get('/', {}, 'HEAD')).cache, /^fwd=/)
      clock.pass(50)
      const hit = await get()
      assert.match(hit.cache, /^hit/, JSON.stringify(fields))
      assert.equal(hit.text, 'body')
      assert.deepEqual(
        ['x-a', 'x-b', 'cache-control', 'etag', 'age'].map((name) => hit.headers[name]),
        ['new', 'kept', 'max-age=100', '"e"', '50'],
      )
      assert.equal(count(), 2)
    }
  }
})

test('[A73] a HEAD that finds another takes the response to GET out of use', async (t) => {
  const found: Fields[] = [
    { ...VALIDATORS, etag: '"f"' },
    { ...VALIDATORS, etag: 'W/"e"' },
    { ...VALIDATORS, 'last-modified': 'Wed, 21 Oct 2015 07:28:01 GMT' },
    { ...VALIDATORS, 'content-length': '5' },
  ]
  for (const options of BOTH) {
    for (const fields of found) {
      const { get, count } = await stage(
        t,
        [
          control('max-age=100', VALIDATORS),
          control('max-age=100', fields),
          { ...control('max-age=100'), body: 'new' },
        ],
        options,
      )
      await get()
      // Fresh, it would answer the HEAD itself.
      await get('/', { 'cache-control': 'no-cache' }, 'HEAD')
      assert.equal((await get('/', { 'cache-control': 'max-stale' })).text, 'new', JSON.stringify(fields))
      assert.equal(count(), 3)
    }
  }
})

test('[A72, A73] only a 200, and only what the HEAD could have selected; each of those', async (t) => {
  const { get, clock, count } = await stage(t, ({ method, url }, count) =>
    url === '/failing' && method === 'HEAD'
      ? { status: 500, fields: { etag: '"f"' } }
      : control('max-age=10', { etag: method === 'HEAD' ? '"f"' : '"e"', vary: `x-${count}` }),
  )
  await get('/', { 'x-1': 'a' })
  await get('/', { 'x-1': 'b', 'x-2': 'a' })
  await get('/', { 'x-1': 'c', 'x-2': 'b', 'x-3': 'a' })
  clock.pass(20)
  await get('/', { 'x-1': 'a', 'x-2': 'a', 'x-3': 'b' }, 'HEAD')
  const stale = { 'cache-control': 'only-if-cached, max-stale' }
  assert.equal((await get('/', { ...stale, 'x-1': 'a', 'x-2': 'b' })).statusCode, 504)
  assert.equal((await get('/', { ...stale, 'x-1': 'b', 'x-2': 'a' })).statusCode, 504)
  assert.equal((await get('/', { ...stale, 'x-1': 'c', 'x-2': 'b', 'x-3': 'a' })).statusCode, 200)
  await get('/failing')
  clock.pass(20)
  await get('/failing', {}, 'HEAD')
  assert.equal((await get('/failing', stale)).statusCode, 200)
  assert.equal(count(), 6)
})

test('[A72] what may not be stored of a HEAD updates nothing', async (t) => {
  for (const options of BOTH) {
    for (const [request, control] of [
      ['no-store', 'max-age=100'],
      ['no-cache', 'no-store'],
    ] as const) {
      const { get, clock, cache } = await stage(
        t,
        [
          { fields: { 'cache-control': 'max-age=10', etag: '"e"' } },
          { fields: { 'cache-control': control, etag: '"e"', 'x-user': 'planted-name' } },
        ],
        options,
      )
      await get()
      clock.pass(20)
      await get('/', { 'cache-control': request }, 'HEAD')
      const { headers } = await get('/', { 'cache-control': 'only-if-cached, max-stale' })
      assert.equal(headers['x-user'], undefined)
      await cache.manager.close()
      assert.deepEqual(await filesWith(cache.directory, 'planted-name'), [])
    }
  }
})
