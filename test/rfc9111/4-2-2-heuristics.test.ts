/** RFC 9111 section 4.2.2: calculating heuristic freshness. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BOTH, control, date, LAST_MODIFIED, lifetimes, PRIVATE, reuse, type Fields } from './stage.ts'

const MODIFIED = { 'last-modified': LAST_MODIFIED }
const WEEK = 604_800

test('[A50] where a lifetime is stated nothing is guessed', async (t) => {
  const cases: [fields: Fields, shared: boolean, alone: boolean][] = [
    [{}, true, true],
    [{ 'cache-control': 'max-age=0' }, false, false],
    [{ 'cache-control': 'public, max-age=0' }, false, false],
    [{ 'cache-control': 'max-age=x' }, false, false],
    [{ 'cache-control': 'max-age' }, false, false],
    [{ expires: '0' }, false, false],
    [{ expires: '' }, false, false],
    [{ expires: LAST_MODIFIED }, false, false],
    // A private cache knows no s-maxage.
    [{ 'cache-control': 's-maxage=0' }, false, true],
    [{ 'cache-control': 's-maxage=x' }, false, true],
    [{ 'cache-control': 's-maxage=0', expires: '0' }, false, false],
    [{ 'cache-control': 'must-revalidate' }, true, true],
  ]
  for (const options of BOTH) {
    const reused = await reuse(t, options)
    // What an option says to take for granted is a guess, too.
    const granted = await reuse(t, { ...options, interceptor: { ...options.interceptor, cacheByDefault: 60 } })
    for (const [fields, shared, alone] of cases) {
      const expected = options === PRIVATE ? alone : shared
      assert.equal(await reused({ fields: { ...fields, ...MODIFIED } }), expected, JSON.stringify(fields))
      assert.equal(await granted({ fields: { ...fields, etag: '"e"' } }), expected, JSON.stringify(fields))
    }
  }
})

test('[A51] guessed is for statuses that are defined so, and for what is public', async (t) => {
  const defined = [200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501]
  const others = [201, 202, 302, 303, 307, 400, 401, 403, 500, 502, 503, 504, 599]
  for (const options of BOTH) {
    const reused = await reuse(t, options)
    const granted = await reuse(t, { ...options, interceptor: { ...options.interceptor, cacheByDefault: 60 } })
    for (const status of [...defined, ...others]) {
      const expected = defined.includes(status)
      assert.equal(await reused({ status, fields: MODIFIED }), expected, String(status))
      assert.equal(await granted({ status }), expected, String(status))
      assert.equal(await reused({ status, ...control('public', MODIFIED) }), true, String(status))
      assert.equal(await granted({ status, ...control('public') }), true, String(status))
      // Private stores it in a private cache, and says nothing of its freshness.
      assert.equal(await reused({ status, ...control('private', MODIFIED) }), expected && options === PRIVATE)
      assert.equal(await granted({ status, ...control('private') }), expected && options === PRIVATE)
    }
  }
})

test('[A52] a tenth of the time since Last-Modified, and no more than a week', async (t) => {
  for (const options of BOTH) {
    const lasts = await lifetimes(t, options)
    const modified = (seconds: number, dated?: number) => (now: number) => ({
      fields: {
        'last-modified': date(now, -seconds),
        ...(dated === undefined ? {} : { date: date(now, dated) }),
      },
    })
    await lasts(modified(1000), 100)
    await lasts(modified(1000, 0), 100)
    // From Last-Modified to Date, however long it has been on its way.
    await lasts(modified(1030, -30), 70)
    await lasts(modified(1100, -100), 0)
    await lasts(modified(10 * (WEEK - 1)), WEEK - 1)
    await lasts(modified(10 * WEEK), WEEK)
    await lasts(modified(20 * WEEK), WEEK)
    await lasts({ fields: { 'last-modified': 'Thu, 01 Jan 1970 00:00:00 GMT' } }, WEEK)
    for (const dated of [undefined, 0]) {
      await lasts(modified(0, dated), 0)
      await lasts(modified(-1, dated), 0)
      await lasts(modified(-1e6, dated), 0)
    }
    await lasts({ fields: { 'last-modified': 'once', etag: '"e"' } }, 0)
    await lasts({ fields: { etag: '"e"' } }, 0)
  }
})
