/** RFC 9111 section 1.2.2: delta-seconds. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startCache } from '../helpers/cache.ts'
import { control, reuse, stage } from './stage.ts'

const HUGE = '99999999999999999999'

test('[A1] what overflows counts as the largest number, in memory and read back from disk', async (t) => {
  const { cache, get, clock, origin, count } = await stage(t, control(`max-age=${HUGE}`))
  await get()
  clock.pass(1e9)
  assert.match((await get()).cache, /^hit/)
  await cache.manager.close()
  const next = await startCache(t, { directory: cache.directory, clock: clock.now })
  assert.match((await next.get(`${origin.url}/`)).cache, /^hit; ttl=\d+$/)
  assert.equal(count(), 1)
  const reused = await reuse(t)
  assert.equal(await reused(control('max-age=3600', { age: HUGE })), false)
})

test('[A2] 31 bits are within range', async (t) => {
  const reused = await reuse(t)
  assert.equal(await reused(control('max-age=2147483647'), { pass: 2_147_483_000 }), true)
})
