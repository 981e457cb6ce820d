/** The cache beside undici's own interceptors: retries below it, redirects below and above. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type * as Undici from 'undici'
import { record, storable, type Bench, type BenchCheck } from './bench.ts'
import { sending, type Route } from './origin.ts'
import { assertSame } from './stage.ts'

export const neighbourChecks: BenchCheck[] = [
  repeatedRequestStart,
  retriedInTheBody,
  redirectedBelowTheCache,
  redirectedAboveTheCache,
]

function retrying(bench: Bench): Undici.Dispatcher {
  return bench.compose([
    bench.npm.interceptors.retry({ maxRetries: 2, minTimeout: 1, maxTimeout: 1, timeoutFactor: 1 }),
  ])
}

/** A retry below the cache starts the request again, and the cache must begin again with it. */
async function repeatedRequestStart(bench: Bench): Promise<void> {
  const dispatcher = retrying(bench)
  const body = randomBytes(100_000)
  let failures = 1
  const route = bench.origin.route((request, response) => {
    if (failures-- > 0) response.writeHead(503).end('not now')
    else storable(sending(body))(request, response)
  })
  const first = await record(bench, dispatcher, route)
  assert.equal(first.statuses.at(-1), 200)
  assertSame(first.body, body)
  assert.equal(route.arrivals.length, 2)
  await bench.manager.runPendingTasks()
  const second = await record(bench, dispatcher, route)
  assertSame(second.body, body)
  assert.equal(route.arrivals.length, 2)
}

/** The first attempt breaks off in the body and the retry brings the rest: whole for the caller, and whole or not stored. */
async function retriedInTheBody(bench: Bench): Promise<void> {
  const dispatcher = retrying(bench)
  const body = randomBytes(200_000)
  let breaks = 1
  const route = bench.origin.route((request, response) => {
    const from = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0)
    response.setHeader('accept-ranges', 'bytes').setHeader('etag', '"v1"').setHeader('cache-control', 'max-age=600')
    if (request.headers.range !== undefined) {
      response.writeHead(206, { 'content-range': `bytes ${from}-${body.length - 1}/${body.length}` })
    } else response.setHeader('content-length', body.length)
    if (breaks-- > 0) response.write(body.subarray(0, 100_000), () => response.destroy())
    else response.end(body.subarray(from))
  })
  const first = await record(bench, dispatcher, route)
  assertSame(first.body, body)
  await bench.manager.runPendingTasks()
  const second = await record(bench, dispatcher, route)
  assertSame(second.body, body)
}

function redirecting(bench: Bench): Route {
  const target = bench.origin.route(storable((_, response) => response.end('the target')))
  return bench.origin.route((_, response) =>
    response.writeHead(302, { location: target.path, 'cache-control': 'max-age=600' }).end('.'),
  )
}

/** The answer is another URL's, and must not be stored for this one. */
async function redirectedBelowTheCache(bench: Bench): Promise<void> {
  const dispatcher = bench.compose([bench.npm.interceptors.redirect({ maxRedirections: 2 })])
  const route = redirecting(bench)
  const { body } = await record(bench, dispatcher, route)
  assert.equal(String(body), 'the target')
  assert.equal(await bench.manager.get(route.url), undefined)
}

/** Each hop has its own URL, and is stored for that. */
async function redirectedAboveTheCache(bench: Bench): Promise<void> {
  const dispatcher = bench.compose([], [bench.npm.interceptors.redirect({ maxRedirections: 2 })])
  const route = redirecting(bench)
  for (const turn of ['miss', 'hit']) {
    const { body } = await record(bench, dispatcher, route)
    assert.equal(String(body), 'the target', turn)
    await bench.manager.runPendingTasks()
  }
  assert.equal(route.arrivals.length, 1)
}
