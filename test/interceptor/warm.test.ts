/** `warm`: what may be stored is there before anybody asks. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ClosedError, InvalidOptionError, createFetch, warm, type WarmOutcome } from '../../src/index.ts'
import { startCache } from '../helpers/cache.ts'
import { startOrigin } from '../helpers/origin.ts'

test('each URL is fetched once, and what became of it is told', async (t) => {
  const origin = await startOrigin(t, (request, response) => {
    if (request.url === '/missing') response.statusCode = 404
    if (request.url === '/broken') request.socket.destroy()
    response.setHeader('cache-control', request.url === '/private' ? 'private' : 'max-age=60')
    response.end('body')
  })
  const { manager } = await startCache(t)
  const paths = ['/a', '/a', '/private', '/missing', '/broken']
  const told: [WarmOutcome, number][] = []
  const outcomes = await warm(
    manager,
    paths.map((path) => origin.url + path),
    { concurrency: 1, onProgress: (outcome, done) => told.push([outcome, done]) },
  )
  const briefly = outcomes.map(({ url, result, statusCode, bytes, reason }) => [
    new URL(url).pathname,
    result,
    statusCode,
    bytes,
    reason,
  ])
  assert.deepEqual(briefly.slice(0, 3), [
    ['/a', 'stored', 200, 4, undefined],
    ['/private', 'not stored', 200, 4, 'private'],
    ['/missing', 'failed', 404, 4, 'status 404'],
  ])
  assert.equal(briefly[3]?.[1], 'failed')
  assert.deepEqual(
    told,
    outcomes.map((outcome, i) => [outcome, i + 1]),
  )
  assert.equal((await warm(manager, [`${origin.url}/a`]))[0]?.result, 'hit')
})

test('as many at a time as it may, and no more', async (t) => {
  const held: (() => void)[] = []
  let most = 0
  let now = 0
  const origin = await startOrigin(t, (_, response) => {
    most = Math.max(most, ++now)
    held.push(() => {
      now--
      response.end()
    })
    if (held.length === 3 || now < 3) setImmediate(() => held.splice(0).forEach((answer) => answer()))
  })
  const { manager } = await startCache(t)
  const urls = Array.from({ length: 12 }, (_, i) => `${origin.url}/${i}`)
  assert.equal((await warm(manager, urls, { concurrency: 3 })).length, 12)
  assert.ok(most <= 3, `${most} at a time`)
})

test('a signal ends it; what was stored by then stays', async (t) => {
  const origin = await startOrigin(t, (request, response) => {
    response.setHeader('cache-control', 'max-age=60')
    if (request.url !== '/held') response.end('body')
  })
  const { manager } = await startCache(t)
  const controller = new AbortController()
  const reason = new Error('enough')
  const urls = ['/a', '/held', '/c'].map((path) => origin.url + path)
  const warming = warm(manager, urls, {
    concurrency: 1,
    signal: controller.signal,
    onProgress: () => setImmediate(() => controller.abort(reason)),
  })
  await assert.rejects(warming, reason)
  assert.ok(origin.requests.length <= 2)
  assert.equal((await warm(manager, urls.slice(0, 1)))[0]?.result, 'hit')
})

test('with the headers and the fetch that it is given', async (t) => {
  const origin = await startOrigin(t, (_, response) => {
    response.setHeader('cache-control', 'private, max-age=60')
    response.setHeader('vary', 'accept-language')
    response.end('body')
  })
  const { manager } = await startCache(t)
  const fetch = createFetch(manager, { type: 'private' })
  const options = { fetch, headers: { 'accept-language': 'de' } }
  assert.equal((await warm(manager, [origin.url], options))[0]?.result, 'stored')
  assert.equal((await warm(manager, [origin.url], options))[0]?.result, 'hit')
})

test('wrong options, wrong URLs, a closed manager', async (t) => {
  const { manager } = await startCache(t)
  const wrong = [{ concurrency: 0 }, { concurrency: 1025 }, { concurrency: 1.5 }, { fetch: 1 }, { unknown: 1 }]
  for (const options of wrong) await assert.rejects(warm(manager, [], options as object), InvalidOptionError)
  for (const url of ['ftp://a/', 'nonsense', '/path']) await assert.rejects(warm(manager, [url]), InvalidOptionError)
  assert.deepEqual(await warm(manager, [], { concurrency: 1024 }), [])
  await manager.close()
  await assert.rejects(warm(manager, []), ClosedError)
})
