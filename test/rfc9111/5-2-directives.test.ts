/** RFC 9111 section 5.2: Cache-Control as such; and section 5.2.3, extensions of it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BOTH, control, reuse, stage } from './stage.ts'

test('[A81] names in any case, arguments as tokens or quoted, commas inside quotes split nothing', async (t) => {
  for (const options of BOTH) {
    const reused = await reuse(t, options)
    for (const [value, expected] of [
      ['MAX-AGE=60', true],
      ['max-age="60"', true],
      ['Max-Age = 60', true],
      ['max-age=60, ext="a, no-store"', true],
      ['ext="a, max-age=0", max-age=60', true],
      ['ext="a\\", no-store", max-age=60', true],
      ['ext="max-age=60"', false],
      ['max-age="0"', false],
      ["max-age='60'", false],
      ['max-age=60, No-Store', false],
      ['max-age=60, NO-CACHE', false],
      ['max-age=60, ext="a", no-store', false],
      ['max-age=60, ext="a\\\\", no-store', false],
    ] as const) {
      assert.equal(await reused(control(value)), expected, value)
    }
  }
})

test('[A81] so in requests', async (t) => {
  for (const options of BOTH) {
    const reused = await reuse(t, options)
    for (const [value, expected] of [
      ['NO-CACHE', false],
      ['Max-Age=9', false],
      ['max-age="9"', false],
      ['max-age="100"', true],
      ['ext="a, no-cache"', true],
      ['ext="a\\", no-cache"', true],
    ] as const) {
      const how = { first: {}, second: { 'cache-control': value }, pass: 10 }
      assert.equal(await reused(control('max-age=60'), how), expected, value)
    }
  }
})

test('[A82, A88] directives pass through unchanged, of requests and of responses', async (t) => {
  const ofRequest = 'No-Transform, x-unknown="a, b", max-stale=5,, FOO'
  const ofResponse = ['Max-Age=10, x-unknown="c, d",, BAR', 'stale-while-revalidate=60, no-transform']
  for (const options of BOTH) {
    const { get, clock, received, count, cache } = await stage(
      t,
      ({ headers }) =>
        headers['if-none-match'] === undefined
          ? control(ofResponse, { etag: '"e"' })
          : { status: 304, fields: { etag: '"e"' } },
      options,
    )
    const ask = async () => (await get('/', { 'cache-control': ofRequest })).headers['cache-control']
    const asReceived = ofResponse.join(', ')
    assert.equal([await ask()].flat().join(', '), asReceived, 'a miss')
    assert.equal([await ask()].flat().join(', '), asReceived, 'a hit')
    assert.equal(count(), 1)
    clock.pass(20)
    assert.equal([await ask()].flat().join(', '), asReceived, 'stale')
    while (cache.manager.stats().freshened === 0) await new Promise((resolve) => setImmediate(resolve))
    clock.pass(100)
    assert.equal([await ask()].flat().join(', '), asReceived, 'validated')
    assert.equal((await get('/', { 'cache-control': ofRequest }, 'POST')).statusCode, 200)
    assert.equal(count(), 4)
    for (const n of [1, 2, 3, 4]) assert.equal(received(n)['cache-control'], ofRequest, `request ${n}`)
  }
})

test('[A102] directives that are not known are ignored', async (t) => {
  for (const options of BOTH) {
    const reused = await reuse(t, options)
    for (const value of [
      'max-age=60, foo, bar="a,b"',
      'foo, max-age=60',
      'foo=no-store, max-age=60',
      'no-storex, max-age=60',
      'max-age=60, max-agex=0, x-no-cache',
      'max-age=60, foo="unfinished',
      'max-age=60, , =, ;, "', // nothing that could be a directive
    ]) {
      assert.equal(await reused(control(value)), true, value)
      assert.equal(await reused(control(value), { pass: 61 }), false, value)
    }
    assert.equal(await reused(control('foo, bar=60')), false)
  }
})
