/** RFC 9111 section 5.2.2: directives of responses. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { test, type TestContext } from 'node:test'
import { gunzipSync, gzipSync } from 'node:zlib'
import { fetch, request } from 'undici'
import { startCache, type TestCacheOptions } from '../helpers/cache.ts'
import { BOTH, control, filesWith, LAST_MODIFIED, PRIVATE, reuse, stage, type Fields, type Reply } from './stage.ts'

/** A cache with one stale response, whose origin from now on does as told. */
async function stale(
  t: TestContext,
  value: string,
  options: TestCacheOptions,
  later: (response: ServerResponse) => void = (response) => response.destroy(),
) {
  const staged = await stage(
    t,
    (_request, count, response) => {
      if (count === 1) return { ...control(value, { etag: '"e"' }), body: 'stored' }
      later(response)
      return undefined
    },
    options,
  )
  await staged.get()
  staged.clock.pass(20)
  return staged
}

/** What a request is answered when the origin cannot be reached in any of these ways: statuses and bodies. */
async function unreachable(t: TestContext, value: string, options: TestCacheOptions): Promise<string[]> {
  const leave = { 'cache-control': 'max-stale, stale-if-error=100' }
  const reset = await stale(t, value, options)
  const answers = [await reset.get(), await reset.get('/', leave)]
  const gone = await stale(t, value, options)
  gone.origin.server.closeAllConnections()
  gone.origin.server.close()
  answers.push(await gone.get(), await gone.get('/', leave))
  const silent = await stale(t, value, options, () => {})
  const { dispatcher } = silent.cache
  const timedOut = await request(silent.origin.url, { dispatcher, headersTimeout: 50 })
  const texts = answers.map(({ statusCode, text }) => `${statusCode} ${text}`)
  return [...texts, `${timedOut.statusCode} ${await timedOut.body.text()}`]
}

const FORBIDDEN = Array.from({ length: 5 }, () => '504 ')
const ALLOWED = Array.from({ length: 5 }, () => '200 stored')

/** All at once: undici takes a second to find that an origin is silent. */
async function everyWay(
  t: TestContext,
  values: readonly string[],
  expected: (options: TestCacheOptions) => string[],
): Promise<void> {
  const cases = BOTH.flatMap((options) => values.map((value) => ({ options, value })))
  await Promise.all(
    cases.map(async ({ options, value }) => {
      assert.deepEqual(await unreachable(t, value, options), expected(options), value)
    }),
  )
}

// That each directive is obeyed, A90, is what all tests of this file say.
test('[A90, A91] must-revalidate: never stale; where the origin cannot be reached the answer is 504', async (t) => {
  await everyWay(t, ['max-age=10'], () => ALLOWED)
  await everyWay(t, ['max-age=10, must-revalidate', 'Must-Revalidate, max-age=10, stale-if-error=60'], () => FORBIDDEN)
  for (const options of BOTH) {
    const reused = await reuse(t, options)
    assert.equal(await reused(control('max-age=10, must-revalidate'), { pass: 5 }), true, 'fresh, it is used')
    assert.equal(await reused(control('max-age=10, must-revalidate, stale-while-revalidate=60'), { pass: 20 }), false)
  }
})

test('[A91] a caller that leaves meanwhile gets its own error, and nothing stale', async (t) => {
  for (const options of BOTH) {
    const { cache, origin } = await stale(t, 'max-age=10, must-revalidate', options, () => {})
    const controller = new AbortController()
    const asked = request(origin.url, { dispatcher: cache.dispatcher, signal: controller.signal })
    await once(origin.server, 'request')
    controller.abort(new Error('left'))
    await assert.rejects(asked, { message: 'left' })
  }
})

test('[A92] must-understand: no-store beside it is ignored where the status is understood', async (t) => {
  for (const options of BOTH) {
    const reused = await reuse(t, options)
    const value = 'no-store, must-understand, max-age=60'
    for (const status of [200, 404]) assert.equal(await reused({ status, ...control(value) }), true)
    assert.equal(await reused({ status: 200, ...control('must-understand, max-age=60') }), true)
    assert.equal(await reused({ status: 200, ...control(value) }, { pass: 61 }), false)
    assert.equal(await reused({ status: 599, ...control(value) }), false)
    assert.equal(await reused({ status: 299, ...control('must-understand, max-age=60') }), false)
  }
})

test('[A93] no-cache: not without successful validation, be it fresh, allowed stale or out of reach', async (t) => {
  await everyWay(t, ['no-cache', 'max-age=60, No-Cache', 'no-cache, stale-if-error=60'], () => FORBIDDEN)
  for (const options of BOTH) {
    const reused = await reuse(t, options)
    const maxStale = { 'cache-control': 'max-stale' }
    for (const value of ['no-cache, max-age=60', 'max-age=60, no-cache, stale-while-revalidate=60, immutable']) {
      assert.equal(await reused(control(value, { etag: '"e"' }), { first: {}, second: maxStale }), false, value)
    }
    const { get } = await stage(
      t,
      [
        { ...control('no-cache', { etag: '"e"' }), body: 'stored' },
        { status: 304, fields: { etag: '"e"' } },
        { status: 500, body: 'failing' },
      ],
      options,
    )
    await get()
    assert.deepEqual([(await get()).text, (await get()).text], ['stored', 'failing'])
  }
})

/** The fields x-a, x-b and x-c of what answers after a first exchange. */
async function kept(
  t: TestContext,
  value: string,
  options: TestCacheOptions,
): Promise<(string | undefined)[] | 'none'> {
  const fields = { etag: '"e"', 'x-a': '1', 'X-B': '2', 'x-c': '3' }
  const { get } = await stage(t, control(value, fields), options)
  const first = await get()
  assert.deepEqual([first.headers['x-a'], first.headers['x-b']], ['1', '2'], 'whom it is for gets all')
  const { headers, cache } = await get()
  return cache.startsWith('hit') ? ['x-a', 'x-b', 'x-c'].map((name) => headers[name]?.toString()) : 'none'
}

const QUALIFIED: [list: string, kept: (string | undefined)[] | 'none'][] = [
  ['="x-a"', [undefined, '2', '3']],
  ['="X-A"', [undefined, '2', '3']],
  ['="x-b"', ['1', undefined, '3']],
  ['="x-a, x-b"', [undefined, undefined, '3']],
  ['="x-a ,x-b", foo', [undefined, undefined, '3']],
  ['="x-unknown"', ['1', '2', '3']],
  // What is not exactly of its grammar holds for the whole response.
  ['="x-a', 'none'],
  ['=x-a', 'none'],
  ['=""', 'none'],
  ['="x a"', 'none'],
  [' = "x-a"', 'none'],
]

test('[A94] no-cache with names: those fields are not replayed, the rest is', async (t) => {
  for (const options of BOTH) {
    for (const [list, expected] of QUALIFIED) {
      for (const name of ['no-cache', 'No-Cache']) {
        assert.deepEqual(await kept(t, `max-age=60, ${name}${list}`, options), expected, name + list)
      }
    }
    assert.equal(await kept(t, 'max-age=60, no-cache="x-a", no-cache', options), 'none')
    assert.deepEqual(await kept(t, 'no-cache="x-a", max-age=60, no-cache="x-b"', options), [undefined, undefined, '3'])
  }
})

test('[A94, A97] nor does a validation bring them back', async (t) => {
  for (const [value, options] of [
    ['max-age=10, no-cache="x-a"', {}],
    ['max-age=10, no-cache="x-a"', PRIVATE],
    ['max-age=10, private="x-a"', {}],
  ] as const) {
    const { get, clock, count } = await stage(
      t,
      [
        control(value, { etag: '"e"', 'x-a': '1', 'x-b': '1' }),
        { status: 304, fields: { etag: '"e"', 'x-a': '2', 'x-b': '2' } },
      ],
      options,
    )
    await get()
    clock.pass(20)
    await get()
    const { headers } = await get()
    assert.deepEqual([headers['x-a'], headers['x-b']], [undefined, '2'], value)
    assert.equal(count(), 2)
  }
})

test('[A95] no-store: no part of the response is in any file, before and after the manager closes', async (t) => {
  for (const options of BOTH) {
    for (const value of ['no-store', 'max-age=60, No-Store', 'private, no-store, max-age=60']) {
      const planted: Reply = {
        ...control(value, { etag: '"planted-tag"' }),
        body: `planted-body ${'x'.repeat(200_000)}`,
      }
      const { get, cache, count } = await stage(
        t,
        ({ url }) => (url === '/kept' ? control('max-age=60') : planted),
        options,
      )
      await get('/planted-path', { 'x-of-request': 'planted-request' })
      await get('/planted-path', { 'x-of-request': 'planted-request' })
      assert.equal(count(), 2)
      await get('/kept')
      await cache.manager.runPendingTasks()
      assert.deepEqual(await filesWith(cache.directory, 'planted'), [])
      assert.notDeepEqual(await filesWith(cache.directory, '/kept'), [], 'what is stored is found so')
      await cache.manager.close()
      assert.deepEqual(await filesWith(cache.directory, 'planted'), [])
    }
  }
})

test('[A95] what was stored goes when the origin now says no-store', async (t) => {
  for (const options of BOTH) {
    for (const status of [200, 304]) {
      const { get, cache, clock } = await stage(
        t,
        [
          { ...control('max-age=10', { etag: '"e"' }), body: 'planted-body' },
          { status, ...control('no-store', { etag: '"e"' }), body: 'planted-new' },
        ],
        options,
      )
      await get()
      await cache.manager.runPendingTasks()
      assert.equal((await filesWith(cache.directory, 'planted-body')).length, 1)
      clock.pass(20)
      assert.equal((await get()).text, status === 200 ? 'planted-new' : 'planted-body')
      assert.equal(cache.manager.entryCount, 0)
      await cache.manager.runPendingTasks()
      assert.deepEqual(await filesWith(cache.directory, 'planted'), [])
    }
  }
})

// Not only beside no-transform: this cache transforms nothing.
test('[A96] content is stored and given as it came, its coding too', async (t) => {
  const text = 'the same again and again '.repeat(10_000)
  const gzipped = gzipSync(text)
  for (const options of BOTH) {
    for (const value of ['max-age=60', 'max-age=60, no-transform']) {
      const fields: Fields = { 'content-encoding': 'gzip', 'content-length': String(gzipped.length) }
      const { get, origin, cache, count } = await stage(t, { ...control(value, fields), body: gzipped }, options)
      const decoded = async (dispatcher = cache.dispatcher) => {
        const response = await fetch(`${origin.url}/`, { dispatcher })
        assert.equal(response.headers.get('content-encoding'), 'gzip')
        return await response.text()
      }
      assert.equal(await decoded(), text)
      assert.equal(await decoded(), text)
      const { body, headers, cache: status } = await get()
      assert.match(status, /^hit/)
      assert.ok(body.equals(gzipped))
      assert.equal(gunzipSync(body).toString(), text)
      assert.deepEqual([headers['content-encoding'], headers['content-length']], ['gzip', String(gzipped.length)])
      await cache.manager.close()
      const next = await startCache(t, { ...options, directory: cache.directory })
      assert.ok((await next.get(`${origin.url}/`)).body.equals(gzipped))
      assert.equal(await decoded(next.dispatcher), text)
      assert.equal(count(), 1)
    }
  }
})

test('[A97] private with names: a shared cache does not store those fields, a private one does', async (t) => {
  for (const [list, expected] of QUALIFIED) {
    assert.deepEqual(await kept(t, `max-age=60, private${list}`, {}), expected, list)
    assert.deepEqual(await kept(t, `max-age=60, private${list}`, PRIVATE), ['1', '2', '3'], list)
  }
  const { get, cache } = await stage(t, control('max-age=60, private="x-a"', { 'x-a': 'planted' }))
  await get()
  await cache.manager.close()
  assert.deepEqual(await filesWith(cache.directory, 'planted'), [])
})

test('[A98] private: a private cache may store what nothing else allows to be stored', async (t) => {
  for (const value of ['private', 'private="x-a"']) {
    const reply = { status: 403, ...control(value, { 'last-modified': LAST_MODIFIED }), body: 'mine' }
    for (const options of BOTH) {
      const { get, received, cache } = await stage(t, reply, options)
      await get()
      await get()
      assert.equal(cache.manager.entryCount, options === PRIVATE ? 1 : 0, value)
      // It has no lifetime: section 4.2.2 gives a heuristic one to its status only where it is `public`.
      assert.equal(received(2)['if-modified-since'], options === PRIVATE ? LAST_MODIFIED : undefined)
    }
  }
})

test('[A99] proxy-revalidate: not stale out of a shared cache; it does not bind a private one', async (t) => {
  const value = 'max-age=10, Proxy-Revalidate'
  await everyWay(t, [value], (options) => (options === PRIVATE ? ALLOWED : FORBIDDEN))
  for (const options of BOTH) {
    const reused = await reuse(t, options)
    const how = { first: {}, second: { 'cache-control': 'max-stale' } }
    assert.equal(await reused(control(value), { ...how, pass: 20 }), options === PRIVATE)
    assert.equal(await reused(control(value), { ...how, pass: 5 }), true, 'fresh, it is used')
  }
})

test('[A100] public: stored though its status or credentials would not allow it, and fresh by a guess', async (t) => {
  for (const options of BOTH) {
    const reused = await reuse(t, options)
    const modified = { 'last-modified': LAST_MODIFIED }
    assert.equal(await reused({ status: 599, ...control('Public', modified) }), true)
    assert.equal(await reused({ status: 599, fields: modified }), false)
    assert.equal(await reused({ status: 599, ...control('public, no-store', modified) }), false)
    assert.equal(await reused(control('public, max-age=60'), { first: { authorization: 'Basic eDp5' } }), true)
  }
})

test('[A101] s-maxage: in a shared cache before max-age and Expires, and not stale; a private one ignores it', async (t) => {
  const far = 'Thu, 18 Aug 2050 02:01:18 GMT'
  const cases: [value: string, others: Fields, shared: boolean, alone: boolean][] = [
    ['s-maxage=60, max-age=1', {}, true, false],
    ['max-age=1, S-MaxAge=60', {}, true, false],
    ['s-maxage=1, max-age=60', {}, false, true],
    ['max-age=60, s-maxage=1', {}, false, true],
    ['s-maxage=60', { expires: '0' }, true, false],
    ['s-maxage=1', { expires: far }, false, true],
    ['s-maxage=60', {}, true, false],
    ['s-maxage=x, max-age=60', {}, false, true],
  ]
  for (const options of BOTH) {
    const reused = await reuse(t, options)
    for (const [value, others, shared, alone] of cases) {
      const expected = options === PRIVATE ? alone : shared
      assert.equal(await reused(control(value, others), { pass: 10 }), expected, value)
    }
    const maxStale = { first: {}, second: { 'cache-control': 'max-stale' }, pass: 20 }
    assert.equal(await reused(control('s-maxage=10, max-age=10'), maxStale), options === PRIVATE)
  }
  await everyWay(t, ['s-maxage=10, max-age=10'], (options) => (options === PRIVATE ? ALLOWED : FORBIDDEN))
})
