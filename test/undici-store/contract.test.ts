/**
 * What undici's documentation and its interceptor ask of a cache store, asked of ours and of undici's own: what those
 * do not pass either would be a mistake of the tests.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import type { CacheValue } from '../../src/undici-store/disk-cache-store.ts'
import { keyOf, KINDS, read, valueOf, write } from './stores.ts'

for (const kind of KINDS) {
  test(`${kind.name}: has nothing at first, and deletes what is not there`, async (t) => {
    const store = await kind.open(t)
    assert.equal(await store.get(keyOf('/a')), undefined)
    await store.delete(keyOf('/a'))
    assert.equal(await store.get(keyOf('/a')), undefined)
  })

  test(`${kind.name}: gives back what was stored: status, fields, times, directives, entity tag, body`, async (t) => {
    const store = await kind.open(t)
    const value = valueOf({
      statusCode: 203,
      statusMessage: 'Non-Authoritative Information',
      headers: { 'content-type': 'text/plain', link: ['<a>; rel=next', '<b>; rel=prev'], etag: '"1"' },
      etag: '"1"',
      cacheControlDirectives: { 'max-age': 60, public: true, 'no-cache': ['x-secret'], 'stale-if-error': 5 },
    })
    await write(store, keyOf('/a?b=1'), value, 'one ', 'two')
    const found = await read(store, keyOf('/a?b=1'))
    assert.ok(found)
    const { bytes: _bytes, text, vary, ...rest } = found
    assert.equal(text, 'one two')
    assert.ok(vary === undefined || vary === null)
    assert.deepEqual({ ...rest }, { ...value })
  })

  test(`${kind.name}: stores an empty body`, async (t) => {
    const store = await kind.open(t)
    await write(store, keyOf('/a'), valueOf({ statusCode: 301 }))
    const found = await read(store, keyOf('/a'))
    assert.deepEqual([found?.statusCode, found?.text], [301, ''])
  })

  test(`${kind.name}: keeps URLs, origins and methods apart`, async (t) => {
    const store = await kind.open(t)
    await write(store, keyOf('/a'), valueOf(), 'get')
    for (const other of [
      keyOf('/b'),
      keyOf('/a?'),
      keyOf('/A'),
      keyOf('/a', { origin: 'http://localhost:2' }),
      keyOf('/a', { origin: 'https://localhost:1' }),
      keyOf('/a', { method: 'HEAD' }),
      keyOf('/a', { method: 'OPTIONS' }),
    ])
      assert.equal(await store.get(other), undefined, JSON.stringify(other))
    await write(store, keyOf('/a', { method: 'HEAD' }), valueOf({ headers: { 'content-length': '3' } }))
    const head = await read(store, keyOf('/a', { method: 'HEAD' }))
    assert.deepEqual([head?.text, head?.headers['content-length']], ['', '3'])
    assert.equal((await read(store, keyOf('/a')))?.text, 'get')
  })

  test(`${kind.name}: selects by what Vary nominates, absent fields included`, async (t) => {
    const store = await kind.open(t)
    const asked = (accept?: string) => keyOf('/a', { headers: accept === undefined ? {} : { accept } })
    const varying = (accept: string | null): CacheValue => valueOf({ headers: { vary: 'accept' }, vary: { accept } })
    await write(store, asked('text/html'), varying('text/html'), 'html')
    await write(store, asked('text/plain'), varying('text/plain'), 'plain')
    assert.equal(await store.get(asked()), undefined)
    assert.equal(await store.get(asked('image/png')), undefined)
    await write(store, asked(), varying(null), 'none')
    const texts = [
      await read(store, asked('text/html')),
      await read(store, asked('text/plain')),
      await read(store, asked()),
    ]
    assert.deepEqual(
      texts.map((found) => found?.text),
      ['html', 'plain', 'none'],
    )
    assert.deepEqual(
      texts.map((found) => found?.vary?.['accept']),
      ['text/html', 'text/plain', null],
    )
  })

  test(`${kind.name}: selects by several fields, and by fields of several lines`, async (t) => {
    const store = await kind.open(t)
    const headers = { accept: ['text/html', 'text/plain'], 'accept-language': 'de' }
    await write(store, keyOf('/a', { headers }), valueOf({ vary: headers }), 'both')
    assert.equal((await read(store, keyOf('/a', { headers })))?.text, 'both')
    for (const other of [{ ...headers, 'accept-language': 'fr' }, { ...headers, accept: ['text/html'] }, {}])
      assert.equal(await store.get(keyOf('/a', { headers: other })), undefined)
  })

  test(`${kind.name}: overwrites what the same request would have selected, and only that`, async (t) => {
    const store = await kind.open(t)
    const [german, french] = ['de', 'fr'].map((language) => ({ 'accept-language': language }))
    assert.ok(german && french)
    await write(store, keyOf('/a', { headers: german }), valueOf({ vary: german }), 'alt')
    await write(store, keyOf('/a', { headers: french }), valueOf({ vary: french }), 'vieux')
    await write(store, keyOf('/a', { headers: german }), valueOf({ vary: german, etag: '"2"' }), 'neu')
    const found = await read(store, keyOf('/a', { headers: german }))
    assert.deepEqual([found?.text, found?.etag], ['neu', '"2"'])
    assert.equal((await read(store, keyOf('/a', { headers: french })))?.text, 'vieux')
  })

  test(`${kind.name}: a response with Vary comes in the place of one without`, async (t) => {
    const store = await kind.open(t)
    const [german, french] = ['de', 'fr'].map((language) => ({ 'accept-language': language }))
    assert.ok(german && french)
    await write(store, keyOf('/a', { headers: german }), valueOf(), 'for all')
    await write(store, keyOf('/a', { headers: german }), valueOf({ vary: german }), 'deutsch')
    assert.equal((await read(store, keyOf('/a', { headers: german })))?.text, 'deutsch')
    assert.equal(await store.get(keyOf('/a', { headers: french })), undefined)
  })

  test(`${kind.name}: deletes a URL with all its variants and methods, and no other`, async (t) => {
    const store = await kind.open(t)
    const german = { 'accept-language': 'de' }
    await write(store, keyOf('/a'), valueOf({ vary: { 'accept-language': null } }), 'none')
    await write(store, keyOf('/a', { headers: german }), valueOf({ vary: german }), 'deutsch')
    await write(store, keyOf('/a', { method: 'HEAD' }), valueOf())
    await write(store, keyOf('/b'), valueOf(), 'b')
    await store.delete(keyOf('/a', { method: 'POST' }))
    for (const gone of [keyOf('/a'), keyOf('/a', { headers: german }), keyOf('/a', { method: 'HEAD' })])
      assert.equal(await store.get(gone), undefined)
    assert.equal((await read(store, keyOf('/b')))?.text, 'b')
  })

  test(`${kind.name}: gives out what is stale, and not what is to be deleted`, async (t) => {
    const store = await kind.open(t)
    const now = Date.now()
    await write(store, keyOf('/a'), valueOf({ staleAt: now - 1000, deleteAt: now + 60_000 }), 'stale')
    await write(store, keyOf('/b'), valueOf({ staleAt: now - 2000, deleteAt: now - 1000 }), 'gone')
    assert.equal((await read(store, keyOf('/a')))?.text, 'stale')
    assert.equal(await store.get(keyOf('/b')), undefined)
  })

  test(`${kind.name}: a stream that is destroyed leaves nothing`, async (t) => {
    const store = await kind.open(t)
    for (const error of [undefined, new Error('the origin broke off')]) {
      const stream = store.createWriteStream(keyOf('/a'), valueOf())
      assert.ok(stream)
      stream.on('error', () => {})
      stream.write('half')
      const closed = new Promise((resolve) => stream.once('close', resolve))
      stream.destroy(error)
      await closed
      assert.equal(await store.get(keyOf('/a')), undefined)
    }
  })

  test(`${kind.name}: a body of several megabytes comes back byte for byte, to several readers at a time`, async (t) => {
    const store = await kind.open(t)
    const body = randomBytes(Math.min(kind.largest - 1, 20_000_001))
    const pieces = Array.from({ length: Math.ceil(body.length / 60_000) }, (_, i) =>
      body.subarray(i * 60_000, (i + 1) * 60_000),
    )
    await write(store, keyOf('/a'), valueOf(), ...pieces)
    const found = await Promise.all([read(store, keyOf('/a')), read(store, keyOf('/a')), read(store, keyOf('/a'))])
    for (const each of found) assert.ok(each?.bytes.equals(body))
  })

  test(`${kind.name}: refuses what is no key and no value`, async (t) => {
    const store = await kind.open(t)
    for (const key of [undefined, { ...keyOf('/a'), path: 1 }])
      await assert.rejects(async () => await store.get(key as never), TypeError)
    assert.throws(() => store.createWriteStream({ ...keyOf('/a'), origin: undefined as never }, valueOf()), TypeError)
    assert.throws(() => store.createWriteStream(keyOf('/a'), valueOf({ staleAt: '1' as never })), TypeError)
    assert.throws(() => store.createWriteStream(keyOf('/a'), valueOf({ etag: 1 as never })), TypeError)
    assert.throws(() => store.delete('http://localhost:1/a' as never), TypeError)
  })
}
