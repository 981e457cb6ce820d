/** RFC 9111 section 4.3.2: conditions of the caller's own. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BOTH, control, date, LAST_MODIFIED, stage, type RequestFields } from './stage.ts'

const VALIDATORS = { etag: '"e"', 'last-modified': LAST_MODIFIED }

test('[A61] a usable response answers conditions itself: with 304 where they say so, else with itself', async (t) => {
  const earlier = 'Wed, 21 Oct 2015 07:27:59 GMT'
  const cases: [conditions: RequestFields, expected: number][] = [
    [{ 'if-none-match': '"e"' }, 304],
    [{ 'if-none-match': 'W/"e"' }, 304],
    [{ 'if-none-match': '"a", "e"' }, 304],
    [{ 'if-none-match': '*' }, 304],
    [{ 'if-none-match': '"other"' }, 200],
    [{ 'if-modified-since': LAST_MODIFIED }, 304],
    [{ 'if-modified-since': earlier }, 200],
    [{ 'if-none-match': '"e"', 'if-modified-since': earlier }, 304],
    [{ 'if-none-match': '"other"', 'if-modified-since': LAST_MODIFIED }, 200],
  ]
  for (const options of BOTH) {
    const { get, clock, count } = await stage(t, control('max-age=10', VALIDATORS), options)
    await get()
    for (const age of [0, 20]) {
      clock.pass(age)
      // Stale, yet usable: the caller says so.
      const leave: RequestFields = age === 0 ? {} : { 'cache-control': 'max-stale' }
      for (const [conditions, expected] of cases) {
        for (const method of ['GET', 'HEAD']) {
          const answer = await get('/', { ...leave, ...conditions }, method)
          assert.equal(answer.statusCode, expected, `${method} ${JSON.stringify(conditions)}`)
          assert.match(answer.cache, /^hit/)
          assert.equal(answer.text, expected === 200 && method === 'GET' ? 'body' : '')
        }
      }
    }
    assert.equal(count(), 1)
    await get('/', { 'if-none-match': '"e"' })
    assert.equal(count(), 2, 'what is not usable is not judged by')
  }
})

test('[A62] If-Match and If-Unmodified-Since are the origin’s to judge, as is all where nothing is stored', async (t) => {
  for (const options of BOTH) {
    const { get, received, count } = await stage(
      t,
      ({ headers }) =>
        headers['if-match'] === '"other"' || headers['if-unmodified-since'] !== undefined
          ? { status: 412 }
          : control('max-age=60', VALIDATORS),
      options,
    )
    await get()
    const cases: [conditions: RequestFields, expected: number][] = [
      [{ 'if-match': '"e"' }, 200],
      [{ 'if-match': '"other"' }, 412],
      [{ 'if-unmodified-since': 'Wed, 21 Oct 2015 07:27:59 GMT' }, 412],
      [{ 'if-match': '"e"', 'if-none-match': '"e"' }, 200],
    ]
    for (const [i, [conditions, expected]] of cases.entries()) {
      assert.equal((await get('/', conditions)).statusCode, expected)
      const { 'if-match': match, 'if-unmodified-since': since, 'if-none-match': none } = received(i + 2)
      assert.deepEqual(
        [match, since, none],
        ['if-match', 'if-unmodified-since', 'if-none-match'].map((name) => conditions[name]),
      )
    }
    assert.match((await get()).cache, /^hit/, 'a 412 says nothing about what is stored')
    const before = count()
    const own = { 'if-none-match': 'W/"mine" , "b"', 'if-modified-since': 'Thu, 22 Oct 2015 07:28:00 GMT' }
    await get('/nothing-stored', own)
    const { 'if-none-match': none, 'if-modified-since': since } = received(before + 1)
    assert.deepEqual({ 'if-none-match': none, 'if-modified-since': since }, own)
  }
})

test('[A63] without Last-Modified the Date counts, and without that the time of arrival', async (t) => {
  for (const options of BOTH) {
    for (const seconds of [-10, undefined]) {
      const { get, clock, count } = await stage(
        t,
        () => control('max-age=60', seconds === undefined ? {} : { date: date(clock.now(), seconds) }),
        options,
      )
      const made = seconds ?? 0
      await get()
      const status = async (since: number) =>
        (await get('/', { 'if-modified-since': date(clock.now(), since) })).statusCode
      assert.equal(await status(made), 304)
      assert.equal(await status(made + 1), 304)
      assert.equal(await status(made - 1), 200)
      assert.equal(count(), 1)
    }
  }
})

test('[A64] If-Range: the part where it is strongly the same, else the whole', async (t) => {
  const body = '0123456789'
  const range = { range: 'bytes=2-4' }
  const part = async (fields: Record<string, string>, ifRange: string) => {
    const { get, clock, count } = await stage(t, () => ({
      fields: { 'cache-control': 'max-age=60', date: date(clock.now()), ...fields },
      body,
    }))
    await get()
    const { statusCode, text } = await get('/', { ...range, 'if-range': ifRange })
    assert.equal(count(), 1)
    assert.equal(text, statusCode === 206 ? '234' : body)
    return statusCode
  }
  assert.equal(await part({ etag: '"e"' }, '"e"'), 206)
  assert.equal(await part({ etag: '"e"' }, '"other"'), 200)
  assert.equal(await part({ etag: '"e"' }, 'W/"e"'), 200)
  assert.equal(await part({ etag: 'W/"e"' }, 'W/"e"'), 200)
  assert.equal(await part({ 'last-modified': LAST_MODIFIED }, LAST_MODIFIED), 206)
  assert.equal(await part({ 'last-modified': LAST_MODIFIED }, 'Wed, 21 Oct 2015 07:28:01 GMT'), 200)
  const recent = date(Date.now())
  assert.equal(await part({ 'last-modified': recent, date: recent }, recent), 200, 'a date of this second is weak')
})

// No union is sent, which section 4.3.2 allows and does not ask for, and no partial response is stored (section 3.3).
test('[A65, A66] conditions that are forwarded stay the caller’s own, and so does the 304', async (t) => {
  for (const options of BOTH) {
    const { get, clock, received } = await stage(
      t,
      ({ headers }) =>
        headers['if-none-match'] === '"mine"'
          ? { status: 304, fields: { etag: '"mine"', 'x-of': 'mine' } }
          : control('max-age=10', { etag: '"stored"' }),
      options,
    )
    await get('/', { range: 'bytes=0-1' })
    await get()
    clock.pass(20)
    const { statusCode, text } = await get('/', { 'if-none-match': '"mine"' })
    assert.deepEqual([statusCode, text], [304, ''])
    assert.equal(received(2)['if-none-match'], '"mine"')
    const { cache, headers } = await get('/', { 'cache-control': 'max-stale' })
    assert.match(cache, /^hit/)
    assert.deepEqual([headers['etag'], headers['x-of']], ['"stored"', undefined])
  }
})
