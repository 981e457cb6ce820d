/** RFC 9111 section 5.3: Expires. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BOTH, date, LAST_MODIFIED, PRIVATE, reuse } from './stage.ts'

const FAR = 'Thu, 18 Aug 2050 02:01:18 GMT'

const INVALID: (string | string[])[] = [
  '0',
  '',
  '-1',
  'never',
  '2050-08-18T02:01:18Z',
  'Thu, 18 Aug 2050 02:01:18',
  'Thu, 18 Aug 2050 02:01:18 UTC',
  'Thu, 18 Aug 2050 02:01:18 +0000',
  'Thu, 18 Aug 2050 25:01:18 GMT',
  'Sun, 30 Feb 2050 02:01:18 GMT',
  [FAR, FAR],
  [FAR, '0'],
]

test('[A103] an invalid Expires is in the past, and leaves nothing to guess', async (t) => {
  for (const options of BOTH) {
    const reused = await reuse(t, options)
    assert.equal(await reused({ fields: { expires: FAR } }), true)
    for (const expires of INVALID) {
      assert.equal(await reused({ fields: { expires } }), false, String(expires))
      assert.equal(await reused({ fields: { expires, 'last-modified': LAST_MODIFIED } }), false, String(expires))
    }
    const past = (now: number) => ({ fields: { date: date(now), expires: date(now), 'last-modified': LAST_MODIFIED } })
    assert.equal(await reused(past), false, 'a valid one of this second')
  }
})

test('[A104] max-age, and in a shared cache s-maxage, make Expires mean nothing', async (t) => {
  for (const options of BOTH) {
    const reused = await reuse(t, options)
    for (const expires of [...INVALID, FAR, LAST_MODIFIED]) {
      const fields = { 'cache-control': 'max-age=60', expires }
      assert.equal(await reused({ fields }), true, String(expires))
      assert.equal(await reused({ fields }, { pass: 61 }), false, String(expires))
      assert.equal(await reused({ fields: { ...fields, 'cache-control': 'max-age=0' } }), false, String(expires))
    }
    const isPrivate = options === PRIVATE
    assert.equal(await reused({ fields: { 'cache-control': 's-maxage=60', expires: '0' } }), !isPrivate)
    assert.equal(await reused({ fields: { 'cache-control': 's-maxage=0', expires: FAR } }), isPrivate)
    assert.equal(await reused({ fields: { 'cache-control': 'max-age=x', expires: FAR } }), false)
  }
})
