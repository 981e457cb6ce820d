/** How do I show a cache's counts to Prometheus, by prom-client? */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Counter, Gauge, Registry } from 'prom-client'
import { createFetch, StreamingManager, type ManagerStats } from 'undici-streaming-cache'
import { startOrigin } from './origin.ts'

type Sample = readonly [value: number, labels?: Readonly<Record<string, string>>]

/** All counts are there in `stats()`: each metric reads them when Prometheus asks, and nothing is counted twice. */
function observe(manager: StreamingManager, registry: Registry): void {
  const gauge = (name: string, help: string, read: (stats: ManagerStats) => number): void => {
    function collect(this: Gauge): void {
      this.set(read(manager.stats()))
    }
    registry.registerMetric(new Gauge({ name: `http_cache_${name}`, help, collect, registers: [] }))
  }
  type Read = (stats: ManagerStats) => readonly Sample[]
  const counter = (name: string, help: string, labelNames: string[], read: Read): void => {
    function collect(this: Counter): void {
      // They are totals since the manager was opened, and `inc` would add them to those of the last time.
      this.reset()
      for (const [value, labels = {}] of read(manager.stats())) this.inc(labels, value)
    }
    registry.registerMetric(new Counter({ name: `http_cache_${name}_total`, help, labelNames, collect, registers: [] }))
  }
  counter('requests', 'Requests by what became of them.', ['result', 'reason'], (stats) => [
    [stats.hits, { result: 'hit' }],
    [stats.collapsed, { result: 'collapsed' }],
    [stats.bypasses, { result: 'bypass' }],
    ...Object.entries(stats.missesByReason).map(([reason, n]): Sample => [n, { result: 'miss', reason }]),
  ])
  counter('body_bytes', 'Bytes of bodies by where they came from.', ['source'], (stats) => [
    [stats.bytesFromMemory, { source: 'memory' }],
    [stats.bytesServed - stats.bytesFromMemory, { source: 'disk' }],
    [stats.bytesFromNetwork, { source: 'network' }],
  ])
  counter('stores', 'Responses stored.', [], ({ stores }) => [[stores]])
  counter('evictions', 'Stored responses pushed out by others.', [], ({ evictions }) => [[evictions]])
  counter('faults', 'Faults of the disk that no request noticed.', [], ({ faults }) => [[faults]])
  gauge('entries', 'Stored responses.', ({ entryCount }) => entryCount)
  gauge('disk_bytes', 'Bytes on disk.', ({ size }) => size)
  gauge('memory_bytes', 'Bytes of bodies held in memory.', ({ memory }) => memory)
}

await using origin = await startOrigin({
  '/hello': { headers: { 'cache-control': 'max-age=60' }, body: 'Hello!' },
})
await using manager = await StreamingManager.temporary()
const registry = new Registry()
observe(manager, registry)

const cachedFetch = createFetch(manager)
for (let i = 0; i < 5; i++) await (await cachedFetch(`${origin.url}/hello`)).text()

const server = createServer((_, response) => {
  void registry.metrics().then((text) => response.setHeader('content-type', registry.contentType).end(text))
})
server.listen(0, '127.0.0.1')
await once(server, 'listening')
const metrics = `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`
await (await fetch(metrics)).text()
// Asked again, it says the same: nothing has been counted meanwhile.
process.stdout.write(await (await fetch(metrics)).text())
server.close()
server.closeAllConnections()
