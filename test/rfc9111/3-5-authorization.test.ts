/** RFC 9111 section 3.5: storing responses to authenticated requests. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { control, reuse } from './stage.ts'

test('[A26] what was stored by leave of a directive is reused by the rules of that directive', async (t) => {
  const reused = await reuse(t)
  const first = { authorization: 'Basic eDp5' }
  for (const leave of ['max-age=10, must-revalidate', 's-maxage=10']) {
    const others = { authorization: 'Basic eDp6' }
    assert.equal(await reused(control(leave), { first, second: others }), true, leave)
    const stale = { ...others, 'cache-control': 'max-stale' }
    assert.equal(await reused(control(leave), { first, second: stale, pass: 20 }), false, leave)
  }
  const stale = { ...first, 'cache-control': 'max-stale' }
  assert.equal(await reused(control('max-age=10, public'), { first, second: stale, pass: 20 }), true)
})
