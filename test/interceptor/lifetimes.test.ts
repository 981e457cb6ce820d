/** Lifetimes and windows laid down by options of the interceptor: ttl, minTtl, maxTtl, negativeTtl and the stale ones. */
import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { test } from 'node:test'
import type { CacheInterceptorOptions } from '../../src/index.ts'
import { startCache } from '../helpers/cache.ts'
import { control, date, lifetimes, reuse, stage, type Reply } from '../rfc9111/stage.ts'

type Case = readonly [name: string, options: CacheInterceptorOptions, reply: Reply, seconds: number]

const error = (status: number, fields: Reply['fields'] = {}): Reply => ({ status, fields })

const cases: readonly Case[] = [
  ['ttl in the place of max-age', { ttl: 10 }, control('max-age=60'), 10],
  ['ttl where nothing is stated', { ttl: 10 }, {}, 10],
  ['ttl of max-age=0', { ttl: 10 }, control('max-age=0'), 10],
  ['ttl in the place of Expires', { ttl: 10 }, { fields: { expires: '0' } }, 10],
  ['ttl of what has aged on its way', { ttl: 10 }, control('max-age=600', { age: '500' }), 10],
  ['ttl=0', { ttl: 0 }, control('max-age=60'), 0],
  ['ttl lifts no no-cache', { ttl: 10 }, control('no-cache', { etag: '"e"' }), 0],
  ['ttl lifts no no-store', { ttl: 10 }, control('no-store'), 0],
  ['ttl lifts no private', { ttl: 10 }, control('private, max-age=60'), 0],
  ['ttl lifts no Set-Cookie', { ttl: 10 }, control('max-age=60', { 'set-cookie': 'a=1' }), 0],
  ['ttl of a private cache', { ttl: 10, type: 'private' }, control('private, max-age=60'), 10],
  ['ttl is not for errors', { ttl: 10 }, error(404), 0],
  ['ttl is not for errors that state theirs', { ttl: 10 }, error(404, { 'cache-control': 'max-age=5' }), 5],
  ['ttl is not for statuses that may not be stored without', { ttl: 10 }, error(302), 0],
  ['ttl of a redirect that states its own', { ttl: 10 }, error(302, { 'cache-control': 'max-age=5' }), 10],
  ['minTtl above max-age', { minTtl: 10 }, control('max-age=5'), 10],
  ['minTtl below max-age', { minTtl: 10 }, control('max-age=60'), 60],
  ['minTtl of what arrived stale', { minTtl: 10 }, control('max-age=5', { age: '500' }), 10],
  ['minTtl is not for errors', { minTtl: 10 }, error(410, { 'cache-control': 'max-age=5' }), 5],
  ['maxTtl below max-age', { maxTtl: 10 }, control('max-age=60'), 10],
  ['maxTtl above max-age', { maxTtl: 100 }, control('max-age=60'), 60],
  ['maxTtl extends nothing that states no lifetime', { maxTtl: 100 }, { fields: { etag: '"e"' } }, 0],
  ['maxTtl and an Age', { maxTtl: 10 }, control('max-age=600', { age: '500' }), 10],
  ['maxTtl above what an Age leaves', { maxTtl: 200 }, control('max-age=600', { age: '500' }), 100],
  ['maxTtl caps s-maxage', { maxTtl: 10 }, control('s-maxage=60'), 10],
  ['maxTtl caps what is guessed', { maxTtl: 10, cacheByDefault: 60 }, {}, 10],
  ['maxTtl caps errors', { maxTtl: 10 }, error(404, { 'cache-control': 'max-age=60' }), 10],
  ['maxTtl caps negativeTtl', { maxTtl: 10, negativeTtl: 60 }, error(404), 10],
  ['maxTtl goes before ttl', { ttl: 60, maxTtl: 10 }, {}, 10],
  ['minTtl goes before ttl', { ttl: 5, minTtl: 10 }, {}, 10],
  ['negativeTtl of 404', { negativeTtl: 10 }, error(404), 10],
  ['negativeTtl of 405', { negativeTtl: 10 }, error(405), 10],
  ['negativeTtl of 410', { negativeTtl: 10 }, error(410), 10],
  ['negativeTtl of 414', { negativeTtl: 10 }, error(414), 10],
  ['negativeTtl of 501', { negativeTtl: 10 }, error(501), 10],
  ['negativeTtl of a 403 that says public', { negativeTtl: 10 }, error(403, { 'cache-control': 'public' }), 10],
  ['negativeTtl is not for a 403', { negativeTtl: 10 }, error(403), 0],
  ['negativeTtl is not for a 500', { negativeTtl: 10 }, error(500), 0],
  ['negativeTtl where a lifetime is stated', { negativeTtl: 10 }, error(404, { 'cache-control': 'max-age=60' }), 60],
  ['negativeTtl lifts no no-store', { negativeTtl: 10 }, error(404, { 'cache-control': 'no-store' }), 0],
  ['negativeTtl goes before cacheByDefault', { negativeTtl: 10, cacheByDefault: 60 }, error(404), 10],
  ['negativeTtl is not for a 200', { negativeTtl: 10, ttl: 60 }, {}, 60],
  ['negativeTtl beside ttl and minTtl', { negativeTtl: 10, ttl: 60, minTtl: 30 }, error(404), 10],
]

for (const [name, interceptor, reply, seconds] of cases) {
  test(`${name}: ${seconds} s`, async (t) => {
    const assertLifetime = await lifetimes(t, { interceptor })
    await assertLifetime(reply, seconds)
  })
}

test('negativeTtl goes before a guess by Last-Modified', async (t) => {
  const assertLifetime = await lifetimes(t, { interceptor: { negativeTtl: 10 } })
  await assertLifetime((now) => error(404, { 'last-modified': date(now, -1000), date: date(now) }), 10)
})

test('Cache-Status tells the lifetime that was laid down', async (t) => {
  const { get } = await stage(t, control('max-age=600', { age: '500' }), { interceptor: { maxTtl: 10 } })
  await get()
  assert.equal((await get()).cache, 'hit; ttl=10')
})

test('a validation renews what is laid down', async (t) => {
  const script = ({ headers }: IncomingMessage): Reply =>
    headers['if-none-match'] === undefined ? { fields: { etag: '"e"' } } : { status: 304, fields: { etag: '"e"' } }
  const { get, clock, count } = await stage(t, script, { interceptor: { ttl: 10 } })
  await get()
  clock.pass(10)
  assert.equal((await get()).cache, 'fwd=stale; fwd-status=304; ttl=10')
  clock.pass(9)
  assert.match((await get()).cache, /^hit/)
  assert.equal(count(), 2)
})

test('what was stored keeps its lifetime over a restart with other options, until it is validated', async (t) => {
  const reply = control('max-age=1000', { etag: '"e"' })
  const first = await stage(t, reply, { interceptor: { maxTtl: 100, staleIfError: 7, staleWhileRevalidate: 9 } })
  await first.get()
  await first.cache.manager.close()
  const { clock, origin } = first
  const again = await startCache(t, { directory: first.cache.directory, clock: clock.now, interceptor: { ttl: 5 } })
  assert.equal((await again.get(`${origin.url}/`)).cache, 'hit; ttl=100')
  clock.pass(109)
  assert.equal((await again.get(`${origin.url}/`)).cache, 'fwd=stale; stored')
  clock.pass(4)
  assert.equal((await again.get(`${origin.url}/`)).cache, 'hit; ttl=1')
})

test('the same after a restart that has no snapshot: it is in the bucket', async (t) => {
  const { get, clock, origin, cache } = await stage(t, control('max-age=1000'), { interceptor: { maxTtl: 100 } })
  await get()
  await cache.manager.close()
  await rm(`${cache.directory}/snapshot`)
  const again = await startCache(t, { directory: cache.directory, clock: clock.now })
  assert.equal((await again.get(`${origin.url}/`)).cache, 'hit; ttl=100')
})

const failing =
  (fields: Reply['fields'] = {}) =>
  (_: unknown, count: number): Reply =>
    count === 1 ? { fields } : { status: 503 }

test('staleIfError holds for as long as it says, also without a validator and a lifetime', async (t) => {
  const { get, clock } = await stage(t, failing(), { interceptor: { staleIfError: 10 } })
  await get()
  clock.pass(10)
  assert.equal((await get()).statusCode, 200)
  clock.pass(1)
  assert.equal((await get()).statusCode, 503)
})

test('staleIfError goes before that of the response, and must-revalidate before it', async (t) => {
  const shorter = await stage(t, failing({ 'cache-control': 'max-age=1, stale-if-error=60' }), {
    interceptor: { staleIfError: 10 },
  })
  await shorter.get()
  shorter.clock.pass(12)
  assert.equal((await shorter.get()).statusCode, 503)
  const forbidden = await stage(t, failing({ 'cache-control': 'max-age=1, must-revalidate' }), {
    interceptor: { staleIfError: 10 },
  })
  await forbidden.get()
  forbidden.clock.pass(2)
  assert.equal((await forbidden.get()).statusCode, 503)
})

test('staleWhileRevalidate serves what is stale while it is validated', async (t) => {
  const reused = await reuse(t, { interceptor: { staleWhileRevalidate: 10 } })
  const { get, clock, count } = await stage(t, control('max-age=5', { etag: '"e"' }), {
    interceptor: { staleWhileRevalidate: 10 },
  })
  await get()
  clock.pass(14)
  assert.equal((await get()).cache, 'hit; ttl=-9')
  while (count() < 2) await new Promise((resolve) => setImmediate(resolve))
  assert.equal(await reused(control('max-age=5, must-revalidate', { etag: '"e"' }), { pass: 6 }), false)
  assert.equal(await reused(control('max-age=5', { etag: '"e"' }), { pass: 15 }), false)
})

const wrong: readonly [option: string, options: object][] = [
  ['ttl', { ttl: -1 }],
  ['ttl', { ttl: 2 ** 31 + 1 }],
  ['ttl', { ttl: '60' }],
  ['minTtl', { minTtl: 1.5 }],
  ['minTtl', { minTtl: 11, maxTtl: 10 }],
  ['maxTtl', { maxTtl: Infinity }],
  ['negativeTtl', { negativeTtl: null }],
  ['staleIfError', { staleIfError: Number.NaN }],
  ['staleWhileRevalidate', { staleWhileRevalidate: true }],
]

for (const [option, options] of wrong) {
  test(`${JSON.stringify(options)} is refused at construction`, async (t) => {
    await assert.rejects(startCache(t, { interceptor: options }), { code: 'USC_ERR_INVALID_OPTION', option })
  })
}

test('the bounds themselves are taken', async (t) => {
  await startCache(t, { interceptor: { ttl: 2 ** 31, minTtl: 0, maxTtl: 2 ** 31, negativeTtl: 0 } })
  await startCache(t, { interceptor: { minTtl: 10, maxTtl: 10 } })
})
