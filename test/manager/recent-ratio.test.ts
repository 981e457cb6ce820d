/** The hit ratio of the last minutes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RecentRatio } from '../../src/manager/recent-ratio.ts'
import { startCache } from '../helpers/cache.ts'
import { startOrigin } from '../helpers/origin.ts'

test('what is older than five minutes counts no more, whatever was asked since', () => {
  let now = 1_234
  const ratio = new RecentRatio(() => now)
  assert.equal(ratio.value, undefined)
  ratio.count(true)
  ratio.count(false)
  assert.equal(ratio.value, 0.5)
  now += 150_000
  ratio.count(true)
  ratio.count(true)
  assert.equal(ratio.value, 0.75)
  now += 149_000
  assert.equal(ratio.value, 1)
  now += 1_000_000
  assert.equal(ratio.value, undefined)
  ratio.count(false)
  assert.equal(ratio.value, 0)
})

test('stats() has misses by reason, the ratio, and bytes by where they came from', async (t) => {
  const origin = await startOrigin(t, (_, response) =>
    response.writeHead(200, { 'cache-control': 'max-age=100' }).end('12345'),
  )
  const { get, manager } = await startCache(t)
  for (const path of ['/', '/', '/', '/other']) await get(origin.url + path)
  await get(`${origin.url}/`, { headers: { 'cache-control': 'no-cache' } })
  const { missesByReason, hitRatio, recentHitRatio, bytesFromMemory, bytesServed, bytesFromNetwork } = manager.stats()
  assert.deepEqual(
    { missesByReason, hitRatio, recentHitRatio, bytesServed, bytesFromNetwork },
    {
      missesByReason: { 'uri-miss': 2, request: 1 },
      hitRatio: 0.4,
      recentHitRatio: 0.4,
      bytesServed: 10,
      bytesFromNetwork: 15,
    },
  )
  assert.ok(bytesFromMemory >= 5)
})

test('a clock that is set back begins anew, and one that wavers does not', () => {
  let now = 1_000_000
  const ratio = new RecentRatio(() => now)
  ratio.count(true)
  now -= 9_000
  ratio.count(false)
  assert.equal(ratio.value, 0.5)
  now -= 60_000
  assert.equal(ratio.value, undefined)
  ratio.count(true)
  assert.equal(ratio.value, 1)
})
