/**
 * Where http-cache-semantics 4.3.0 departs from the RFCs, one test each, through the whole cache: `src/policy/` is to
 * give it normalised input and to correct its answer. Numbers are for reference only.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { control, date, filesWith, LAST_MODIFIED, PRIVATE, reuse, stage } from '../rfc9111/stage.ts'

const AGAIN = { first: {} }

test('[departure 1] names of directives have no case', async (t) => {
  const reused = await reuse(t)
  assert.equal(await reused(control('No-Store, max-age=100')), false)
  assert.equal(await reused(control('Private, max-age=100')), false)
  assert.equal(await reused(control('MAX-AGE=100'), { pass: 99 }), true)
  const response = control('max-age=100')
  assert.equal(await reused(response, { ...AGAIN, second: { 'cache-control': 'Max-Age=0' }, pass: 1 }), false)
})

test('[departure 2] a field on several lines is a list', async (t) => {
  const reused = await reuse(t)
  assert.equal(await reused(control(['max-age=100', 'public'])), true)
  assert.equal(await reused(control(['max-age=100', 'no-store'])), false)
  const varies = control('max-age=100', { vary: ['x-a', 'x-b'] })
  assert.equal(await reused(varies, { first: { 'x-a': '1', 'x-b': '2' } }), true)
  assert.equal(await reused(varies, { first: { 'x-b': '2' }, second: { 'x-b': '3' } }), false)
  const { get } = await stage(t, control('max-age=100', { connection: ['x-a', 'x-b'], 'x-a': '1', 'x-b': '2' }))
  await get()
  const { headers, cache } = await get()
  assert.deepEqual([headers['x-a'], headers['x-b'], cache.startsWith('hit')], [undefined, undefined, true])
})

test('[departure 3] stale-while-revalidate gives no leave that no-cache or proxy-revalidate takes', async (t) => {
  const swr = async (more: string): Promise<boolean> => {
    const { get, clock } = await stage(t, control(`max-age=10, stale-while-revalidate=60${more}`, { etag: '"e"' }))
    await get()
    clock.pass(20)
    return (await get()).cache.startsWith('hit')
  }
  assert.equal(await swr(''), true)
  assert.equal(await swr(', no-cache'), false)
  assert.equal(await swr(', proxy-revalidate'), false)
  assert.equal(await swr(', must-revalidate'), false)
})

test('[departure 4] nor does max-stale, and in a shared cache not that of s-maxage', async (t) => {
  const second = { 'cache-control': 'max-stale=100' }
  const reused = await reuse(t)
  assert.equal(await reused(control('max-age=10'), { ...AGAIN, second, pass: 20 }), true)
  assert.equal(await reused(control('max-age=10, no-cache'), { ...AGAIN, second, pass: 20 }), false)
  assert.equal(await reused(control('s-maxage=10'), { ...AGAIN, second, pass: 20 }), false)
  const reusedPrivately = await reuse(t, PRIVATE)
  assert.equal(await reusedPrivately(control('max-age=10, s-maxage=10'), { ...AGAIN, second, pass: 20 }), true)
})

test('[departure 5] must-revalidate and proxy-revalidate ask for nothing while a response is fresh', async (t) => {
  const reused = await reuse(t)
  for (const directive of ['must-revalidate', 'proxy-revalidate']) {
    assert.equal(await reused(control(`max-age=10, ${directive}`), { pass: 9 }), true)
    assert.equal(await reused(control(`max-age=10, ${directive}`), { pass: 10 }), false)
  }
})

test('[departure 6] stale-if-error counts in requests, and nowhere beside must-revalidate', async (t) => {
  const answerAfter = async (ofResponse: string, ofRequest = ''): Promise<string> => {
    const { get, clock } = await stage(t, [
      { ...control(ofResponse), body: 'stored' },
      { status: 503, body: 'error' },
    ])
    await get()
    clock.pass(20)
    const { statusCode, text } = await get('/', ofRequest === '' ? {} : { 'cache-control': ofRequest })
    return `${statusCode} ${text}`
  }
  assert.equal(await answerAfter('max-age=10'), '503 error')
  assert.equal(await answerAfter('max-age=10, stale-if-error=60'), '200 stored')
  assert.equal(await answerAfter('max-age=10', 'stale-if-error=60'), '200 stored')
  assert.equal(await answerAfter('max-age=10, stale-if-error=60, must-revalidate'), '503 error')
  assert.equal(await answerAfter('max-age=10, must-revalidate', 'stale-if-error=60'), '503 error')
})

test('[departure 7] a 304 brings fields that were not there, and needs no ETag to be for the response it was asked about', async (t) => {
  const { get, clock, count } = await stage(t, [
    { ...control('max-age=10', { etag: '"e"' }), body: 'stored' },
    { status: 304, fields: { 'cache-control': 'max-age=100', 'x-new': '1' } },
  ])
  await get()
  clock.pass(20)
  for (const request of ['validation', 'hit']) {
    const { statusCode, text, headers } = await get()
    assert.deepEqual([statusCode, text, headers['x-new'], headers['etag']], [200, 'stored', '1', '"e"'], request)
  }
  assert.equal(count(), 2)
})

test('[departure 8] the Date of a hit is the one that the origin gave', async (t) => {
  const { get, clock } = await stage(t, () => control('max-age=100', { date: LAST_MODIFIED, age: '0' }))
  await get()
  clock.pass(5)
  assert.equal((await get('/', { 'cache-control': 'max-stale' })).headers['date'], LAST_MODIFIED)
})

test('[departure 9] age: by Date where that says more; of a list the first; negative ones are ignored', async (t) => {
  const reused = await reuse(t)
  const dated = (now: number) => control('max-age=100', { date: date(now, -60) })
  assert.equal(await reused(dated, { pass: 39 }), true)
  assert.equal(await reused(dated, { pass: 40 }), false)
  assert.equal(await reused(control('max-age=100', { age: '-50' }), { pass: 100 }), false)
  assert.equal(await reused(control('max-age=100', { age: '10, 99' }), { pass: 89 }), true)
  assert.equal(await reused(control('max-age=100', { age: '10, 0' }), { pass: 90 }), false)
  // The delay of the response counts: the clock is moved while the origin answers.
  const slow = await stage(t, () => {
    slow.clock.pass(3)
    return control('max-age=100', { age: '10' })
  })
  await slow.get()
  assert.equal((await slow.get()).headers['age'], '13')
})

test('[departure 10] in requests no-store, only-if-cached and max-age=0 count, and Pragma not beside Cache-Control', async (t) => {
  const reused = await reuse(t)
  const response = control('max-age=100')
  assert.equal(await reused(response, { first: { 'cache-control': 'no-store' }, second: {} }), false)
  assert.equal(await reused(response, { ...AGAIN, second: { 'cache-control': 'max-age=0' } }), false)
  assert.equal(await reused(response, { ...AGAIN, second: { pragma: 'no-cache' } }), false)
  const both = { pragma: 'no-cache', 'cache-control': 'max-age=50' }
  assert.equal(await reused(response, { ...AGAIN, second: both }), true)
  const { get, count } = await stage(t, response)
  assert.equal((await get('/', { 'cache-control': 'only-if-cached' })).statusCode, 504)
  assert.equal(count(), 0)
})

test('[departure 11] private and no-cache with names are about those fields alone, commas or not', async (t) => {
  for (const directive of ['private="x-a, x-b"', 'no-cache="x-a, x-b"']) {
    const fields = { 'x-a': '1', 'x-b': '2', 'x-c': '3' }
    const { get, count } = await stage(t, control(`max-age=100, ${directive}`, fields))
    await get()
    const { headers } = await get()
    assert.equal(count(), 1, directive)
    assert.deepEqual([headers['x-a'], headers['x-b'], headers['x-c']], [undefined, undefined, '3'], directive)
  }
})

test('[departure 12] what is explicit makes any final status storable; must-understand and QUERY are known', async (t) => {
  const reused = await reuse(t)
  for (const status of [403, 429, 451, 500, 503, 599]) {
    assert.equal(await reused({ ...control('max-age=100'), status }), true, `${status}`)
    assert.equal(await reused({ fields: { 'last-modified': LAST_MODIFIED }, status }), false, `${status} by a guess`)
  }
  assert.equal(await reused(control('no-store, must-understand, max-age=100')), true)
  assert.equal(await reused({ ...control('must-understand, max-age=100'), status: 599 }), false)
  const { get, count } = await stage(t, control('max-age=100'))
  await get()
  await get('/', {}, 'QUERY')
  await get()
  assert.equal(count(), 2, 'QUERY is safe: it goes out, and what is stored stays')
})

test('[departure 13] HEAD, conditions and ranges are answered out of a stored response to GET', async (t) => {
  const fields = { etag: '"e"', 'content-length': '10' }
  const { get, count } = await stage(t, { ...control('max-age=100', fields), body: '0123456789' })
  await get()
  const head = await get('/', {}, 'HEAD')
  assert.deepEqual([head.statusCode, head.text, head.headers['content-length']], [200, '', '10'])
  assert.equal((await get('/', { 'if-none-match': '"e"' })).statusCode, 304)
  const part = await get('/', { range: 'bytes=2-4' })
  assert.deepEqual([part.statusCode, part.text, part.headers['content-range']], [206, '234', 'bytes 2-4/10'])
  assert.equal(count(), 1)
})

test('[departure 14] Vary ignores white space and lines, and one member * is enough', async (t) => {
  const reused = await reuse(t)
  const varies = control('max-age=100', { vary: 'x-a' })
  assert.equal(await reused(varies, { first: { 'x-a': 'a, b' }, second: { 'x-a': 'a,b' } }), true)
  assert.equal(await reused(varies, { first: { 'x-a': 'a, b' }, second: { 'x-a': 'b, a' } }), false)
  assert.equal(await reused(control('max-age=100', { vary: 'Accept, *' })), false)
})

test('[departure 15] of a request nothing is on disk, credentials least of all', async (t) => {
  const { get, cache } = await stage(t, control('public, max-age=100', { vary: 'cookie, authorization' }))
  await get('/', { authorization: 'Basic planted-credential', cookie: 'id=planted-cookie' })
  await cache.manager.runPendingTasks()
  assert.deepEqual(await filesWith(cache.directory, 'planted'), [])
  assert.equal(cache.manager.entryCount, 1)
})

test('[departure 16] of two that differ the first counts or none; what is no number and no date is stale', async (t) => {
  const reused = await reuse(t)
  assert.equal(await reused(control('max-age=10, max-age=100'), { pass: 50 }), false)
  for (const value of ['10.9', '1e9', '-5', '"', 'x']) {
    assert.equal(await reused(control(`max-age=${value}`, { 'last-modified': LAST_MODIFIED })), false, value)
  }
  assert.equal(await reused({ fields: { expires: '2099-01-01T00:00:00Z' } }), false)
  assert.equal(await reused({ fields: { expires: 'Thu, 01 Jan 2099 00:00:00 GMT' } }), true)
})

test('[departure 17] what has to be validated each time is kept nevertheless', async (t) => {
  const { get, received } = await stage(t, [
    { ...control('no-cache', { etag: '"e"' }), body: 'stored' },
    { status: 304, fields: { etag: '"e"' } },
  ])
  await get()
  for (const n of [2, 3]) {
    assert.equal((await get()).text, 'stored')
    assert.equal(received(n)['if-none-match'], '"e"')
  }
})

test('[departure 18] fields of one hop and those that private and no-cache name are not replayed; Date is', async (t) => {
  const { get } = await stage(t, (_request, _count) =>
    control('max-age=100, private="x-a", no-cache="x-b"', {
      'proxy-connection': 'keep-alive',
      'proxy-authentication-info': 'x',
      'keep-alive': 'timeout=5',
      'x-a': '1',
      'x-b': '2',
    }),
  )
  await get()
  const { headers, cache } = await get()
  assert.ok(cache.startsWith('hit'))
  const absent = ['proxy-connection', 'proxy-authentication-info', 'keep-alive', 'x-a', 'x-b']
  assert.deepEqual(
    absent.filter((name) => headers[name] !== undefined),
    [],
  )
  assert.match(String(headers['date']), / GMT$/)
})
