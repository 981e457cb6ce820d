/** RFC 9111 section 7.3: caching of sensitive information, here Set-Cookie. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { control, filesWith, PRIVATE, reuse, stage } from './stage.ts'

// "Set-Cookie … does not inhibit caching" is for origins that know it; refusing is this shared cache's choice.
test('[A107] a shared cache stores Set-Cookie only where the origin says that it is for everybody', async (t) => {
  const cookie = { 'set-cookie': ['id=planted-cookie', 'b=2'], expires: 'Thu, 18 Aug 2050 02:01:18 GMT' }
  const reused = await reuse(t)
  for (const value of ['max-age=60', 'must-revalidate', 'foo']) {
    assert.equal(await reused(control(value, cookie)), false, value)
  }
  assert.equal(await reused(control('max-age=60, no-cache="set-cookie"', cookie)), false)
  for (const value of ['max-age=60, public', 's-maxage=60']) {
    const { get } = await stage(t, control(value, cookie))
    await get()
    const hit = await get()
    assert.match(hit.cache, /^hit/, value)
    assert.deepEqual(hit.headers['set-cookie'], cookie['set-cookie'])
  }
  const { get, cache } = await stage(t, control('max-age=60', cookie))
  assert.deepEqual((await get()).headers['set-cookie'], cookie['set-cookie'])
  await cache.manager.close()
  assert.deepEqual(await filesWith(cache.directory, 'planted-cookie'), [])
})

test('[A107] a private cache stores it', async (t) => {
  const cookie = { 'set-cookie': ['id=1', 'b=2'] }
  for (const value of ['max-age=60', 'private, max-age=60']) {
    const { get } = await stage(t, control(value, cookie), PRIVATE)
    await get()
    const hit = await get()
    assert.match(hit.cache, /^hit/, value)
    assert.deepEqual(hit.headers['set-cookie'], cookie['set-cookie'])
  }
})

test('[A107] nor does a 304 bring one into a shared cache', async (t) => {
  for (const options of [{}, PRIVATE]) {
    const { get, clock, count } = await stage(
      t,
      [
        control('max-age=10', { etag: '"e"' }),
        { status: 304, fields: { etag: '"e"', 'cache-control': 'max-age=100', 'set-cookie': 'id=planted' } },
      ],
      options,
    )
    await get()
    clock.pass(20)
    await get()
    const hit = await get()
    assert.deepEqual(hit.headers['set-cookie'], options === PRIVATE ? 'id=planted' : undefined)
    assert.equal(count(), 2)
  }
})
