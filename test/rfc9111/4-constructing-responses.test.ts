/** RFC 9111 section 4: constructing responses from caches. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { test } from 'node:test'
import { fetch } from 'undici'
import { answer, BOTH, control, date, named, PRIVATE, stage, type Fields, type RequestFields } from './stage.ts'

test('[A27] only the same target URI is answered: all of it but the fragment, and the origin by its meaning', async (t) => {
  for (const options of BOTH) {
    const staged = await stage(t, ({ url }) => ({ ...control('max-age=60'), body: url ?? '' }), options)
    const dispatcher = named(t, staged, options)
    const isHit = async (url: string) => (await answer(dispatcher, url)).cache.startsWith('hit')
    assert.equal(await isHit('http://one.test/a/b?c=1&d=2'), false)
    for (const same of [
      'http://one.test/a/b?c=1&d=2#e',
      'http://one.test:80/a/b?c=1&d=2',
      'http://ONE.test/a/b?c=1&d=2',
      'HTTP://one.test/a/b?c=1&d=2',
    ]) {
      assert.equal(await isHit(same), true, same)
    }
    for (const other of [
      'http://one.test/a/B?c=1&d=2',
      'http://one.test/a/b?d=2&c=1',
      'http://one.test/a/b?c=1',
      'http://one.test/a/b?c=1&d=2&',
      'http://one.test/a/b',
      'http://one.test/a/b/',
      'http://one.test/a//b',
      'http://one.test:8080/a/b?c=1&d=2',
      'http://two.test/a/b?c=1&d=2',
      'https://one.test/a/b?c=1&d=2',
    ]) {
      assert.equal(await isHit(other), false, other)
      assert.equal(await isHit(other), true, other)
    }
  }
})

test('[A28] a response to GET answers GET and HEAD, one to another method never answers GET', async (t) => {
  for (const options of BOTH) {
    const { get, count } = await stage(
      t,
      ({ method = '' }) => ({
        ...control('max-age=60', { 'x-to': method, 'content-length': String(method.length) }),
        body: method,
      }),
      options,
    )
    for (const method of ['HEAD', 'POST', 'OPTIONS', 'TRACE', 'QUERY', 'PROPFIND']) {
      await get(`/${method}`, {}, method)
      assert.equal((await get(`/${method}`)).headers['x-to'], 'GET', method)
    }
    const before = count()
    await get('/')
    const head = await get('/', {}, 'HEAD')
    assert.match(head.cache, /^hit/)
    assert.deepEqual([head.headers['x-to'], head.headers['content-length'], head.text], ['GET', '3', ''])
    for (const method of ['OPTIONS', 'TRACE', 'QUERY']) {
      assert.equal((await get('/', {}, method)).headers['x-to'], method)
    }
    assert.equal(count(), before + 4)
  }
})

test('[A28] a response to POST that is at home at its target answers GET and HEAD, and no POST', async (t) => {
  for (const options of BOTH) {
    const { get, count } = await stage(
      t,
      (_request, count) => ({ ...control('max-age=60', { 'content-location': '/' }), body: String(count) }),
      options,
    )
    await get('/', {}, 'POST')
    assert.equal((await get()).text, '1')
    assert.match((await get('/', {}, 'HEAD')).cache, /^hit/)
    assert.equal((await get('/', {}, 'POST')).text, '2')
    assert.equal(count(), 2)
  }
})

test('[A30] no-cache: not without validation, be it as fresh as it may', async (t) => {
  for (const options of BOTH) {
    let value = ''
    const staged = await stage(
      t,
      ({ headers }) =>
        headers['if-none-match'] === undefined
          ? control(value, { etag: '"e"' })
          : { status: 304, ...control(value, { etag: '"e"' }) },
      options,
    )
    // Over https, where immutable means something.
    const dispatcher = named(t, staged, options)
    for (const [i, directives] of [
      'no-cache',
      'No-CaChE',
      'no-cache, max-age=60',
      'max-age=60, immutable, no-cache',
      'public, s-maxage=60, no-cache, stale-while-revalidate=60',
    ].entries()) {
      value = directives
      await answer(dispatcher, `https://one.test/${i}`)
      for (const used of [1, 2]) {
        const before = staged.count()
        const { cache, text } = await answer(dispatcher, `https://one.test/${i}`)
        assert.match(cache, /^fwd=stale; fwd-status=304/, directives)
        assert.deepEqual([text, staged.count() - before], ['body', 1], `${directives}, use ${used}`)
      }
    }
    value = 'max-age=60, immutable'
    await answer(dispatcher, 'https://one.test/fresh')
    assert.match((await answer(dispatcher, 'https://one.test/fresh')).cache, /^hit/)
  }
})

test('[A31] a stored response is fresh, allowed to be stale, or validated', async (t) => {
  for (const options of BOTH) {
    const { get, clock, count } = await stage(
      t,
      ({ headers }, count) =>
        headers['if-none-match'] === undefined || count === 4
          ? { ...control('max-age=10', { etag: `"${count}"` }), body: String(count) }
          : { status: 304, fields: { etag: headers['if-none-match'] } },
      options,
    )
    const after = async (seconds: number, headers: RequestFields = {}) => {
      clock.pass(seconds)
      return [(await get('/', headers)).text, count()]
    }
    assert.deepEqual(await after(0), ['1', 1])
    assert.deepEqual(await after(9), ['1', 1], 'fresh')
    assert.deepEqual(await after(1), ['1', 2], 'validated')
    assert.deepEqual(await after(10, { 'cache-control': 'max-stale' }), ['1', 2], 'allowed')
    assert.deepEqual(await after(0), ['1', 3], 'validated again')
    assert.deepEqual(await after(10), ['4', 4], 'not confirmed')
    assert.deepEqual(await after(0), ['4', 4])
  }
})

test('[A32] what is used without validation has one Age, its current age, in the place of any it came with', async (t) => {
  for (const options of BOTH) {
    for (const [age, before] of [
      [undefined, 0],
      ['7', 7],
      [['7', '9'], 7],
    ] as const) {
      const fields: Fields = { etag: '"e"', ...(age === undefined ? {} : { Age: [age].flat() }) }
      const { get, clock, cache, origin } = await stage(t, control('max-age=60', fields), options)
      const miss = await get()
      assert.deepEqual(miss.headers['age'], age, 'the origin’s own answer is left alone')
      let resident = 0
      for (const seconds of [0, 1, 10]) {
        clock.pass(seconds)
        resident += seconds
        const expected = String(before + resident)
        assert.equal((await get()).headers['age'], expected)
        const fetched = await fetch(origin.url, { dispatcher: cache.dispatcher })
        assert.deepEqual([fetched.headers.get('age'), await fetched.text()], [expected, 'body'])
        for (const [headers, status, method] of [
          [{ 'if-none-match': '"e"' }, 304, 'GET'],
          [{ range: 'bytes=0-1' }, 206, 'GET'],
          [{ range: 'bytes=9-' }, 416, 'GET'],
          [{}, 200, 'HEAD'],
        ] as const) {
          const made = await get('/', headers, method)
          assert.deepEqual([made.statusCode, made.headers['age']], [status, expected], method)
        }
      }
      clock.pass(100)
      const stale = await get('/', { 'cache-control': 'max-stale' })
      assert.equal(stale.headers['age'], String(before + 111))
    }
  }
})

test('[A33] what is not safe is written through, and answered by nobody else', async (t) => {
  for (const options of BOTH) {
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'M-SEARCH', 'PROPPATCH']) {
      const held: ServerResponse[] = []
      const { get, origin } = await stage(
        t,
        (request, _count, response) => {
          if (request.method === 'GET') return control('max-age=60', { 'content-location': '/' })
          held.push(response)
          return undefined
        },
        options,
      )
      await get()
      for (const headers of [{}, { 'cache-control': 'only-if-cached' }, { 'cache-control': 'max-stale' }]) {
        let isAnswered = false
        const asked = once(origin.server, 'request')
        const answering = get('/', headers, method).finally(() => (isAnswered = true))
        await asked
        // Another exchange from end to end: time enough for an answer that does not wait for the origin.
        await get('/other')
        assert.equal(isAnswered, false, method)
        held.pop()?.writeHead(201, { 'cache-control': 'max-age=60' }).end('from the origin')
        const { statusCode, text } = await answering
        assert.deepEqual([statusCode, text], [201, 'from the origin'], method)
      }
    }
  }
})

test('[A34] of requests at the same time each gets an answer that is for it', async (t) => {
  const own: RequestFields = { authorization: 'Basic eDp5' }
  const cases: [value: string, others: Fields, headers: RequestFields][] = [
    ['private, max-age=60', {}, {}],
    ['no-store', {}, {}],
    ['no-cache', { etag: '"e"' }, {}],
    ['max-age=60', { vary: '*' }, {}],
    ['max-age=60', { vary: 'x-v' }, {}],
    ['max-age=60', {}, own],
  ]
  for (const options of BOTH) {
    for (const [value, others, headers] of cases) {
      if (options === PRIVATE && (value.startsWith('private') || headers === own)) continue
      const { get, count } = await stage(
        t,
        ({ headers }, count) => ({ ...control(value, others), body: `${String(headers['x-v'])} ${count}` }),
        options,
      )
      const all = Array.from({ length: 10 }, (_, i) => get('/', { ...headers, 'x-v': String(i) }))
      const texts = (await Promise.all(all)).map(({ text }) => text)
      assert.equal(count(), 10, value)
      assert.equal(new Set(texts).size, 10, value)
      assert.deepEqual(
        texts.map((text) => text.split(' ')[0]),
        Array.from({ length: 10 }, (_, i) => String(i)),
      )
    }
  }
})

test('[A36] a clock that was set back: every use is validated, and nothing gets younger', async (t) => {
  for (const options of BOTH) {
    const { get, clock, count } = await stage(
      t,
      [{ ...control('max-age=60', { etag: '"e"' }), body: 'stored' }, { status: 503 }],
      options,
    )
    await get()
    clock.pass(-100)
    for (const directives of ['foo', 'max-age=30', 'max-stale', 'stale-if-error=100']) {
      assert.equal((await get('/', { 'cache-control': directives })).statusCode, 503, directives)
    }
    assert.equal((await get('/', { 'cache-control': 'only-if-cached' })).statusCode, 504)
    assert.equal(count(), 5)
    clock.pass(100 + 59)
    const hit = await get()
    assert.match(hit.cache, /^hit/)
    assert.equal(hit.headers['age'], '59')
    clock.pass(1)
    assert.equal((await get()).statusCode, 503)
  }
  // Where the origin cannot be reached, what is stored may answer, and is of no age that is less than none.
  const gone = await stage(t, (_request, count, response) => {
    if (count === 1) return control('max-age=60')
    response.destroy()
    return undefined
  })
  await gone.get()
  gone.clock.pass(-100)
  assert.equal((await gone.get()).headers['age'], '0')
  // A validation counts from what the clock says then.
  const { get, clock, count } = await stage(t, ({ headers }) => ({
    status: headers['if-none-match'] === undefined ? 200 : 304,
    ...control('max-age=60', { etag: '"e"', date: date(clock.now()) }),
  }))
  await get()
  clock.pass(-100)
  await get()
  clock.pass(59)
  assert.match((await get()).cache, /^hit/)
  clock.pass(1)
  assert.match((await get()).cache, /^fwd=stale/)
  assert.equal(count(), 3)
})
