/** RFC 9111 section 4.2.3: calculating age. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { startCache, type TestCacheOptions } from '../helpers/cache.ts'
import { BOTH, control, date, stage, type Fields, type Stage } from './stage.ts'

/** A cache with one response, whose answer took so many seconds; `fields` are told when it was sent. */
async function withResponse(
  t: TestContext,
  fields: (now: number) => Fields,
  options: TestCacheOptions,
  delay = 0,
): Promise<Stage> {
  const staged: Stage = await stage(
    t,
    () => {
      staged.clock.pass(delay)
      return { fields: fields(staged.clock.now()) }
    },
    options,
  )
  await staged.get()
  return staged
}

test('[A53] the time that the answer took is added to its Age', async (t) => {
  for (const options of BOTH) {
    for (const [age, delay, expected] of [
      [undefined, 0, 0],
      [undefined, 3, 3],
      ['10', 0, 10],
      ['10', 3, 13],
    ] as const) {
      const aged = age === undefined ? {} : { age }
      const { get, clock, count, cache, origin } = await withResponse(
        t,
        (now) => ({ 'cache-control': 'max-age=20', date: date(now), ...aged }),
        options,
        delay,
      )
      const hit = await get()
      assert.equal(hit.headers['age'], String(expected))
      assert.match(hit.cache, new RegExp(`^hit; ttl=${20 - expected}$`))
      clock.pass(19 - expected)
      assert.equal((await get()).headers['age'], '19')
      await cache.manager.close()
      const next = await startCache(t, { ...options, directory: cache.directory, clock: clock.now })
      assert.equal((await next.get(`${origin.url}/`)).headers['age'], '19')
      assert.equal(count(), 1)
      clock.pass(1)
      await next.get(`${origin.url}/`)
      assert.equal(count(), 2)
    }
  }
})

test('[A54] the age is what Date makes of it or what Age says, whichever is more, and never negative', async (t) => {
  const cases: [dated: number, age: string | undefined, expected: number][] = [
    [0, undefined, 0],
    [3600, undefined, 0],
    [3600, '10', 10],
    [-3600, undefined, 3600],
    [-60, '10', 60],
    [-60, '100', 100],
    [-60, '60', 60],
    [-60, '-100', 60],
  ]
  for (const options of BOTH) {
    for (const [dated, age, expected] of cases) {
      const aged = age === undefined ? {} : { age }
      const fields = (now: number) => ({ 'cache-control': 'max-age=5000', date: date(now, dated), ...aged })
      const { get, clock, count } = await withResponse(t, fields, options)
      assert.equal((await get()).headers['age'], String(expected), JSON.stringify([dated, age]))
      clock.pass(4999 - expected)
      assert.equal((await get()).headers['age'], '4999')
      assert.equal(count(), 1)
      clock.pass(1)
      await get()
      assert.equal(count(), 2)
    }
  }
})

test('[A55] the age counts from the last validation that succeeded', async (t) => {
  const cases: [fields: (now: number) => Fields, delay: number, expected: number][] = [
    [(now) => ({ date: date(now) }), 0, 0],
    [() => ({}), 0, 0],
    [(now) => ({ date: date(now), age: '7' }), 0, 7],
    [(now) => ({ date: date(now) }), 3, 3],
    [(now) => ({ date: date(now), age: '7' }), 3, 10],
    [(now) => ({ date: date(now, -20) }), 0, 20],
  ]
  for (const options of BOTH) {
    for (const [fields, delay, expected] of cases) {
      const { get, clock, count } = await stage(
        t,
        (_request, count) => {
          if (count === 1) return control('max-age=100', { etag: '"e"', date: date(clock.now(), -30), age: '50' })
          clock.pass(delay)
          return { status: 304, fields: { etag: '"e"', ...fields(clock.now()) } }
        },
        options,
      )
      await get()
      clock.pass(20)
      assert.equal((await get()).headers['age'], '70')
      clock.pass(30)
      await get()
      assert.equal(count(), 2)
      for (const passed of [0, 5]) {
        clock.pass(passed)
        const hit = await get()
        assert.match(hit.cache, /^hit/)
        assert.equal(hit.headers['age'], String(expected + passed))
      }
      clock.pass(94 - expected)
      await get()
      assert.equal(count(), 2)
      clock.pass(1)
      await get()
      assert.equal(count(), 3)
    }
  }
})

test('[A55] one that failed leaves the age as it was', async (t) => {
  for (const options of BOTH) {
    const { get, clock } = await stage(
      t,
      [control('max-age=10, stale-if-error=100', { etag: '"e"', age: '5' }), { status: 503 }],
      options,
    )
    await get()
    for (const expected of ['25', '45']) {
      clock.pass(20)
      const { text, headers } = await get()
      assert.deepEqual([text, headers['age']], ['body', expected])
    }
  }
})
