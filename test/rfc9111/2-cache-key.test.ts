/** RFC 9111 section 2: the cache key. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { control, stage } from './stage.ts'

test('[A3] the key has the method and the target URI', async (t) => {
  const { get, count } = await stage(t, control('max-age=60'))
  await get('/head', {}, 'HEAD')
  for (const path of ['/a', '/b', '/a?x', '/a?x=', '/head'])
    assert.match((await get(path)).cache, /^fwd=uri-miss/, path)
  assert.equal(count(), 6)
})
