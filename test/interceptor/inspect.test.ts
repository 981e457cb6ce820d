/** `inspect`: a dry run that says what the cache would do, and does nothing. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { ClosedError, inspect, InvalidOptionError, withCacheOptions, type InspectOptions } from '../../src/index.ts'
import { Statistics } from '../../src/manager/statistics.ts'
import { ManualClock, startCache, type TestCache, type TestCacheOptions } from '../helpers/cache.ts'
import { startOrigin, type Origin } from '../helpers/origin.ts'

interface Started {
  readonly origin: Origin
  readonly cache: TestCache
  readonly clock: ManualClock
  readonly see: (path: string, options?: InspectOptions) => Promise<[outcome: string, because: string]>
}

async function start(t: TestContext, options: TestCacheOptions = {}): Promise<Started> {
  const origin = await startOrigin(t, (request, response) => {
    const url = new URL(request.url ?? '', 'http://a')
    for (const [name, value] of url.searchParams) response.setHeader(name, value)
    response.end('body')
  })
  const clock = new ManualClock()
  const cache = await startCache(t, { clock: clock.now, ...options })
  await cache.manager.runPendingTasks()
  const see: Started['see'] = async (path, given) => {
    const { outcome, because } = await inspect(cache.manager, origin.url + path, given)
    return [outcome, because]
  }
  return { origin, cache, clock, see }
}

test('what it says is what the cache then does', async (t) => {
  const { origin, cache, clock, see } = await start(t)
  const fresh = '/?cache-control=max-age=60&etag="e"'
  const window = '/?cache-control=max-age=60,stale-while-revalidate=60&etag="e"'
  const strict = '/?cache-control=max-age=60,must-revalidate&etag="e"'
  const always = '/?cache-control=no-cache&etag="e"'
  for (const path of [fresh, window, strict, always]) {
    assert.deepEqual(await see(path), ['miss', 'nothing is stored for it'])
    await cache.get(origin.url + path)
  }
  assert.deepEqual(await see(fresh), ['hit', 'fresh for 60 s more (RFC 9111 section 4.2)'])
  assert.equal((await see(always))[1], 'the response says no-cache (RFC 9111 section 5.2.2.4)')
  const asking: [headers: Record<string, string>, outcome: string, because: RegExp][] = [
    [{ 'cache-control': 'no-cache' }, 'validate', /section 5\.2\.1\.4/],
    [{ 'cache-control': 'max-age=0' }, 'validate', /section 5\.2\.1\.1/],
    [{ 'cache-control': 'min-fresh=61' }, 'validate', /less than the min-fresh/],
    [
      { 'cache-control': 'only-if-cached, no-cache' },
      'refuse',
      /^only what is stored is wanted, and: the request says/,
    ],
    [{ 'if-match': '"e"' }, 'bypass', /If-Match/],
  ]
  for (const [headers, outcome, because] of asking) {
    const told = await see(fresh, { headers })
    assert.equal(told[0], outcome)
    assert.match(told[1], because)
  }
  clock.pass(70)
  assert.deepEqual(await see(fresh), ['validate', 'stale for 10 s (RFC 9111 section 4.2)'])
  assert.deepEqual(await see(window), ['stale', 'stale for 10 s, used while it is validated (RFC 5861 section 3)'])
  assert.match((await see(strict, { headers: { 'cache-control': 'max-stale' } }))[1], /section 4\.2\.4/)
  assert.match(
    (await see(fresh, { headers: { 'cache-control': 'max-stale' } }))[1],
    /accepts \(RFC 9111 section 5\.2\.1\.2/,
  )
  // Nobody was asked for any of this.
  assert.equal(origin.requests.length, 4)
  const { hits, misses } = cache.manager.stats()
  assert.deepEqual([hits, misses], [0, 4])
})

test('modes, of the request and of the interceptor', async (t) => {
  const { origin, cache, see } = await start(t)
  const path = '/?cache-control=max-age=60'
  await cache.get(origin.url + path)
  const outcomes = async (mode: NonNullable<NonNullable<InspectOptions['request']>['mode']>) => {
    const own = await see(path, { request: { mode } })
    assert.deepEqual(await see(path, { interceptor: { mode } }), own)
    assert.deepEqual(await withCacheOptions({ mode }, () => see(path)), own)
    return own
  }
  assert.equal((await outcomes('no-store'))[0], 'bypass')
  assert.equal((await outcomes('reload'))[0], 'miss')
  assert.deepEqual(await outcomes('no-cache'), ['validate', 'the mode no-cache asks for validation'])
  assert.deepEqual(await outcomes('force-cache'), ['hit', 'the mode force-cache uses what is stored, fresh or stale'])
  assert.equal((await see('/nothing', { request: { mode: 'only-if-cached' } }))[0], 'refuse')
  assert.equal((await see(path, { method: 'POST' }))[0], 'bypass')
  assert.equal((await see(path, { interceptor: { methods: ['HEAD'] } }))[0], 'bypass')
  assert.equal((await see(path, { method: 'HEAD' }))[0], 'hit')
})

test('an origin that is not cached is passed by, whatever is stored', async (t) => {
  const { origin, cache, see } = await start(t)
  const path = '/?cache-control=max-age=60'
  await cache.get(origin.url + path)
  const interceptor = { origins: ['https://other.example'] }
  const because = `${origin.url} is not one of the option origins`
  assert.deepEqual(await see(path, { interceptor }), ['bypass', because])
  const headers = { 'cache-control': 'only-if-cached' }
  assert.deepEqual(await see(path, { interceptor, headers }), ['bypass', because])
  assert.deepEqual(await see(path, { interceptor, method: 'POST' }), ['bypass', because])
  assert.equal((await see(path, { interceptor: { origins: [origin.url] } }))[0], 'hit')
})

for (const [name, given] of Object.entries<InspectOptions>({
  'If-Match': { headers: { 'if-match': '"e"' } },
  'the mode no-store': { request: { mode: 'no-store' } },
  'a method that is not cached': { method: 'OPTIONS' },
}))
  test(`only-if-cached with ${name} is refused, as the cache does`, async (t) => {
    const { origin, cache, see } = await start(t)
    const path = '/?cache-control=max-age=60'
    await cache.get(origin.url + path)
    const headers = { ...given.headers, 'cache-control': 'only-if-cached' }
    const asked = await withCacheOptions(given.request ?? {}, () =>
      cache.get(origin.url + path, { headers, method: (given.method ?? 'GET') as 'GET' }),
    )
    assert.deepEqual([asked.statusCode, origin.requests.length], [504, 1])
    assert.equal((await see(path, { ...given, headers }))[0], 'refuse')
  })

test('what a purge has marked stale says so', async (t) => {
  const { origin, cache, clock } = await start(t)
  const url = `${origin.url}/?cache-control=max-age=60&etag="e"`
  await cache.get(url)
  clock.pass(10)
  await cache.manager.purge({ url }, { soft: true })
  clock.pass(5)
  const { outcome, because, stored } = await inspect(cache.manager, url)
  assert.deepEqual([outcome, because], ['validate', 'stale for 5 s (RFC 9111 section 4.2)'])
  assert.deepEqual(stored[0]?.freshness.reasons, ['marked stale by a purge', 'max-age=60', 'can be validated by ETag'])
})

test('all variants are told, with which of them is selected', async (t) => {
  const { origin, cache } = await start(t)
  const url = `${origin.url}/?cache-control=max-age=60&vary=accept-language`
  await cache.get(url, { headers: { 'accept-language': 'de' } })
  await cache.get(url, { headers: { 'accept-language': 'fr' } })
  const { key, outcome, stored } = await inspect(cache.manager, url, { headers: { 'accept-language': 'de' } })
  assert.equal(outcome, 'hit')
  assert.equal(key, url)
  assert.equal(stored.length, 2)
  assert.deepEqual(stored.filter(({ isSelected }) => isSelected).length, 1)
  for (const { freshness, headers, bodySize } of stored) {
    assert.equal(bodySize, 4)
    assert.equal(headers['vary'], 'accept-language')
    assert.equal(freshness.state, 'fresh')
    assert.deepEqual(freshness.reasons, ['max-age=60', 'no validator'])
  }
  const other = await inspect(cache.manager, url, { headers: { 'accept-language': 'it' } })
  assert.equal(other.outcome, 'miss')
  assert.match(other.because, /section 4\.1/)
})

test('why the last answer was not stored is remembered until one is', async (t) => {
  const { origin, cache } = await start(t)
  const url = `${origin.url}/?cache-control=private`
  await cache.get(url)
  const { outcome, because, lastRefusal } = await inspect(cache.manager, url)
  assert.deepEqual([outcome, because, lastRefusal], ['miss', 'nothing is stored for it', 'private'])
  await cache.manager.put(url, { body: 'x', headers: { 'cache-control': 'max-age=60' } })
  assert.equal((await inspect(cache.manager, url)).lastRefusal, undefined)
})

test('it is remembered for the latest thousand keys at least, and for two thousand at most', () => {
  const statistics = new Statistics()
  for (let i = 0; i <= 2000; i++) statistics.refused(String(i), 'private')
  assert.deepEqual(
    ['999', '1000', '2000'].map((key) => statistics.lastRefusal(key)),
    [undefined, 'private', 'private'],
  )
})

test('what only the disk knows yet is found', async (t) => {
  const { origin, cache } = await start(t)
  const url = `${origin.url}/?cache-control=max-age=60`
  await cache.get(url)
  await cache.manager.close()
  const again = await startCache(t, { directory: cache.directory, maxRestoreDelay: 0 })
  assert.equal((await inspect(again.manager, url)).outcome, 'hit')
})

test('wrong options', async (t) => {
  const { manager } = (await start(t)).cache
  const wrong = [
    null,
    { unknown: 1 },
    { method: '' },
    { headers: 1 },
    { interceptor: { type: 'x' } },
    { request: { ttl: -1 } },
  ]
  for (const options of wrong)
    await assert.rejects(inspect(manager, 'http://a/', options as InspectOptions), InvalidOptionError)
  for (const url of ['', 'nonsense', 'ftp://a/']) await assert.rejects(inspect(manager, url), InvalidOptionError)
  await manager.close()
  await assert.rejects(inspect(manager, 'http://a/'), ClosedError)
})
