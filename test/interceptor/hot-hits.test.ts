/** Small answers: at once, but never deeper in the stack, and by what the request was when it was made. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { IncomingRequest } from '../../src/interceptor/cache-request.ts'
import type { ManagerOptions } from '../../src/index.ts'
import { engineOf } from '../../src/manager/streaming-manager.ts'
import { startCache, type TestCache } from '../helpers/cache.ts'
import { startOrigin, type Origin } from '../helpers/origin.ts'

async function startBoth(
  t: TestContext,
  more: Record<string, string> = {},
  options: ManagerOptions = {},
): Promise<[Origin, TestCache]> {
  const origin = await startOrigin(t, (request, response) => {
    response.setHeader('cache-control', 'max-age=60')
    for (const [name, value] of Object.entries(more)) response.setHeader(name, value)
    response.end(`for ${String(request.headers['accept-language'])}`)
  })
  return [origin, await startCache(t, options)]
}

for (const [where, options] of [
  ['memory', {}],
  ['disk', { maxMemory: 0, flushInterval: 0 }],
] as const) {
  test(`what comes from ${where} is there when dispatch returns`, async (t) => {
    const [origin, cache] = await startBoth(t, {}, options)
    for (let i = 0; i < 3; i++) await cache.get(`${origin.url}/`)
    const heard: string[] = []
    const asked = { origin: origin.url, path: '/', method: 'GET' as const }
    cache.dispatcher.dispatch(asked, {
      onRequestStart: () => heard.push('start'),
      onResponseStart: (_, statusCode) => heard.push(String(statusCode)),
      onResponseData: (_, chunk) => heard.push(chunk.toString()),
      onResponseEnd: () => heard.push('end'),
      onResponseError: (_, error) => heard.push(error.message),
    })
    assert.deepEqual(heard, ['start', '200', 'for undefined', 'end'])
    assert.equal(cache.manager.stats().bytesFromMemory > 0, where === 'memory')
  })
}

test('a consumer that asks again whenever it is answered fills no stack, and stops nobody else', async (t) => {
  const [origin, cache] = await startBoth(t)
  for (let i = 0; i < 3; i++) await cache.get(`${origin.url}/`)
  const asked = 20_000
  let answered = 0
  let turns = 0
  const done = new Promise<void>((resolve, reject) => {
    const ask = () => {
      cache.dispatcher.dispatch(
        { origin: origin.url, path: '/', method: 'GET' },
        {
          onRequestStart() {},
          onResponseStart() {},
          onResponseData() {},
          onResponseEnd: () => (++answered === asked ? resolve() : ask()),
          onResponseError: (_, error) => reject(error),
        },
      )
    }
    ask()
  })
  const count = () => {
    turns++
    if (answered < asked) setImmediate(count)
  }
  count()
  await done
  assert.equal(origin.requests.length, 1)
  assert.ok(turns >= asked / 200, `the event loop had ${turns} turns`)
})

test('whoever lets the event loop have its turn is answered at once, however often he asks', async (t) => {
  const [origin, cache] = await startBoth(t)
  for (let i = 0; i < 3; i++) await cache.get(`${origin.url}/`)
  for (let asked = 0; asked < 300; asked++) {
    await new Promise(setImmediate)
    let isAnswered = false
    cache.dispatcher.dispatch(
      { origin: origin.url, path: '/', method: 'GET' },
      {
        onRequestStart() {},
        onResponseStart() {},
        onResponseData() {},
        onResponseEnd: () => void (isAnswered = true),
        onResponseError: (_, error) => assert.fail(error),
      },
    )
    assert.ok(isAnswered, `request ${asked}`)
  }
})

test('a caller may use its headers for something else once dispatch has returned', async (t) => {
  const [origin, cache] = await startBoth(t, { vary: 'accept-language' })
  const headers = { 'accept-language': 'de' }
  const first = cache.get(`${origin.url}/`, { headers })
  headers['accept-language'] = 'fr'
  assert.equal((await first).body.toString(), 'for de')
  assert.equal((await cache.get(`${origin.url}/`, { headers })).body.toString(), 'for fr')
  for (let i = 0; i < 3; i++) {
    const german = await cache.get(`${origin.url}/`, { headers: { 'accept-language': 'de' } })
    assert.equal(german.body.toString(), 'for de')
  }
  assert.equal(origin.requests.length, 2)
})

test('a disk that is slow is asked once for each hit whether it is', async (t) => {
  const [origin, cache] = await startBoth(t, {}, { maxMemory: 0, flushInterval: 0 })
  await cache.get(`${origin.url}/`)
  await cache.manager.runPendingTasks()
  const { store } = engineOf(cache.manager).holdings
  const read = t.mock.method(store, 'readSmall', () => undefined)
  assert.equal((await cache.get(`${origin.url}/`)).text, 'for undefined')
  assert.equal(read.mock.callCount(), 1)
  assert.equal(origin.requests.length, 1)
})

test('which requests ask for nothing special, in all forms of headers', () => {
  const isPlain = (headers: unknown) => IncomingRequest.from('GET', 'http://a/', headers, '')?.isPlain
  for (const headers of [undefined, null, {}, { accept: '*/*', Authorization: 'x', cookie: ['a', 'b'] }]) {
    assert.equal(isPlain(headers), true)
  }
  const telling = ['Cache-Control', 'pragma', 'RANGE', 'if-range', 'If-Match', 'if-none-match', 'Host']
  for (const name of [...telling, 'if-modified-since', 'if-unmodified-since']) {
    const value = name === 'Host' ? 'a' : 'x'
    for (const headers of [{ [name]: value }, [name, value], [[name, value]], new Map([[name, value]])]) {
      const request = IncomingRequest.from('GET', 'http://a/', headers, '')
      assert.equal(request?.isPlain, false)
      assert.equal(request?.fields[name.toLowerCase()], value)
    }
  }
  // Nobody looks into these before they are read.
  assert.equal(isPlain(['accept', '*/*']), false)
  assert.equal(isPlain(['accept']), undefined)
  assert.equal(isPlain('accept: */*'), undefined)
})
