/** RFC 9111 section 3: storing responses in caches. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { control, LAST_MODIFIED, PRIVATE, reuse, stage } from './stage.ts'

test('[A4] answers to methods that the cache does not understand are not stored', async (t) => {
  const reused = await reuse(t)
  for (const method of ['PROPFIND', 'M-SEARCH', 'PUT', 'OPTIONS']) {
    assert.equal(await reused(control('max-age=60'), { method }), false, method)
  }
})

test('[A5] only the final response is stored, with nothing of an interim one', async (t) => {
  const { get, count } = await stage(t, (_request, _count, response) => {
    response.writeEarlyHints({ link: '</a>; rel=preload', 'cache-control': 'max-age=600', 'x-early': 'hint' })
    return control('max-age=60')
  })
  await get()
  const { headers, statusCode, cache } = await get()
  assert.match(cache, /^hit/)
  assert.deepEqual(
    [statusCode, headers['cache-control'], headers['x-early'], headers['link']],
    [200, 'max-age=60', undefined, undefined],
  )
  assert.equal(count(), 1)
})

test('[A6] 206 and a 304 that nobody asked for are not stored', async (t) => {
  const fields = { 'cache-control': 'max-age=60', etag: '"e"' }
  const part = await stage(t, (request) =>
    request.headers.range === undefined
      ? { fields, body: '0123456789' }
      : { status: 206, fields: { ...fields, 'content-range': 'bytes 0-4/10' }, body: '01234' },
  )
  await part.get('/', { range: 'bytes=0-4' })
  const whole = await part.get()
  assert.deepEqual([whole.statusCode, whole.text], [200, '0123456789'])
  const reused = await reuse(t)
  assert.equal(await reused({ status: 304, fields }), false)
})

test('[A7] must-understand: a status that is not understood is not stored', async (t) => {
  const reused = await reuse(t)
  const fields = { 'cache-control': 'must-understand, max-age=60, no-store' }
  assert.equal(await reused({ status: 599, fields }), false)
  assert.equal(await reused({ status: 599, fields: { 'cache-control': 'public, must-understand, max-age=60' } }), false)
})

test('[A8] no-store is not stored, in any case, position and line', async (t) => {
  for (const options of [{}, PRIVATE]) {
    const reused = await reuse(t, options)
    for (const value of [
      'no-store',
      'no-store, max-age=60',
      'max-age=60, No-StOrE',
      'public,no-store , s-maxage=60',
      ['max-age=60', 'no-store'],
      'no-store="x", max-age=60',
      'no-store=, max-age=60',
    ]) {
      assert.equal(await reused(control(value, { expires: 'Thu, 18 Aug 2050 02:01:18 GMT' })), false, String(value))
    }
  }
})

test('[A9] a shared cache does not store what is private', async (t) => {
  const reused = await reuse(t)
  for (const value of ['private, max-age=60', 'max-age=60, PRIVATE', 'private="", max-age=60']) {
    assert.equal(await reused(control(value)), false, value)
  }
})

test('[A10] a shared cache stores an answer to Authorization only with leave', async (t) => {
  const reused = await reuse(t)
  const how = { first: { authorization: 'Basic eDp5' } }
  assert.equal(await reused(control('max-age=60'), how), false)
  for (const leave of ['public', 'must-revalidate', 's-maxage=60']) {
    assert.equal(await reused(control(`max-age=60, ${leave}`), how), true, leave)
  }
  assert.equal(await reused(control('max-age=60'), { second: how.first }), true)
  const alone = await reuse(t, PRIVATE)
  assert.equal(await alone(control('max-age=60'), how), true)
})

test('[A11] a reason to store is needed: explicit, or by the status', async (t) => {
  const reused = await reuse(t)
  for (const status of [201, 202, 403, 502, 503, 504, 599]) {
    const fields = { 'last-modified': LAST_MODIFIED }
    assert.equal(await reused({ status, fields }), false, String(status))
    assert.equal(await reused({ status, fields: { ...fields, 'cache-control': 'public' } }), true, `${status} public`)
    assert.equal(await reused({ status, fields: { 'cache-control': 'max-age=60' } }), true, `${status} max-age`)
  }
  for (const status of [200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501]) {
    assert.equal(await reused({ status, fields: { 'last-modified': LAST_MODIFIED } }), true, String(status))
  }
})

test('[A12] every field is kept, also unknown ones, all lines, in order, byte for byte', async (t) => {
  const { get } = await stage(
    t,
    control('public, max-age=60', {
      'x-foo': ['one', 'two'],
      link: ['</a>; rel=x', '</b>; rel=y'],
      'set-cookie': ['a=1', 'b=2; path=/'],
      'x-bytes': 'gr\u00fc\u00df',
      'x-empty': '',
    }),
  )
  const miss = await get()
  const hit = await get()
  assert.match(hit.cache, /^hit/)
  for (const name of ['x-foo', 'link', 'set-cookie', 'x-bytes', 'x-empty']) {
    assert.notEqual(miss.headers[name], undefined)
    assert.deepEqual(hit.headers[name], miss.headers[name], name)
  }
})

test('[A13] Connection and what it lists are not replayed', async (t) => {
  const { get } = await stage(t, control('max-age=60', { connection: 'X-A, x-b', 'x-a': '1', 'X-B': '2', 'x-c': '3' }))
  await get()
  const { headers, cache } = await get()
  assert.match(cache, /^hit/)
  assert.deepEqual(
    ['connection', 'x-a', 'x-b', 'x-c'].map((name) => headers[name]),
    [undefined, undefined, undefined, '3'],
  )
})

test('[A14, A15] fields of one connection and of proxies are not replayed, listed or not', async (t) => {
  const names = [
    'proxy-connection',
    'te',
    'upgrade',
    'keep-alive',
    'proxy-authenticate',
    'proxy-authentication-info',
    'proxy-authorization',
  ]
  const { get } = await stage(t, (_request, _count, response) => {
    for (const name of names) response.setHeader(name, 'timeout=5')
    // Without a length the body comes in chunks.
    response.setHeader('cache-control', 'max-age=60').write('bo')
    response.end('dy')
    return undefined
  })
  assert.equal((await get()).headers['transfer-encoding'], 'chunked')
  const { headers, cache } = await get()
  assert.match(cache, /^hit/)
  for (const name of [...names, 'transfer-encoding']) assert.equal(headers[name], undefined, name)
})

test('[A16] trailer fields do not become header fields', async (t) => {
  const { get } = await stage(t, (_request, _count, response) => {
    response.writeHead(200, { 'cache-control': 'max-age=60', trailer: 'x-t' }).write('body')
    response.addTrailers({ 'x-t': 'late' })
    response.end()
    return undefined
  })
  await get()
  const { headers, cache } = await get()
  assert.match(cache, /^hit/)
  assert.equal(headers['x-t'], undefined)
})
