/** RFC 9111 section 4.3.1: sending a validation request. */
import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { test, type TestContext } from 'node:test'
import type { TestCacheOptions } from '../helpers/cache.ts'
import { BOTH, control, date, LAST_MODIFIED, stage, type Fields, type RequestFields } from './stage.ts'

/** The conditions that the request for a stale response with these fields has: If-None-Match and If-Modified-Since. */
async function conditions(
  t: TestContext,
  stored: Fields,
  options: TestCacheOptions,
  headers: RequestFields = {},
): Promise<(string | undefined)[]> {
  const { get, clock, count, received } = await stage(t, control('max-age=10', stored), options)
  await get()
  clock.pass(20)
  await get('/', headers)
  assert.equal(count(), 2)
  return conditionsOf(received(2))
}

function conditionsOf(headers: IncomingMessage['headers']): (string | undefined)[] {
  return [headers['if-none-match'], headers['if-modified-since']]
}

test('[A58] a validation has the stored entity tag, byte for byte', async (t) => {
  for (const options of BOTH) {
    const tags = [
      '"e"',
      'W/"e"',
      '""',
      '"a,b"',
      '"a b"',
      'w/"e"',
      'unquoted',
      '"gr\u00fc\u00df"',
      `"${'x'.repeat(1000)}"`,
    ]
    for (const etag of tags) {
      assert.deepEqual(await conditions(t, { ETag: etag }, options), [etag, undefined])
      assert.deepEqual(await conditions(t, { etag }, options, { 'cache-control': 'no-cache' }), [etag, undefined])
    }
  }
})

test('[A58] that of the response that is validated, and after a validation the one it has then', async (t) => {
  for (const options of BOTH) {
    const { get, clock, received } = await stage(
      t,
      ({ headers }, count) =>
        headers['if-none-match'] === undefined
          ? control('max-age=10', { etag: `"${String(headers['x-a'])}"`, vary: 'x-a' })
          : {
              status: count === 4 ? 200 : 304,
              ...control('max-age=10', { etag: count === 4 ? '"3"' : headers['if-none-match'], vary: 'x-a' }),
            },
      options,
    )
    await get('/', { 'x-a': '1' })
    await get('/', { 'x-a': '2' })
    for (const [n, value, etag] of [
      [3, '1', '"1"'],
      [4, '2', '"2"'],
      [5, '1', '"1"'],
      [6, '2', '"3"'],
    ] as const) {
      if (n % 2 === 1) clock.pass(20)
      await get('/', { 'x-a': value })
      assert.deepEqual(conditionsOf(received(n)), [etag, undefined])
    }
  }
})

test('[A59] and the stored Last-Modified, as it is; where there is none no other date', async (t) => {
  for (const options of BOTH) {
    for (const modified of [
      LAST_MODIFIED,
      'wed, 21 oct 2015 07:28:00 gmt',
      'Wednesday, 21-Oct-15 07:28:00 GMT',
      'Wed Oct 21 07:28:00 2015',
      'Wed, 21 Oct 2015 09:28:00 +0200',
    ]) {
      const stored = { 'last-modified': modified }
      assert.deepEqual(await conditions(t, { ...stored, etag: '"e"' }, options), ['"e"', modified])
      assert.deepEqual(await conditions(t, stored, options), [undefined, modified])
    }
    const dated = { date: date(Date.now()) }
    assert.deepEqual(await conditions(t, { ...dated, etag: '"e"' }, options), ['"e"', undefined])
    assert.deepEqual(await conditions(t, dated, options), [undefined, undefined])
  }
})

test('[A59] not where the request is for a part: such a one goes as the caller made it', async (t) => {
  const stored = { etag: '"e"', 'last-modified': LAST_MODIFIED }
  for (const options of BOTH) {
    assert.deepEqual(await conditions(t, stored, options, { range: 'bytes=0-1' }), [undefined, undefined])
    const own = { range: 'bytes=0-1', 'if-none-match': '"mine"' }
    assert.deepEqual(await conditions(t, stored, options, own), ['"mine"', undefined])
  }
})

/** The background validation that a request of this method and with these fields sets off. */
async function inBackground(t: TestContext, method: string, headers: RequestFields, options: TestCacheOptions) {
  const stored = { etag: '"e"', 'last-modified': LAST_MODIFIED, vary: 'accept-language, x-a' }
  const { get, clock, cache, origin } = await stage(
    t,
    ({ headers }) => ({
      status: headers['if-none-match'] === '"e"' ? 304 : 200,
      ...control('max-age=10, stale-while-revalidate=60', stored),
    }),
    options,
  )
  const path = '/a/b?c=1&d=2'
  await get(path, { 'accept-language': 'de, en;q=0.5', 'x-a': '1', 'x-b': '1' })
  clock.pass(20)
  const { cache: status } = await get(path, headers, method)
  assert.match(status, /^hit; ttl=-1\d$/)
  while (cache.manager.stats().freshened === 0) await new Promise((resolve) => setImmediate(resolve))
  assert.match((await get(path, { 'accept-language': 'de, en;q=0.5', 'x-a': '1' })).cache, /^hit; ttl=\d+$/)
  assert.equal(origin.requests.length, 2)
  const request = origin.requests[1] as IncomingMessage
  assert.equal(request.url, path)
  assert.equal(request.headers.host, new URL(origin.url).host)
  assert.deepEqual(conditionsOf(request.headers), ['"e"', LAST_MODIFIED])
  return request
}

test('[A60] a validation in the background has the method, the target and the nominated fields of what is stored', async (t) => {
  for (const options of BOTH) {
    for (const headers of [
      { 'accept-language': 'de, en;q=0.5', 'x-a': '1' },
      { 'Accept-Language': 'EN;q=0.5, de', 'X-A': '1', range: 'bytes=0-1' },
      { 'accept-language': 'de, en;q=0.5', 'x-a': '1', 'if-none-match': '"mine"', 'if-modified-since': date(0) },
    ]) {
      for (const method of ['GET', 'HEAD']) {
        const request = await inBackground(t, method, headers, options)
        assert.equal(request.method, 'GET')
        const { 'accept-language': language = '', 'x-a': a, range } = request.headers
        assert.deepEqual(language.toLowerCase().split(', ').sort(), ['de', 'en;q=0.5'])
        assert.deepEqual([a, range], ['1', undefined])
      }
    }
  }
})

test('[A60] so a validation that brings a new response, set off by HEAD, brings its content too', async (t) => {
  for (const options of BOTH) {
    const { get, clock, cache } = await stage(
      t,
      ({ method }, count) => ({
        ...control('max-age=10, stale-while-revalidate=60', { etag: `"${count}"` }),
        body: method === 'GET' ? String(count) : '',
      }),
      options,
    )
    await get()
    clock.pass(20)
    assert.match((await get('/', {}, 'HEAD')).cache, /^hit/)
    while (cache.manager.stats().stores < 2) await new Promise((resolve) => setImmediate(resolve))
    const hit = await get()
    assert.match(hit.cache, /^hit; ttl=\d+$/)
    assert.equal(hit.text, '2')
  }
})
