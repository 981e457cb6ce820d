/** RFC 9111 section 4.3.4: freshening stored responses with a 304. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { startCache, type TestCacheOptions } from '../helpers/cache.ts'
import { answer, BOTH, control, filesWith, LAST_MODIFIED, named, PRIVATE, stage, type Fields } from './stage.ts'

/** Whether a 304 with the second fields freshens a response with the first; if not, the origin is asked anew. */
async function freshens(t: TestContext, stored: Fields, validators: Fields, options?: TestCacheOptions) {
  const { get, clock, count, received } = await stage(
    t,
    [
      { ...control('max-age=10', stored), body: 'old' },
      { status: 304, fields: { ...validators, 'x-of-304': 'yes' } },
      { ...control('max-age=10', { etag: '"new"' }), body: 'new' },
    ],
    options,
  )
  await get()
  clock.pass(20)
  const answer = await get()
  const hit = await get()
  assert.match(hit.cache, /^hit/)
  assert.deepEqual([hit.text, hit.headers['etag']], [answer.text, answer.headers['etag']])
  const isFresh = count() === 2
  assert.equal(answer.text, isFresh ? 'old' : 'new')
  assert.equal(hit.headers['x-of-304'], isFresh ? 'yes' : undefined)
  if (!isFresh) {
    assert.equal(count(), 3)
    assert.deepEqual([received(3)['if-none-match'], received(3)['if-modified-since']], [undefined, undefined])
  }
  return isFresh
}

test('[A69] a 304 for another strong validator updates nothing: the origin is asked again, without conditions', async (t) => {
  for (const options of BOTH) {
    assert.equal(await freshens(t, { etag: '"e"' }, { etag: '"e"' }, options), true)
    assert.equal(await freshens(t, { etag: '"e"' }, { etag: '"other"' }, options), false)
    assert.equal(await freshens(t, { 'last-modified': LAST_MODIFIED }, { etag: '"e"' }, options), false)
    const both = { etag: '"e"', 'last-modified': LAST_MODIFIED }
    assert.equal(await freshens(t, both, { ...both, etag: '"other"' }, options), false)
  }
})

test('[A70] a weak validator is compared weakly; none is for the one response that was asked about', async (t) => {
  const modified = { 'last-modified': LAST_MODIFIED }
  const other = { 'last-modified': 'Wed, 21 Oct 2015 07:28:01 GMT' }
  const cases: [stored: Fields, validators: Fields, expected: boolean][] = [
    [{ etag: 'W/"e"' }, { etag: 'W/"e"' }, true],
    [{ etag: '"e"' }, { etag: 'W/"e"' }, true],
    [{ etag: '"e"' }, { etag: 'W/"other"' }, false],
    [modified, { etag: 'W/"e"' }, false],
    [modified, modified, true],
    [modified, other, false],
    [{ etag: '"e"', ...modified }, other, false],
    // Servers forget their validators: the condition that we sent had those of one stored response, and of no other.
    [{ etag: '"e"' }, {}, true],
    [modified, {}, true],
    [{ etag: '"e"' }, modified, true],
    [{}, {}, true],
    [{}, { etag: '"e"' }, false],
  ]
  for (const options of BOTH) {
    for (const [stored, validators, expected] of cases) {
      assert.equal(
        await freshens(t, stored, validators, options),
        expected,
        `${JSON.stringify(stored)} ${JSON.stringify(validators)}`,
      )
    }
  }
})

test('[A70] a strong tag for a weak one is a server that compresses; what is stored stays weak', async (t) => {
  const { get, clock, count } = await stage(t, [
    { ...control('max-age=10', { etag: 'W/"e"' }), body: '0123456789' },
    { status: 304, fields: { etag: '"e"', 'cache-control': 'max-age=100' } },
  ])
  await get()
  clock.pass(20)
  assert.equal((await get()).text, '0123456789')
  // Another’s bytes may have the strong tag: a part of these must not be put beside them.
  const { statusCode, headers } = await get('/', { range: 'bytes=0-1', 'if-range': '"e"' })
  assert.deepEqual([statusCode, headers['etag']], [200, 'W/"e"'])
  assert.equal(count(), 2)
  assert.equal(await freshens(t, { etag: 'W/"e"' }, { etag: '"other"' }), false)
})

test('[A70] of several responses that match, only the one that was asked about is asked about', async (t) => {
  const { get, clock, received } = await stage(t, ({ headers }, count) =>
    headers['if-none-match'] === undefined
      ? { ...control('max-age=10', { etag: `W/"${count}"`, vary: count === 1 ? 'x-a' : 'x-b' }), body: String(count) }
      : { status: 304 },
  )
  await get('/', { 'x-a': '1' })
  clock.pass(1)
  await get('/', { 'x-a': '2', 'x-b': '2' })
  clock.pass(20)
  const { text } = await get('/', { 'x-a': '1', 'x-b': '2' })
  assert.equal(text, '2')
  assert.equal(received(3)['if-none-match'], 'W/"2"')
  assert.match((await get('/', { 'x-a': '2', 'x-b': '2' })).cache, /^hit/)
  await get('/', { 'x-a': '1', 'x-b': '1' })
  assert.equal(received(4)['if-none-match'], 'W/"1"', 'the other one has not been freshened')
})

test('[A71] what a 304 has updated answers the next request, from memory and after a restart', async (t) => {
  for (const options of BOTH) {
    const { get, clock, count, cache, origin } = await stage(
      t,
      [
        { ...control('max-age=10', { etag: '"e"', 'x-a': 'old' }), body: 'stored' },
        { status: 304, fields: { etag: '"e"', 'cache-control': 'max-age=100', 'x-a': 'new' } },
      ],
      options,
    )
    await get()
    clock.pass(20)
    assert.equal((await get()).headers['x-a'], 'new')
    clock.pass(50)
    const hit = await get()
    assert.match(hit.cache, /^hit/)
    assert.deepEqual([hit.text, hit.headers['x-a'], hit.headers['age']], ['stored', 'new', '50'])
    await cache.manager.close()
    const { directory } = cache
    const next = await startCache(t, { ...options, directory, clock: clock.now })
    const again = await next.get(`${origin.url}/`)
    assert.match(again.cache, /^hit/)
    assert.deepEqual([again.text, again.headers['x-a']], ['stored', 'new'])
    assert.equal(count(), 2)
  }
})

test('[A71] every stored response that the request could select and that has the same strong tag is updated', async (t) => {
  const { get, clock, count, received } = await stage(t, ({ headers }, count) =>
    headers['if-none-match'] === undefined
      ? { ...control('max-age=10', { etag: count === 1 ? '"f"' : '"e"', vary: `x-${count}` }), body: String(count) }
      : { status: 304, fields: { etag: headers['if-none-match'], 'cache-control': 'max-age=100' } },
  )
  await get('/', { 'x-1': 'a' })
  await get('/', { 'x-1': 'b', 'x-2': 'a' })
  await get('/', { 'x-1': 'b', 'x-2': 'b', 'x-3': 'a' })
  clock.pass(20)
  await get('/', { 'x-1': 'a', 'x-2': 'a', 'x-3': 'a' })
  assert.deepEqual([count(), received(4)['if-none-match']], [4, '"e"'])
  for (const [second, third] of [
    ['a', 'b'],
    ['b', 'a'],
  ] as const) {
    const hit = await get('/', { 'x-1': 'b', 'x-2': second, 'x-3': third })
    assert.match(hit.cache, /^hit/)
    assert.equal(hit.text, second === 'a' ? '2' : '3')
  }
  assert.equal((await get('/', { 'x-1': 'a', 'x-2': 'b', 'x-3': 'b' })).text, '1')
  assert.deepEqual([count(), received(5)['if-none-match']], [5, '"f"'], 'another tag is not updated')
})

test('[A71] what may not be stored of a 304 updates nothing that others are given', async (t) => {
  const fields = { etag: '"e"', 'x-user': 'planted-name' }
  const cases: [update: Fields, request: Record<string, string>, options: TestCacheOptions][] = [
    [{}, { 'cache-control': 'no-store' }, {}],
    [{}, { 'cache-control': 'no-store' }, PRIVATE],
    [{}, { authorization: 'Basic eDp5' }, {}],
    [{}, { cookie: 'id=1' }, {}],
    [{ 'cache-control': 'private, max-age=100' }, {}, {}],
    [{ 'cache-control': 'no-store' }, {}, {}],
    [{ 'cache-control': 'no-store' }, {}, PRIVATE],
    [{ 'cache-control': 'max-age=100, private="x-user"' }, {}, {}],
    [{ 'cache-control': 'max-age=100, no-cache="x-user"' }, {}, PRIVATE],
  ]
  for (const [update, headers, options] of cases) {
    const { get, clock, cache } = await stage(
      t,
      [
        { ...control('max-age=10', { etag: '"e"' }), body: 'stored' },
        { status: 304, fields: { ...fields, ...update } },
        { status: 304, fields: { etag: '"e"' } },
      ],
      options,
    )
    await get()
    clock.pass(20)
    assert.equal((await get('/', headers)).text, 'stored')
    const { headers: ofOther } = await get('/', { 'cache-control': 'only-if-cached, max-stale' })
    assert.equal(ofOther['x-user'], undefined, JSON.stringify([update, headers]))
    await cache.manager.close()
    assert.deepEqual(await filesWith(cache.directory, 'planted-name'), [])
  }
  // The same where nothing forbids it is found: the search above can find.
  const { get, clock, cache } = await stage(t, [control('max-age=10', { etag: '"e"' }), { status: 304, fields }])
  await get()
  clock.pass(20)
  await get()
  assert.equal((await get()).headers['x-user'], 'planted-name')
  await cache.manager.close()
  assert.ok((await filesWith(cache.directory, 'planted-name')).length > 0)
})

test('[A71] nor does a private cache put what is one user’s into what it shares with others', async (t) => {
  const staged = await stage(t, [
    control('max-age=10', { etag: '"e"' }),
    { status: 304, fields: { etag: '"e"', 'x-user': 'one' } },
    { status: 304, fields: { etag: '"e"' } },
  ])
  const url = 'http://one.test/'
  const shared = named(t, staged)
  await answer(shared, url)
  staged.clock.pass(20)
  const ofUser = await answer(named(t, staged, PRIVATE), url, { headers: { authorization: 'Basic eDp5' } })
  assert.equal(ofUser.headers['x-user'], 'one')
  assert.equal((await answer(shared, url)).headers['x-user'], undefined)
})
