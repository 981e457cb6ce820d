/** RFC 5861: stale-while-revalidate and stale-if-error. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { test, type TestContext } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { request } from 'undici'
import type { TestCacheOptions } from '../helpers/cache.ts'
import { BOTH, control, PRIVATE, stage, type RequestFields } from './stage.ts'

const STORED = 'stored'

/** A response of this Cache-Control, 20 seconds old, whose origin from now on does as told. */
async function aged(
  t: TestContext,
  value: string,
  later: (response: ServerResponse) => void,
  options: TestCacheOptions = {},
) {
  const staged = await stage(
    t,
    (_request, count, response) => {
      if (count === 1) return { ...control(value, { etag: '"e"' }), body: STORED }
      later(response)
      return undefined
    },
    options,
  )
  await staged.get()
  staged.clock.pass(20)
  return staged
}

type Aged = Awaited<ReturnType<typeof aged>>

/** Until something has come about that only the event loop can bring, or what is done again and again. */
async function until(condition: () => boolean, again: () => Promise<unknown> = turn): Promise<void> {
  const deadline = performance.now() + 10_000
  while (!condition()) {
    assert.ok(performance.now() < deadline, 'it does not come about')
    await again()
  }
}

const answering = (status: number, value = 'max-age=100') => {
  return (response: ServerResponse) =>
    void response.writeHead(status, { etag: '"e"', 'cache-control': value }).end(status === 304 ? undefined : 'new')
}
const notModified = answering(304)
const breakOff = (response: ServerResponse) => void response.destroy()

test('[C.1] within the window all are answered stale at once, while one validation runs for all', async (t) => {
  for (const options of BOTH) {
    const held: ServerResponse[] = []
    const { get, count, received, cache } = await aged(
      t,
      'max-age=10, stale-while-revalidate=60',
      (response) => held.push(response),
      options,
    )
    const methods = Array.from({ length: 50 }, (_, i) => (i % 5 === 4 ? 'HEAD' : 'GET'))
    const answers = await Promise.all(methods.map((method) => get('/', {}, method)))
    for (const [i, { statusCode, text, cache, headers }] of answers.entries()) {
      assert.deepEqual([statusCode, text, headers['age']], [200, methods[i] === 'HEAD' ? '' : STORED, '20'])
      assert.equal(cache, 'hit; ttl=-10')
    }
    // Nobody has waited: the origin has not answered yet.
    await until(() => held.length > 0)
    assert.equal(count(), 2)
    assert.equal(received(2)['if-none-match'], '"e"')
    notModified(held[0] as ServerResponse)
    await until(() => cache.manager.stats().freshened === 1)
    assert.equal((await get()).cache, 'hit; ttl=100')
    assert.equal(count(), 2)
  }
})

test('[C.1] a new response in the background takes the place of the old one; its content is whole', async (t) => {
  for (const options of BOTH) {
    const { get, count, cache } = await aged(t, 'max-age=10, stale-while-revalidate=60', answering(200), options)
    assert.equal((await get()).text, STORED)
    await until(() => cache.manager.stats().stores === 2)
    assert.equal((await get()).text, 'new')
    assert.equal(count(), 2)
  }
})

test('[C.1] a caller that leaves does not take the background validation with it', async (t) => {
  const held: ServerResponse[] = []
  const { origin, cache, get } = await aged(t, 'max-age=10, stale-while-revalidate=60', (response) =>
    held.push(response),
  )
  const controller = new AbortController()
  const { body } = await request(origin.url, { dispatcher: cache.dispatcher, signal: controller.signal })
  const failed = once(body, 'error')
  controller.abort(new Error('left'))
  await failed
  await until(() => held.length === 1)
  notModified(held[0] as ServerResponse)
  await until(() => cache.manager.stats().freshened === 1)
  assert.equal((await get()).cache, 'hit; ttl=100')
})

test('[C.1] what is fresh, or has no window, is not validated in the background', async (t) => {
  for (const options of BOTH) {
    const fresh = await aged(t, 'max-age=60, stale-while-revalidate=60', notModified, options)
    assert.equal((await fresh.get()).cache, 'hit; ttl=40')
    // A request of its own behind it: had one gone out in the background, it would be there by now.
    await fresh.get('/other')
    assert.equal(fresh.count(), 2)
    for (const value of [
      'max-age=10',
      'max-age=10, stale-while-revalidate=x',
      'max-age=10, stale-while-revalidate=0',
    ]) {
      const { get } = await aged(t, value, notModified, options)
      assert.match((await get()).cache, /^fwd=stale; fwd-status=304/, value)
    }
  }
})

test('[C.2] after the window it is validated before it answers', async (t) => {
  for (const options of BOTH) {
    for (const [window, expected] of [
      [11, /^hit; ttl=-10$/],
      [10, /^fwd=stale; fwd-status=304/],
      [9, /^fwd=stale; fwd-status=304/],
    ] as const) {
      const { get } = await aged(t, `max-age=10, stale-while-revalidate=${window}`, notModified, options)
      assert.match((await get()).cache, expected, `${window}`)
    }
    const { get } = await aged(t, 'max-age=10, stale-while-revalidate=5', answering(200), options)
    assert.equal((await get()).text, 'new', 'nobody is given the old one any more')
  }
})

test('[C.3] a background validation that fails is nobody’s error, keeps what is stored, and is tried again', async (t) => {
  const unhandled: unknown[] = []
  const listener = (error: unknown) => void unhandled.push(error)
  process.on('unhandledRejection', listener)
  process.on('uncaughtException', listener)
  t.after(() => process.off('unhandledRejection', listener).off('uncaughtException', listener))
  const cut = (response: ServerResponse) =>
    void response
      .writeHead(200, { 'cache-control': 'max-age=100', 'content-length': '10' })
      .write('cut', () => response.destroy())
  for (const options of BOTH) {
    for (const fail of [breakOff, answering(500, 'no-store'), answering(503, 'no-store'), cut]) {
      const outcomes = [fail, fail, notModified]
      const { get, count, cache } = await aged(
        t,
        'max-age=10, stale-while-revalidate=60',
        (response) => outcomes.shift()?.(response),
        options,
      )
      for (let asked = 2; asked <= 4; asked++) {
        // The right to validate comes back when the failure has been seen.
        await until(
          () => count() === asked,
          async () => assert.deepEqual([(await get()).text, cache.manager.entryCount], [STORED, 1]),
        )
      }
      await until(() => cache.manager.stats().freshened === 1)
      assert.equal((await get()).cache, 'hit; ttl=100')
    }
    const gone = await aged(t, 'max-age=10, stale-while-revalidate=60', breakOff, options)
    gone.origin.server.closeAllConnections()
    gone.origin.server.close()
    for (let i = 0; i < 10; i++) assert.equal((await gone.get()).text, STORED)
    await gone.cache.manager.runPendingTasks()
  }
  await turn()
  assert.deepEqual(unhandled, [])
})

test('[C.3] directives that forbid stale responses go before the window', async (t) => {
  const window = 'stale-while-revalidate=60, stale-if-error=60'
  for (const options of BOTH) {
    const isPrivate = options === PRIVATE
    const cases: [value: string, isBackground: boolean][] = [
      [`max-age=10, ${window}`, true],
      [`max-age=10, must-revalidate, ${window}`, false],
      [`max-age=60, no-cache, ${window}`, false],
      [`max-age=10, proxy-revalidate, ${window}`, isPrivate],
      [`max-age=10, s-maxage=10, ${window}`, isPrivate],
    ]
    for (const [value, isBackground] of cases) {
      const { get } = await aged(t, value, notModified, options)
      assert.match((await get()).cache, isBackground ? /^hit/ : /^fwd=stale; fwd-status=304/, value)
      const failing = await aged(t, value, answering(503, 'no-store'), options)
      assert.equal((await failing.get()).statusCode, isBackground ? 200 : 503, value)
    }
    // What a caller asks for does, too.
    for (const [asked, answer] of [
      ['no-cache', /^fwd=request/],
      ['max-age=5', /^fwd=request/],
      ['min-fresh=1', /^fwd=stale/],
    ] as const) {
      const { get } = await aged(t, `max-age=10, ${window}`, notModified, options)
      assert.match((await get('/', { 'cache-control': asked })).cache, answer, asked)
    }
    const { get } = await aged(t, `max-age=10, ${window}`, notModified, options)
    assert.equal((await get('/', { 'cache-control': 'only-if-cached' })).text, STORED)
  }
})

/** No stale response for an unreachable origin but by stale-if-error. */
function strict(options: TestCacheOptions): TestCacheOptions {
  return { interceptor: { ...options.interceptor, staleWhenUnreachable: false } }
}

/** What a request is answered: `stored`, or the status, or `error`. */
async function outcome({ get }: Aged, fields: RequestFields = {}): Promise<string | number> {
  try {
    const { statusCode, text } = await get('/', fields)
    return text === STORED ? text : statusCode
  } catch {
    return 'error'
  }
}

test('[C.4] stale-if-error passes over 500, 502, 503, 504 and an origin out of reach, asked for by either side', async (t) => {
  const asked = { 'cache-control': 'stale-if-error=60' }
  for (const options of BOTH.map(strict)) {
    for (const status of [500, 502, 503, 504]) {
      const fail = answering(status, 'max-age=100')
      assert.equal(await outcome(await aged(t, 'max-age=10, stale-if-error=60', fail, options)), STORED)
      assert.equal(await outcome(await aged(t, 'max-age=10', fail, options), asked), STORED)
      assert.equal(await outcome(await aged(t, 'max-age=10', fail, options)), status)
    }
    assert.equal(await outcome(await aged(t, 'max-age=10, stale-if-error=60', breakOff, options)), STORED)
    assert.equal(await outcome(await aged(t, 'max-age=10', breakOff, options), asked), STORED)
    assert.equal(await outcome(await aged(t, 'max-age=10', breakOff, options)), 'error')
    const gone = await aged(t, 'max-age=10, stale-if-error=60', breakOff, options)
    gone.origin.server.closeAllConnections()
    gone.origin.server.close()
    assert.equal(await outcome(gone), STORED)
  }
})

test('[C.4] other answers are no errors in this sense: they are passed on, and what they replace goes', async (t) => {
  for (const options of BOTH) {
    for (const status of [400, 403, 404, 410, 429, 501, 505]) {
      const staged = await aged(t, 'max-age=10, stale-if-error=60', answering(status, 'no-store'), options)
      assert.equal(await outcome(staged, { 'cache-control': 'stale-if-error=60' }), status)
      assert.equal(staged.cache.manager.entryCount, status < 500 ? 0 : 1)
    }
  }
})

test('[C.4] a failing server that was passed over is asked again, and keeps nothing out', async (t) => {
  for (const options of BOTH) {
    const outcomes = [answering(503), answering(503), answering(200)]
    const { get, count } = await aged(
      t,
      'max-age=10, stale-if-error=60',
      (response) => outcomes.shift()?.(response),
      options,
    )
    assert.deepEqual([(await get()).text, (await get()).text, (await get()).text], [STORED, STORED, 'new'])
    assert.equal(count(), 4)
  }
})

test('[C.5] beyond its limit it passes over nothing', async (t) => {
  for (const options of BOTH.map(strict)) {
    for (const fail of [answering(503, 'no-store'), breakOff]) {
      const failure = fail === breakOff ? 'error' : 503
      for (const [limit, expected] of [
        [11, STORED],
        [9, failure],
        [1, failure],
        ['x', failure],
      ] as const) {
        const given = await aged(t, `max-age=10, stale-if-error=${limit}`, fail, options)
        assert.equal(await outcome(given), expected, `response, ${limit}`)
        const asked = await aged(t, 'max-age=10', fail, options)
        assert.equal(
          await outcome(asked, { 'cache-control': `stale-if-error=${limit}` }),
          expected,
          `request, ${limit}`,
        )
      }
      // Its time runs on while errors are passed over.
      const staged = await aged(t, 'max-age=10, stale-if-error=30', fail, options)
      assert.equal(await outcome(staged), STORED)
      staged.clock.pass(21)
      assert.equal(await outcome(staged), failure)
    }
  }
})

test('[C.6] whoever is answered stale can see it: the Age is over the lifetime', async (t) => {
  for (const options of BOTH) {
    for (const [value, later] of [
      ['max-age=10, stale-while-revalidate=60', () => {}],
      ['max-age=10, stale-if-error=60', answering(503)],
      ['max-age=10, stale-if-error=60', breakOff],
      ['max-age=10', breakOff],
    ] as const) {
      const { get } = await aged(t, value, later, options)
      const { statusCode, text, headers, cache } = await get()
      assert.deepEqual([statusCode, text], [200, STORED], value)
      assert.deepEqual([headers['age'], headers['cache-control']], ['20', value])
      assert.match(cache, /ttl=-10$/)
    }
  }
})
