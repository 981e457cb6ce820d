/** RFC 9111 section 5.4: Pragma. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BOTH, control, reuse, stage } from './stage.ts'

test('[A105] Pragma: no-cache in a request counts as no-cache, unless there is a Cache-Control', async (t) => {
  for (const options of BOTH) {
    const reused = await reuse(t, options)
    const asked = (second: Record<string, string>) => reused(control('max-age=60'), { first: {}, second })
    for (const [pragma, expected] of [
      ['no-cache', false],
      ['No-Cache', false],
      ['foo, no-cache', false],
      ['foo', true],
      ['foo="no-cache"', true],
      ['no-cached', true],
    ] as const) {
      assert.equal(await asked({ pragma }), expected, pragma)
      assert.equal(await asked({ pragma, 'cache-control': 'max-age=50' }), true, pragma)
      assert.equal(await asked({ pragma, 'cache-control': 'foo' }), true, pragma)
    }
    assert.equal(await asked({ pragma: 'foo', 'cache-control': 'no-cache' }), false)
    const { get, received } = await stage(t, control('max-age=60', { etag: '"e"' }), options)
    await get()
    await get('/', { pragma: 'no-cache' })
    assert.deepEqual([received(2)['if-none-match'], received(2)['pragma']], ['"e"', 'no-cache'])
  }
})

test('[A105] in a response it means nothing', async (t) => {
  for (const options of BOTH) {
    const reused = await reuse(t, options)
    for (const pragma of ['no-cache', 'no-store', 'foo']) {
      assert.equal(await reused(control('max-age=60', { pragma })), true, pragma)
      assert.equal(await reused({ fields: { pragma, expires: 'Thu, 18 Aug 2050 02:01:18 GMT' } }), true, pragma)
    }
    const { get } = await stage(t, control('max-age=60', { pragma: 'no-cache' }), options)
    await get()
    assert.equal((await get()).headers['pragma'], 'no-cache', 'it is a field like any other')
  }
})
