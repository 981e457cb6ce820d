/** What undici's handlers are promised, as a handler sees it: events and their order, raw headers, interim responses. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type * as Undici from 'undici'
import { eachWay, record, storable, store, type Bench, type BenchCheck } from './bench.ts'
import { sending, type Respond } from './origin.ts'
import { recordLegacy, Recorder } from './recorder.ts'
import { assertSame } from './stage.ts'

export const protocolChecks: BenchCheck[] = [
  orderOfEvents,
  rawHeadersAreFlatBuffers,
  rawHeadersForTheCaller,
  legacyHandler,
  trailersOnAMiss,
  interimResponses,
  throwingHandler,
  throwingHandlerInTheBody,
  pausedInOnResponseStart,
  abortedInOnRequestStart,
  abortedInOnResponseStart,
  queryAndHeaderForms,
]

const COOKIES = ['a=1', 'b=2']

async function orderOfEvents(bench: Bench): Promise<void> {
  await eachWay(bench, sending(randomBytes(300_000)), async (dispatcher, route) => {
    const { events, controller, size } = await record(bench, dispatcher, route)
    const seen = events.filter((event, i) => event !== 'responseStarted' && event !== events[i - 1])
    assert.deepEqual(seen, ['requestStart', 'responseStart 200', 'data', 'end'])
    assert.equal(size, 300_000)
    assert.equal(controller?.aborted, false)
    assert.equal(controller?.paused, false)
  })
}

async function rawHeadersAreFlatBuffers(bench: Bench): Promise<void> {
  const respond: Respond = (_, response) => response.setHeader('Set-Cookie', COOKIES).end('.')
  await eachWay(bench, respond, async (dispatcher, route) => {
    const { raw, rawTrailers, headers } = await record(bench, dispatcher, route)
    assert.ok(Array.isArray(raw) && raw.length > 0 && raw.length % 2 === 0)
    assert.ok(raw.every((part) => Buffer.isBuffer(part)))
    const lines = raw.map((part) => part.toString('latin1'))
    assert.deepEqual(
      lines.filter((_, i) => lines[i - 1] === 'Set-Cookie'),
      COOKIES,
    )
    assert.ok(Array.isArray(rawTrailers))
    assert.deepEqual(headers?.['set-cookie'], COOKIES)
    for (const value of Object.values(headers ?? {})) assert.ok(typeof value === 'string' || Array.isArray(value))
  })
}

async function rawHeadersForTheCaller(bench: Bench): Promise<void> {
  const respond: Respond = (_, response) => response.setHeader('Set-Cookie', COOKIES).end('.')
  await eachWay(bench, respond, async (dispatcher, route) => {
    const options = { origin: bench.origin.url, path: route.path, method: 'GET', responseHeaders: 'raw' } as const
    const { headers, body } = await dispatcher.request(options)
    const lines = headers as unknown as string[]
    assert.deepEqual(
      lines.filter((_, i) => lines[i - 1] === 'Set-Cookie'),
      COOKIES,
    )
    await body.dump()
  })
}

/** As Node 22's own fetch brings it. */
async function legacyHandler(bench: Bench): Promise<void> {
  const respond: Respond = (_, response) => response.setHeader('Set-Cookie', COOKIES).end('whole')
  await eachWay(bench, respond, async (dispatcher, route) => {
    const seen = await recordLegacy(dispatcher, { origin: bench.origin.url, path: route.path, method: 'GET' })
    assert.deepEqual(seen.events, ['onConnect', 'onHeaders 200', 'onData', 'onComplete'])
    assert.equal(String(seen.body), 'whole')
    const lines = seen.rawHeaders.map(String)
    assert.deepEqual(
      lines.filter((_, i) => lines[i - 1] === 'Set-Cookie'),
      COOKIES,
    )
  })
}

async function trailersOnAMiss(bench: Bench): Promise<void> {
  const respond: Respond = (_, response) => {
    response.setHeader('trailer', 'x-sum').write('.')
    response.addTrailers({ 'x-sum': '42' })
    response.end()
  }
  const route = bench.origin.route(storable(respond))
  const { body, trailers } = await bench
    .compose()
    .request({ origin: bench.origin.url, path: route.path, method: 'GET' })
  await body.dump()
  assert.deepEqual({ ...trailers }, { 'x-sum': '42' })
}

async function interimResponses(bench: Bench): Promise<void> {
  const dispatcher = bench.compose()
  const respond: Respond = (_, response) => {
    response.writeProcessing()
    response.writeEarlyHints({ link: '</style.css>; rel=preload' })
    response.end('final')
  }
  const route = bench.origin.route((request, response) => {
    response.setHeader('cache-control', 'max-age=600')
    respond(request, response)
  })
  const first = await record(bench, dispatcher, route)
  assert.deepEqual(first.statuses, [102, 103, 200])
  // As they came: the cache has nothing to say about them.
  assert.deepEqual(
    first.heads.slice(0, 2).map((head) => ({ ...head })),
    [{}, { link: '</style.css>; rel=preload' }],
  )
  assert.equal(first.size, 5)
  await bench.manager.runPendingTasks()
  const second = await record(bench, dispatcher, route)
  assert.deepEqual(second.statuses, [200])
  assert.equal(second.size, 5)
  assert.equal(second.headers?.['link'], undefined)
  assert.equal(route.arrivals.length, 1)
  // An interim response while a stored one is validated.
  const stale = bench.origin.route((request, response) => {
    response.setHeader('cache-control', 'max-age=0').setHeader('etag', '"v1"')
    if (request.headers['if-none-match'] === undefined) return response.end('final')
    response.writeEarlyHints({ link: '</style.css>; rel=preload' })
    return response.writeHead(304).end()
  })
  await store(bench, dispatcher, stale)
  const third = await record(bench, dispatcher, stale)
  assert.deepEqual(third.statuses, [103, 200])
  assert.deepEqual({ ...third.heads[0] }, { link: '</style.css>; rel=preload' })
  assert.equal(third.size, 5)
}

async function throwingHandler(bench: Bench): Promise<void> {
  await eachWay(bench, sending(randomBytes(100_000)), async (dispatcher, route) => {
    const recorder = new Recorder({
      onResponseStart: () => {
        throw new Error('not this one')
      },
    })
    await record(bench, dispatcher, route, recorder)
    assert.equal(recorder.error?.message, 'not this one')
    assert.equal(recorder.events.filter((event) => event === 'error' || event === 'end').length, 1)
  })
}

async function throwingHandlerInTheBody(bench: Bench): Promise<void> {
  await eachWay(bench, sending(randomBytes(300_000)), async (dispatcher, route) => {
    const recorder = new Recorder({
      onResponseData: () => {
        throw new Error('no more')
      },
    })
    await record(bench, dispatcher, route, recorder)
    assert.equal(recorder.error?.message, 'no more')
    assert.equal(recorder.events.filter((event) => event === 'data').length, 1)
  })
}

/** Not a byte before `resume()`, then all of them; an empty body's end waits as well as any other. */
async function pausedInOnResponseStart(bench: Bench): Promise<void> {
  for (const body of [randomBytes(300_000), randomBytes(10)]) {
    await eachWay(bench, sending(body), async (dispatcher, route) => {
      const announced = Promise.withResolvers<void>()
      const recorder = new Recorder({
        onResponseStart: (controller) => {
          controller.pause()
          announced.resolve()
        },
      })
      const recorded = record(bench, dispatcher, route, recorder)
      await announced.promise
      // Meanwhile another request goes all the way.
      const other = bench.origin.route(sending(body))
      await record(bench, dispatcher, other)
      assert.equal(recorder.size, 0)
      assert.ok(!recorder.events.includes('end'))
      recorder.controller?.resume()
      await recorded
      assertSame(recorder.body, body)
    })
  }
}

async function abortedInOnRequestStart(bench: Bench): Promise<void> {
  const dispatcher = bench.compose()
  const route = bench.origin.route(storable(sending(randomBytes(1_000))))
  for (const isStored of [false, true]) {
    if (isStored) await store(bench, dispatcher, route)
    const recorder = new Recorder({ onRequestStart: (controller) => controller.abort(new Error('never mind')) })
    await record(bench, dispatcher, route, recorder)
    assert.equal(recorder.error?.message, 'never mind')
    assert.deepEqual(recorder.statuses, [])
    assert.equal(route.arrivals.length, 0)
  }
}

async function abortedInOnResponseStart(bench: Bench): Promise<void> {
  await eachWay(bench, sending(randomBytes(100_000)), async (dispatcher, route) => {
    const recorder = new Recorder({ onResponseStart: (controller) => controller.abort(new Error('seen enough')) })
    await record(bench, dispatcher, route, recorder)
    assert.equal(recorder.error?.message, 'seen enough')
    assert.equal(recorder.size, 0)
    assert.equal(recorder.controller?.aborted, true)
    assert.equal(recorder.controller?.reason?.message, 'seen enough')
  })
}

/** One URL and one header section, written in every way that undici takes. */
async function queryAndHeaderForms(bench: Bench): Promise<void> {
  const { npm, origin } = bench
  const dispatcher = bench.compose()
  const respond: Respond = (request, response) => response.setHeader('vary', 'x-form').end(request.url)
  const route = origin.route(storable(respond))
  const forms: Partial<Undici.Dispatcher.RequestOptions>[] = [
    { headers: { 'x-form': '1' } },
    { headers: { 'X-Form': ['1'] } },
    { headers: { 'x-form': 1 as unknown as string, other: undefined } },
    { headers: ['X-Form', '1'] },
    { headers: new Map([['x-form', '1']]) },
    { headers: new npm.Headers({ 'x-form': '1' }) as Iterable<[string, string]> },
    { headers: { 'x-form': '1' }, origin: new URL(origin.url) },
    { headers: { 'x-form': '1' }, origin: `${origin.url}/` },
    { headers: { 'x-form': '1' }, path: route.path, query: { q: 'a b' } },
  ]
  for (const form of forms) {
    const { body } = await dispatcher.request({
      origin: origin.url,
      path: `${route.path}?q=a%20b`,
      method: 'GET',
      ...form,
    })
    assert.equal(await body.text(), `${route.path}?q=a%20b`)
    await bench.manager.runPendingTasks()
  }
  assert.equal(route.arrivals.length, 1)
}
