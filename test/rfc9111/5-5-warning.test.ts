/** RFC 9111 section 5.5: Warning, which is obsolete. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BOTH, control, LAST_MODIFIED, stage } from './stage.ts'

test('[A106] no Warning is made: not on a hit, not stale, not disconnected, not by a long guess', async (t) => {
  for (const options of BOTH) {
    const fields = { 'last-modified': LAST_MODIFIED, etag: '"e"' }
    const { get, clock, count } = await stage(
      t,
      (_request, count, response) => {
        if (count === 1) return { fields }
        response.destroy()
        return undefined
      },
      options,
    )
    const answers = [await get(), await get()]
    clock.pass(2 * 86_400)
    answers.push(await get())
    clock.pass(365 * 86_400)
    answers.push(await get('/', { 'cache-control': 'max-stale' }), await get())
    assert.deepEqual(
      answers.map(({ cache }) => /^(hit|fwd=stale; detail=unreachable|fwd)/.exec(cache)?.[0]),
      ['fwd', 'hit', 'hit', 'hit', 'fwd=stale; detail=unreachable'],
    )
    for (const { headers } of answers) assert.equal(headers['warning'], undefined)
    assert.ok(count() > 1)
    // One that the origin sends is a field like any other.
    const warned = await stage(t, control('max-age=60', { warning: '299 - "old"' }), options)
    assert.equal((await warned.get()).headers['warning'], '299 - "old"')
    assert.equal((await warned.get()).headers['warning'], '299 - "old"')
  }
})
