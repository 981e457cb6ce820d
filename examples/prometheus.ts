/** How do I show a cache's counts to Prometheus? */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createFetch, StreamingManager, type ManagerStats } from 'undici-streaming-cache'
import { startOrigin } from './origin.ts'

/**
 * The text format by hand: lines of name, labels and number, and the numbers are all there in `stats()`. If you have
 * prom-client, set a Gauge of each in its `collect` function; this repository does not, as its last release was two years
 * old when this was written.
 */
function toPrometheus(stats: ManagerStats): string {
  const lines: string[] = []
  const metric = (name: string, type: 'counter' | 'gauge', help: string, samples: Record<string, number>): void => {
    lines.push(`# HELP http_cache_${name} ${help}`, `# TYPE http_cache_${name} ${type}`)
    for (const [labels, value] of Object.entries(samples)) lines.push(`http_cache_${name}${labels} ${value}`)
  }
  metric('requests_total', 'counter', 'Requests by what became of them.', {
    '{result="hit"}': stats.hits,
    '{result="collapsed"}': stats.collapsed,
    '{result="bypass"}': stats.bypasses,
    ...Object.fromEntries(
      Object.entries(stats.missesByReason).map(([reason, count]) => [`{result="miss",reason="${reason}"}`, count]),
    ),
  })
  metric('body_bytes_total', 'counter', 'Bytes of bodies by where they came from.', {
    '{source="memory"}': stats.bytesFromMemory,
    '{source="disk"}': stats.bytesServed - stats.bytesFromMemory,
    '{source="network"}': stats.bytesFromNetwork,
  })
  metric('stores_total', 'counter', 'Responses stored.', { '': stats.stores })
  metric('evictions_total', 'counter', 'Stored responses pushed out by others.', { '': stats.evictions })
  metric('faults_total', 'counter', 'Faults of the disk that no request noticed.', { '': stats.faults })
  metric('entries', 'gauge', 'Stored responses.', { '': stats.entryCount })
  metric('disk_bytes', 'gauge', 'Bytes on disk.', { '': stats.size })
  metric('memory_bytes', 'gauge', 'Bytes of bodies held in memory.', { '': stats.memory })
  return `${lines.join('\n')}\n`
}

await using origin = await startOrigin({
  '/hello': { headers: { 'cache-control': 'max-age=60' }, body: 'Hello!' },
})
await using manager = await StreamingManager.temporary()
const cachedFetch = createFetch(manager)
for (let i = 0; i < 5; i++) await (await cachedFetch(`${origin.url}/hello`)).text()

const server = createServer((_, response) => {
  response.setHeader('content-type', 'text/plain; version=0.0.4').end(toPrometheus(manager.stats()))
})
server.listen(0, '127.0.0.1')
await once(server, 'listening')
const scraped = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`)
process.stdout.write(await scraped.text())
server.close()
server.closeAllConnections()
