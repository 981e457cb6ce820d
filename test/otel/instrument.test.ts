/** What OpenTelemetry's SDK collects of a cache. */
import assert from 'node:assert/strict'
import { channel } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { truncate } from 'node:fs/promises'
import { test, type TestContext } from 'node:test'
import { SpanKind, SpanStatusCode } from '@opentelemetry/api'
import type { Histogram } from '@opentelemetry/sdk-metrics'
import { request } from 'undici'
import { InvalidOptionError } from '../../src/index.ts'
import { instrument, type InstrumentOptions } from '../../src/otel/instrument.ts'
import { closed, startCache, type TestCache, type TestCacheOptions } from '../helpers/cache.ts'
import { filesIn } from '../helpers/directory.ts'
import { startOrigin, type Origin } from '../helpers/origin.ts'
import { Collector } from './collector.ts'

const LARGE = 300_000

interface Started extends TestCache {
  readonly origin: Origin
  readonly collector: Collector
  readonly stop: () => void
  readonly port: number
}

async function start(t: TestContext, options: TestCacheOptions = {}, own: InstrumentOptions = {}): Promise<Started> {
  const origin = await startOrigin(t, (request, response) => {
    const status = request.url?.startsWith('/missing') ? 404 : 200
    const cacheControl = request.url === '/unstored' ? 'no-store' : 'max-age=60'
    response.writeHead(status, { 'cache-control': cacheControl, etag: '"1"' })
    response.end(Buffer.alloc(request.url === '/large' ? LARGE : 5))
  })
  const cache = await startCache(t, options)
  const collector = new Collector()
  const { tracerProvider, meterProvider } = collector
  const stop = instrument(cache.manager, { tracerProvider, meterProvider, ...own })
  t.after(stop)
  return { ...cache, origin, collector, stop, port: Number(new URL(origin.url).port) }
}

/** Spans end when the last byte was handed on, which may be before the consumer says so. */
for (const [path, size] of [
  ['/small', 5],
  ['/large', LARGE],
] as const) {
  test(`a hit on ${size} bytes is a span below the caller's, by the conventions; a miss is none`, async (t) => {
    const { get, origin, collector, port } = await start(t)
    await get(origin.url + path)
    assert.equal(collector.spans.length, 0)
    const { result, parent } = collector.below('caller', () => get(origin.url + path))
    await result
    const [span, ...others] = collector.spans
    assert.ok(span)
    assert.deepEqual(others, [])
    assert.deepEqual([span.name, span.kind, span.status.code], ['GET', SpanKind.CLIENT, SpanStatusCode.UNSET])
    assert.equal(span.parentSpanContext?.spanId, parent.spanContext().spanId)
    assert.deepEqual(span.attributes, {
      'http.request.method': 'GET',
      'http.response.body.size': size,
      'http.response.status_code': 200,
      'server.address': '127.0.0.1',
      'server.port': port,
      'undici_streaming_cache.result': 'hit',
      'url.full': origin.url + path,
      'url.scheme': 'http',
    })
    const [seconds, nanoseconds] = span.duration
    assert.ok(seconds * 1e9 + nanoseconds > 0)
  })
}

test('the duration of hits is in the histogram of the conventions, with few series', async (t) => {
  const { get, origin, collector, port } = await start(t, {}, { name: 'pages' })
  for (const path of ['/a', '/a', '/a', '/b', '/b', '/missing', '/missing']) await get(origin.url + path)
  const points = await collector.points('http.client.request.duration')
  const common = {
    'http.request.method': 'GET',
    'server.address': '127.0.0.1',
    'server.port': port,
    'undici_streaming_cache.name': 'pages',
    'undici_streaming_cache.result': 'hit',
    'url.scheme': 'http',
  }
  assert.deepEqual(
    points.map(({ attributes, value }) => [attributes, (value as Histogram).count]),
    [
      [{ ...common, 'http.response.status_code': 200 }, 3],
      [{ ...common, 'http.response.status_code': 404, 'error.type': '404' }, 1],
    ],
  )
  for (const { value } of points) {
    const { sum = 0, buckets } = value as Histogram
    assert.equal(buckets.boundaries.length, 14)
    assert.ok(sum > 0 && sum < 60)
  }
})

test('HEAD, and a 304 to a condition of the caller’s own', async (t) => {
  const { get, origin, collector } = await start(t)
  const url = `${origin.url}/a`
  await get(url)
  await get(url, { method: 'HEAD' })
  await get(url, { headers: { 'if-none-match': '"1"' } })
  assert.deepEqual(
    collector.spans.map(({ name, attributes, status }) => [
      name,
      attributes['http.response.status_code'],
      attributes['http.response.body.size'],
      status.code,
    ]),
    [
      ['HEAD', 200, 0, SpanStatusCode.UNSET],
      ['GET', 304, 0, SpanStatusCode.UNSET],
    ],
  )
})

test('a caller who leaves ends the span with an error, once', async (t) => {
  const { get, dispatcher, origin, collector } = await start(t)
  await get(`${origin.url}/large`)
  const { body } = await request(`${origin.url}/large`, { dispatcher })
  await once(body, 'data')
  body.on('error', () => {})
  const ended = closed(body)
  body.destroy()
  await ended
  await get(`${origin.url}/large`)
  const [left, whole] = collector.spans
  assert.deepEqual([left?.status.code, left?.attributes['error.type']], [SpanStatusCode.ERROR, 'UND_ERR_ABORTED'])
  assert.equal(whole?.attributes['http.response.body.size'], LARGE)
  assert.equal(collector.spans.length, 2)
})

test('what turns out damaged before anything was announced is a miss, and no span', async (t) => {
  const { get, manager, origin, collector } = await start(t)
  await get(`${origin.url}/large`)
  await manager.runPendingTasks()
  for (const path of await filesIn(manager.directory, 'content-v2')) await truncate(path, 10)
  assert.match((await get(`${origin.url}/large`)).cache, /^fwd=uri-miss/)
  assert.deepEqual(collector.spans, [])
})

test('the counts of stats() are counters and levels', async (t) => {
  const { get, manager, origin, collector } = await start(t)
  for (const path of ['/a', '/a', '/a', '/unstored']) await get(origin.url + path)
  await get(`${origin.url}/a`, { headers: { 'cache-control': 'no-cache' } })
  await get(`${origin.url}/a`, { method: 'POST' })
  const named = (name: string) => `undici_streaming_cache.${name}`
  assert.deepEqual(await collector.values(named('requests')), [
    [{ [named('result')]: 'hit' }, 2],
    [{ [named('result')]: 'collapsed' }, 0],
    [{ [named('result')]: 'bypass' }, 1],
    [{ [named('result')]: 'miss', [named('reason')]: 'uri-miss' }, 2],
    [{ [named('result')]: 'miss', [named('reason')]: 'request' }, 1],
  ])
  const { bytesServed, bytesFromMemory, bytesFromNetwork, stores, refusals, size, memory } = manager.stats()
  assert.deepEqual(await collector.values(named('io')), [
    [{ [named('source')]: 'memory' }, bytesFromMemory],
    [{ [named('source')]: 'disk' }, bytesServed - bytesFromMemory],
    [{ [named('source')]: 'network' }, bytesFromNetwork],
  ])
  for (const [name, value] of Object.entries({
    stores,
    refusals,
    evictions: 0,
    faults: 0,
    entries: manager.entryCount,
    'disk.usage': size,
    'memory.usage': memory,
  }))
    assert.deepEqual(await collector.values(named(name)), [[{}, value]], name)
})

test('two managers of a process do not see each other', async (t) => {
  const [one, other] = [await start(t), await start(t)]
  for (let i = 0; i < 3; i++) await one.get(`${one.origin.url}/a`)
  await other.get(`${other.origin.url}/a`)
  assert.deepEqual([one.collector.spans.length, other.collector.spans.length], [2, 0])
})

test('after it was stopped nothing is built and nothing collected', async (t) => {
  const { get, origin, collector, stop } = await start(t)
  for (let i = 0; i < 2; i++) await get(`${origin.url}/a`)
  assert.equal(channel('undici-streaming-cache:serve').hasSubscribers, true)
  stop()
  stop()
  assert.equal(channel('undici-streaming-cache:serve').hasSubscribers, false)
  assert.equal(channel('undici-streaming-cache:served').hasSubscribers, false)
  await get(`${origin.url}/a`)
  assert.equal(collector.spans.length, 1)
  assert.deepEqual(await collector.values('undici_streaming_cache.entries'), [])
})

test('credentials in a URL, and what the cache adds to keys, are in no span', async (t) => {
  const { get, origin, collector } = await start(t, { interceptor: { partition: 'a-tenant' } })
  const url = `${origin.url}/a?b=%7E&sig=a-credential&AWSAccessKeyId=another&c`
  for (let i = 0; i < 2; i++) await get(url)
  const [span] = collector.spans
  assert.equal(span?.attributes['url.full'], `${origin.url}/a?b=%7E&sig=REDACTED&AWSAccessKeyId=REDACTED&c`)
})

test('by default it goes to what is registered, which may be nothing', async (t) => {
  const { get, manager, origin } = await start(t)
  const stop = instrument(manager)
  for (let i = 0; i < 2; i++) await get(`${origin.url}/a`)
  stop()
})

test('refuses what is no manager, and wrong options', async (t) => {
  const { manager } = await start(t)
  assert.throws(() => instrument({} as never), InvalidOptionError)
  for (const options of [
    null,
    1,
    { name: '' },
    { name: 1 },
    { tracerProvider: {} },
    { meterProvider: null },
    { no: 1 },
  ])
    assert.throws(() => instrument(manager, options as never), InvalidOptionError, JSON.stringify(options))
})
