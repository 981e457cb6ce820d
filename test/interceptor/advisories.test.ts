/**
 * The advisories of other caches in front of undici, one test each; those about `private` and about a caller's origin
 * stand in safety.test.ts. The redirect interceptor lies between cache and network here, where it should not.
 */
import assert from 'node:assert/strict'
import type { RequestListener } from 'node:http'
import { test, type TestContext } from 'node:test'
import { Agent, interceptors, request } from 'undici'
import { cacheInterceptor } from '../../src/index.ts'
import { answer, ManualClock, startCache, type AskOptions } from '../helpers/cache.ts'
import { startOrigin } from '../helpers/origin.ts'

/** A cache whose redirects are followed below it. */
async function start(t: TestContext, listener: RequestListener) {
  const origin = await startOrigin(t, listener)
  const clock = new ManualClock()
  const cache = await startCache(t, { clock: clock.now })
  const agent = new Agent()
  t.after(() => agent.destroy())
  const redirecting = agent.compose(interceptors.redirect({ maxRedirections: 5 }), cacheInterceptor(cache.manager))
  return { origin, clock, cache, get: (path: string, ask?: AskOptions) => answer(redirecting, origin.url + path, ask) }
}

async function startOther(t: TestContext): Promise<string> {
  const other = await startOrigin(t, (incoming, response) => {
    const isKnown = incoming.headers['if-none-match'] === '"e"'
    response.writeHead(isKnown ? 304 : 200, { 'cache-control': 'max-age=600', etag: '"e"' })
    response.end(isKnown ? undefined : 'foreign')
  })
  return other.url
}

test('a foreign body is not stored under the URL that redirected to it (CVE-2026-109829)', async (t) => {
  const foreign = await startOther(t)
  let isHijacked = true
  const { get, cache } = await start(t, (_, response) => {
    if (isHijacked) response.writeHead(302, { location: foreign }).end()
    else response.writeHead(200, { 'cache-control': 'max-age=60' }).end('own')
  })
  assert.equal((await get('/')).text, 'foreign')
  await cache.manager.runPendingTasks()
  assert.equal(cache.manager.entryCount, 0)
  isHijacked = false
  assert.equal((await get('/')).text, 'own')
})

test('what the hops on the way forbid is not undone by the last one (CVE-2026-116592)', async (t) => {
  const { get, cache, origin } = await start(t, ({ url }, response) => {
    const hop = { '/': '/one', '/one': '/two' }[url ?? '']
    if (hop === undefined) response.writeHead(200, { 'cache-control': 'max-age=60' }).end('last')
    else response.writeHead(302, { location: hop, 'cache-control': 'private, no-store' }).end()
  })
  for (const requests of [3, 6]) {
    assert.equal((await get('/')).text, 'last')
    await cache.manager.runPendingTasks()
    assert.deepEqual([origin.requests.length, cache.manager.entryCount], [requests, 0])
  }
})

test('nor is what credentials brought stored under the alias (CVE-2026-120474)', async (t) => {
  const { get, cache } = await start(t, ({ url, headers }, response) => {
    if (url === '/me') response.writeHead(302, { location: '/users/1', 'cache-control': 'public, max-age=60' }).end()
    else response.writeHead(200, { 'cache-control': 'public, max-age=60' }).end(`for ${headers.authorization}`)
  })
  assert.equal((await get('/me', { headers: { authorization: 'one' } })).text, 'for one')
  await cache.manager.runPendingTasks()
  assert.equal((await get('/me', { headers: { authorization: 'two' } })).text, 'for two')
  assert.equal(cache.manager.entryCount, 0)
})

test('a 304 from behind a redirect vouches for nothing that is stored (CVE-2026-116630)', async (t) => {
  const foreign = await startOther(t)
  let isHijacked = false
  const { get, cache, clock } = await start(t, (_, response) => {
    if (isHijacked) response.writeHead(302, { location: foreign }).end()
    else response.writeHead(200, { 'cache-control': 'max-age=60', etag: '"e"' }).end('own')
  })
  await get('/')
  await cache.manager.runPendingTasks()
  clock.pass(100)
  isHijacked = true
  assert.equal((await get('/')).text, 'foreign', 'asked again, without conditions')
  isHijacked = false
  clock.pass(1)
  const { text, cache: status } = await get('/')
  assert.equal(text, 'own')
  assert.match(status, /^fwd/, 'what was stored was not freshened')
})

test('parallel requests get their own Set-Cookie each, and no body waits in memory for others (CVE-2026-2581)', async (t) => {
  let answered = 0
  const { cache, origin } = await start(t, (_, response) => {
    response.writeHead(200, { 'cache-control': 'max-age=60', 'set-cookie': `id=${++answered}` }).end('body')
  })
  const answers = await Promise.all(
    Array.from({ length: 10 }, () => request(origin.url, { dispatcher: cache.dispatcher })),
  )
  await Promise.all(answers.map(({ body }) => body.text()))
  assert.equal(new Set(answers.map(({ headers }) => String(headers['set-cookie']))).size, 10)
})
