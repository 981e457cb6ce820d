/** RFC 9111 section 4.1: calculating cache keys with the Vary header field. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { text } from 'node:stream/consumers'
import { createFetch } from '../../src/index.ts'
import { startCache, type TestCacheOptions } from '../helpers/cache.ts'
import { BOTH, control, date, stage, type Fields, type Reply, type RequestFields } from './stage.ts'

/** Header lines of a request: several of a name are an array. */
type Lines = Record<string, string | string[]>

/** Whether a response with this Vary to a request with the first lines answers one with the second. */
async function matches(t: TestContext, options?: TestCacheOptions) {
  let vary: string | string[] = ''
  let cases = 0
  const { cache, origin, count } = await stage(t, () => control('max-age=60', { vary }), options)
  const ask = async (path: string, headers: Lines) => {
    const { body } = await cache.dispatcher.request({ origin: origin.url, path, method: 'GET', headers })
    await body.dump()
  }
  return async (names: string | string[], first: Lines, second: Lines) => {
    vary = names
    const path = `/${++cases}`
    await ask(path, first)
    const before = count()
    await ask(path, second)
    return count() === before
  }
}

test('[A29, A37] all the fields that Vary nominates must match', async (t) => {
  const cases: [vary: string | string[], first: Lines, second: Lines, expected: boolean][] = [
    ['x-a', { 'x-a': '1' }, { 'x-a': '1' }, true],
    ['X-A', { 'x-a': '1' }, { 'X-a': '1' }, true],
    ['x-a', { 'x-a': '1' }, { 'x-a': '2' }, false],
    ['x-a', { 'x-a': '1' }, { 'x-a': '1', 'x-b': '1' }, true],
    ['x-a', { 'x-a': '1' }, {}, false],
    ['x-a', {}, { 'x-a': '1' }, false],
    ['x-a, x-b', { 'x-a': '1', 'x-b': '2' }, { 'x-b': '2', 'x-a': '1' }, true],
    ['x-a, x-b', { 'x-a': '1', 'x-b': '2' }, { 'x-a': '2', 'x-b': '1' }, false],
    ['x-a, x-b', { 'x-a': '1', 'x-b': '2' }, { 'x-a': '1' }, false],
    ['x-a, x-b', { 'x-a': '1' }, { 'x-b': '1' }, false],
    ['x-b,x-a', { 'x-a': '1', 'x-b': '2' }, { 'x-a': '1', 'x-b': '3' }, false],
    [['x-a', 'x-b'], { 'x-a': '1', 'x-b': '2' }, { 'x-a': '1', 'x-b': '3' }, false],
    ['x-a, x-b, x-c', { 'x-a': '1', 'x-b': '2', 'x-c': '3' }, { 'x-a': '1', 'x-b': '2', 'x-c': '3' }, true],
    ['x-c, x-b, x-a', { 'x-a': '1', 'x-b': '2', 'x-c': '3' }, { 'x-a': '1', 'x-b': '2', 'x-c': '4' }, false],
    ['x-a, x-b, x-c', { 'x-a': '1', 'x-b': '2', 'x-c': '3' }, { 'x-a': '1', 'x-c': '3' }, false],
  ]
  for (const options of BOTH) {
    const isMatch = await matches(t, options)
    for (const [vary, first, second, expected] of cases) {
      assert.equal(await isMatch(vary, first, second), expected, JSON.stringify([vary, first, second]))
    }
  }
})

test('[A37] each variant answers its own requests, whatever the order in which Vary has its names', async (t) => {
  for (const options of BOTH) {
    const { get, count } = await stage(
      t,
      ({ headers }, count) => ({
        ...control('max-age=60', { vary: count % 2 === 0 ? 'x-a, x-b' : 'X-B, X-A' }),
        body: `${String(headers['x-a'])}${String(headers['x-b'])}`,
      }),
      options,
    )
    const asked = ['1', '2'].flatMap((a) => ['1', '2'].map((b) => ({ 'x-a': a, 'x-b': b })))
    for (const round of [1, 2]) {
      for (const headers of asked) {
        assert.equal((await get('/', headers)).text, headers['x-a'] + headers['x-b'], `round ${round}`)
      }
    }
    assert.equal(count(), 4)
  }
})

test('[A38] only what means the same matches: white space, lines, and the order and case of weighted lists', async (t) => {
  const cases: [name: string, first: string | string[], second: string | string[], expected: boolean][] = [
    ['x-a', '1, 2', '1,2', true],
    ['x-a', '1, 2', '1 ,  2', true],
    ['x-a', '1, 2', ['1', '2'], true],
    ['x-a', '1, 2', '2, 1', false],
    ['x-a', '1, 2', '1 2', false],
    ['x-a', 'a', 'A', false],
    ['x-a', '"1,2"', '"1, 2"', false],
    ['accept-encoding', 'gzip, br', 'BR,gzip', true],
    ['accept-encoding', 'gzip, br', ['br', 'gzip'], true],
    ['accept-encoding', 'gzip', 'gzip, br', false],
    ['accept-encoding', 'gzip', 'gzip;q=0', false],
    ['accept-language', 'de, en;q=0.5', 'EN; q=0.5,de', true],
    ['accept-language', 'en', 'en;q=0.5', false],
    ['accept-language', 'de, en;q=0.5', 'de;q=0.5, en', false],
    ['accept-language', 'en', 'en-GB', false],
  ]
  for (const options of BOTH) {
    const isMatch = await matches(t, options)
    for (const [name, first, second, expected] of cases) {
      assert.equal(await isMatch(name, { [name]: first }, { [name]: second }), expected, `${name}: ${String(second)}`)
    }
  }
})

test('[A39] an absent field matches only an absent one: an empty one is there', async (t) => {
  for (const options of BOTH) {
    const isMatch = await matches(t, options)
    assert.equal(await isMatch('x-a', {}, {}), true)
    assert.equal(await isMatch('x-a', { 'x-a': '' }, { 'x-a': '' }), true)
    for (const present of ['', 'undefined', 'null']) {
      assert.equal(await isMatch('x-a', { 'x-a': present }, {}), false, present)
      assert.equal(await isMatch('x-a', {}, { 'x-a': present }), false, present)
    }
  }
})

test('[A40] a Vary with a member * never matches, not even the same request', async (t) => {
  for (const options of BOTH) {
    const isMatch = await matches(t, options)
    const same: Lines = { 'x-a': '1' }
    for (const vary of ['*', '*, *', 'x-a, *', '*, x-a', ', *', ['x-a', '*'], ['*', '*'], ' * ']) {
      assert.equal(await isMatch(vary, same, same), false, String(vary))
    }
    for (const vary of ['x-a', ', x-a,', '']) assert.equal(await isMatch(vary, same, same), true, vary)
    // Nor from then on when only a 304 says so.
    const { get, clock, count } = await stage(
      t,
      [
        control('max-age=10', { etag: '"e"' }),
        { status: 304, ...control('max-age=60', { etag: '"e"', vary: '*' }) },
        control('max-age=60', { etag: '"e"', vary: '*' }),
      ],
      options,
    )
    await get()
    clock.pass(20)
    for (const asked of [3, 4]) {
      await get()
      assert.equal(count(), asked)
    }
  }
})

/** What a cache with these stored responses, each to its own request, answers to a last request. */
async function chosen(
  t: TestContext,
  stored: readonly [headers: RequestFields, fields: (now: number) => Fields][],
  last: RequestFields,
  options: TestCacheOptions,
): Promise<string> {
  const { get, clock, count, cache, origin } = await stage(
    t,
    (_request, count): Reply => ({
      ...control('max-age=1000', stored[count - 1]?.[1](clock.now())),
      body: String(count),
    }),
    options,
  )
  for (const [headers] of stored) {
    await get('/', headers)
    clock.pass(1)
  }
  const hit = await get('/', last)
  assert.match(hit.cache, /^hit/)
  // The same after a restart, and for HEAD.
  await cache.manager.close()
  const next = await startCache(t, { ...options, directory: cache.directory, clock: clock.now })
  assert.equal((await next.get(`${origin.url}/`, { headers: last })).text, hit.text)
  const head = await next.get(`${origin.url}/`, { headers: last, method: 'HEAD' })
  assert.equal(head.headers['vary'], hit.headers['vary'])
  assert.equal(count(), stored.length)
  return hit.text
}

const dated = (vary: string, seconds: number) => (now: number) => ({ vary, date: date(now, seconds) })

test('[A35, A41] of several that match the most recent by its Date answers, whenever it came', async (t) => {
  const one: RequestFields = { 'x-a': '1', 'x-b': '2', 'x-c': '3' }
  const two: RequestFields = { 'x-a': '2', 'x-b': '1', 'x-c': '3' }
  const both = { 'x-a': '1', 'x-b': '1', 'x-c': '3' }
  const undated = (vary: string) => () => ({ vary })
  const invalid = (vary: string) => () => ({ vary, date: 'yesterday' })
  for (const options of BOTH) {
    const choose = (a: (now: number) => Fields, b: (now: number) => Fields) =>
      chosen(
        t,
        [
          [one, a],
          [two, b],
        ],
        both,
        options,
      )
    assert.equal(await choose(dated('x-a', 0), dated('x-b', -100)), '1')
    assert.equal(await choose(dated('x-b, x-c', 0), dated('x-b', -100)), '2', 'the first does not match')
    assert.equal(await choose(dated('x-a', -100), dated('x-b', 0)), '2')
    assert.equal(await choose(dated('x-a', 0), dated('x-b', -1)), '2', 'of one Date the later')
    const last: RequestFields = { 'x-a': '3', 'x-b': '1' }
    const third: [RequestFields, (now: number) => Fields] = [{ 'x-a': '3', 'x-b': '2' }, dated('x-a', -1)]
    const ofOneDate = await chosen(t, [[one, dated('x-a', 0)], [two, dated('x-b', 0)], third], last, options)
    assert.equal(ofOneDate, '3')
    // Where there is no Date, or none that is valid, the time of arrival stands for it.
    assert.equal(await choose(undated('x-a'), dated('x-b', -100)), '1')
    assert.equal(await choose(invalid('x-a'), dated('x-b', -100)), '1')
    assert.equal(await choose(dated('x-a', 100), undated('x-b')), '1')
    assert.equal(await choose(undated('x-a'), undated('x-b')), '2')
    assert.equal(await choose(invalid('x-a'), invalid('x-b')), '2')
  }
})

test('[A35] so it does where a URL is asked for and no request', async (t) => {
  const { get, clock, cache, origin } = await stage(t, ({ headers }, count) => ({
    ...control('max-age=1000', { vary: 'x-a', date: date(clock.now(), -Number(headers['x-a'])) }),
    body: String(count),
  }))
  for (const age of ['200', '0', '100']) await get('/', { 'x-a': age })
  const newest = await cache.manager.get(`${origin.url}/`)
  assert.equal(newest && (await text(newest.body)), '2')
})

test('[A42] a response without Vary does not stand before one that has it and matches, however recent', async (t) => {
  const preferring = { 'x-a': '1' }
  for (const options of BOTH) {
    for (const [seconds, empty] of [
      [0, ''],
      [-100, ''],
      [0, ' , '],
    ] as const) {
      const choose = (last: RequestFields) =>
        chosen(
          t,
          [
            [preferring, dated('x-a', -50)],
            [{}, dated(empty, seconds)],
          ],
          last,
          options,
        )
      assert.equal(await choose(preferring), '1')
      assert.equal(await choose({ 'x-a': '2' }), '2', 'the default is for those who ask for nothing that is there')
    }
    const several: [RequestFields, (now: number) => Fields][] = [
      [{ 'x-a': '1', 'x-b': '2' }, dated('x-a', -10)],
      [{ 'x-a': '2', 'x-b': '1' }, dated('x-b', -100)],
      [{}, dated('', 0)],
    ]
    assert.equal(await chosen(t, several, { 'x-a': '1', 'x-b': '1' }, options), '1')
  }
})

test('[A42] one that a validation has found wrong goes, also where its successor has another Vary or none', async (t) => {
  for (const options of BOTH) {
    for (const vary of ['', 'x-b']) {
      const { get, clock, count } = await stage(
        t,
        (_request, count) => ({
          // The successor comes from a server whose clock is behind.
          ...control('max-age=10', {
            vary: count === 1 ? 'x-a' : vary,
            date: date(clock.now(), count === 1 ? 0 : -60),
          }),
          body: String(count),
        }),
        options,
      )
      const headers = { 'x-a': '1', 'cache-control': 'max-stale=60' }
      await get('/', headers)
      assert.equal((await get('/', { 'x-a': '1', 'cache-control': 'no-cache' })).text, '2')
      assert.equal((await get('/', headers)).text, '2', vary)
      assert.equal(count(), 2)
    }
  }
})

test('[A42] a reload that brings a response without Vary takes the variant out that stood before it', async (t) => {
  for (const later of [200, 206, 503]) {
    const { cache, origin } = await stage(t, (_, count) =>
      count === 1
        ? { ...control('max-age=100', { vary: 'x-a' }), body: 'variant' }
        : { status: later, ...control('max-age=100'), body: `${count}` },
    )
    const fetchReload = createFetch(cache.manager)
    const get = async (mode: 'default' | 'reload'): Promise<string> => {
      const response = await fetchReload(origin.url, { cache: mode, headers: { 'x-a': '1' } })
      const body = await response.text()
      await cache.manager.runPendingTasks()
      return body
    }
    assert.equal(await get('default'), 'variant')
    assert.equal(await get('reload'), '2')
    assert.equal(await get('default'), later === 200 ? '2' : 'variant', `after ${later}`)
  }
})
