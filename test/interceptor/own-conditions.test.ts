/** The caller's own conditions and ranges, answered out of the store (RFC 9111 section 4.3.2, RFC 9110 sections 13, 14). */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test, type TestContext } from 'node:test'
import { ManualClock, startCache } from '../helpers/cache.ts'
import { startOrigin } from '../helpers/origin.ts'

const BODY = randomBytes(200_000)
const MODIFIED = 'Wed, 21 Oct 2015 07:28:00 GMT'
const FIELDS = {
  'cache-control': 'max-age=60',
  etag: '"e"',
  'last-modified': MODIFIED,
  'content-type': 'image/png',
  vary: 'x-v',
}

async function start(t: TestContext, statusCode = 200) {
  const clock = new ManualClock()
  const origin = await startOrigin(t, (_, response) => {
    response.sendDate = false
    response.writeHead(statusCode, { ...FIELDS, 'content-length': BODY.length }).end(BODY)
  })
  const cache = await startCache(t, { clock: clock.now })
  await cache.get(`${origin.url}/`)
  const ask = (headers: Record<string, string>, method: 'GET' | 'HEAD' = 'GET') =>
    cache.get(`${origin.url}/`, { headers, method })
  return { origin, ask, clock }
}

test('If-None-Match and If-Modified-Since are answered with 304 or the whole, by a fresh response', async (t) => {
  const { origin, ask } = await start(t)
  const cases: [headers: Record<string, string>, expected: number][] = [
    [{ 'if-none-match': '"e"' }, 304],
    [{ 'if-none-match': 'W/"e"' }, 304],
    [{ 'if-none-match': '"a", "e" , "b"' }, 304],
    [{ 'if-none-match': '*' }, 304],
    [{ 'if-none-match': '"other"' }, 200],
    [{ 'if-none-match': 'e' }, 200],
    [{ 'if-modified-since': MODIFIED }, 304],
    [{ 'if-modified-since': 'Wednesday, 21-Oct-15 07:28:00 GMT' }, 304],
    [{ 'if-modified-since': 'Wed, 21 Oct 2015 07:27:59 GMT' }, 200],
    [{ 'if-modified-since': 'yesterday' }, 200],
    [{ 'if-none-match': '"other"', 'if-modified-since': MODIFIED }, 200],
    [{ 'if-none-match': '"e"', range: 'bytes=0-1' }, 304],
  ]
  for (const [headers, expected] of cases) {
    for (const method of ['GET', 'HEAD'] as const) {
      const answer = await ask(headers, method)
      assert.equal(answer.statusCode, expected, JSON.stringify(headers))
      assert.match(answer.cache, /^hit/)
      assert.equal(answer.body.length, expected === 200 && method === 'GET' ? BODY.length : 0)
    }
  }
  assert.equal(origin.requests.length, 1)
})

test('a 304 has the fields that a 304 must have, and an Age', async (t) => {
  const { ask } = await start(t)
  const { headers } = await ask({ 'if-none-match': '"e"' })
  assert.deepEqual(Object.keys(headers).sort(), ['age', 'cache-control', 'cache-status', 'date', 'etag', 'vary'])
})

test('conditions are ignored where the answer would not be a success', async (t) => {
  const { ask, origin } = await start(t, 404)
  assert.equal((await ask({ 'if-none-match': '"e"' })).statusCode, 404)
  assert.equal((await ask({ range: 'bytes=0-1' })).statusCode, 404)
  assert.equal(origin.requests.length, 1)
})

test('one range comes out of the file by offset, checked', async (t) => {
  const { origin, ask } = await start(t)
  const size = BODY.length
  const ranges: [string, number, number][] = [
    ['bytes=0-0', 0, 1],
    ['bytes=65535-65536', 65_535, 65_537],
    ['bytes=65536-131071', 65_536, 131_072],
    ['bytes=100000-', 100_000, size],
    ['bytes=-5', size - 5, size],
    ['bytes=199999-500000', 199_999, size],
  ]
  for (const [range, from, to] of ranges) {
    const answer = await ask({ range })
    assert.equal(answer.statusCode, 206, range)
    assert.ok(answer.body.equals(BODY.subarray(from, to)), range)
    assert.equal(answer.headers['content-range'], `bytes ${from}-${to - 1}/${size}`)
    assert.equal(answer.headers['content-length'], String(to - from))
    assert.equal(answer.headers['content-type'], 'image/png')
    assert.equal(answer.headers['etag'], '"e"')
    assert.match(answer.cache, /^hit/)
  }
  assert.equal(origin.requests.length, 1)
})

test('what cannot be satisfied is a 416, what is malformed or several is ignored, HEAD ignores all', async (t) => {
  const { origin, ask } = await start(t)
  const beyond = await ask({ range: 'bytes=200000-' })
  assert.equal(beyond.statusCode, 416)
  assert.equal(beyond.headers['content-range'], 'bytes */200000')
  for (const range of ['bytes=5-2', 'items=0-1', 'bytes=0-1,5-6']) {
    const whole = await ask({ range })
    assert.equal(whole.statusCode, 200)
    assert.ok(whole.body.equals(BODY))
  }
  assert.equal((await ask({ range: 'bytes=0-1' }, 'HEAD')).statusCode, 200)
  assert.equal(origin.requests.length, 1)
})

test('If-Range: the part when it is of the same, by strong comparison, else the whole', async (t) => {
  const { ask } = await start(t)
  const statuses = async (value: string) => (await ask({ range: 'bytes=0-1', 'if-range': value })).statusCode
  assert.equal(await statuses('"e"'), 206)
  assert.equal(await statuses('W/"e"'), 200)
  assert.equal(await statuses('"other"'), 200)
  assert.equal(await statuses(MODIFIED), 206)
  assert.equal(await statuses('Wed, 21 Oct 2015 07:28:01 GMT'), 200)
  assert.equal((await ask({ 'if-range': '"other"' })).statusCode, 200)
})

test('where nothing fresh is stored they go to the origin as they are, and a whole answer is stored', async (t) => {
  const { origin, ask, clock } = await start(t)
  clock.pass(100)
  for (const headers of [{ 'if-none-match': '"mine"' }, { range: 'bytes=0-1' }]) {
    const answer = await ask(headers)
    assert.equal(answer.statusCode, 200)
    assert.match(answer.cache, /^fwd=stale; stored/)
    clock.pass(100)
  }
  assert.equal(origin.requests[1]?.headers['if-none-match'], '"mine"')
  assert.equal(origin.requests[2]?.headers['if-none-match'], undefined)
  assert.equal(origin.requests[2]?.headers['range'], 'bytes=0-1')
})
