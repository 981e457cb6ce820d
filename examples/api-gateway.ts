/** How does a gateway cache for its clients, stream what it forwards, and tell them in Cache-Status what it did? */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pipeline } from 'node:stream/promises'
import { Agent, fetch, request as forward, type Dispatcher } from 'undici'
import { cacheInterceptor, getCacheStatuses, StreamingManager } from 'undici-streaming-cache'
import { startOrigin } from './origin.ts'

await using origin = await startOrigin({
  // It stands behind a CDN that says what it did, too.
  '/things': { headers: { 'cache-control': 'max-age=60', 'cache-status': 'cdn; fwd=stale' }, body: '["thing"]' },
  '/mine': { headers: { 'cache-control': 'private, max-age=60' }, body: '["mine"]' },
})

await using manager = await StreamingManager.temporary()
// A gateway has many users: `shared`, the default, stores nothing that is for one of them.
const dispatcher = new Agent().compose(cacheInterceptor(manager, { type: 'shared' }))
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'host'])

async function pass(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const headers = Object.entries(incoming.headers).filter(([name]) => !HOP_BY_HOP.has(name))
  const answer = await forward(origin.url + incoming.url, {
    dispatcher,
    method: incoming.method as Dispatcher.HttpMethod,
    headers: Object.fromEntries(headers),
  })
  for (const [name, value] of Object.entries(answer.headers))
    if (value !== undefined && !HOP_BY_HOP.has(name)) outgoing.setHeader(name, value)
  outgoing.statusCode = answer.statusCode
  await pipeline(answer.body, outgoing)
}

const gateway = createServer((incoming, outgoing) => {
  pass(incoming, outgoing).catch((error: Error) => outgoing.destroy(error))
})
gateway.listen(0, '127.0.0.1')
await once(gateway, 'listening')
const url = `http://127.0.0.1:${(gateway.address() as AddressInfo).port}`

for (const path of ['/things', '/things', '/mine', '/mine']) {
  const response = await fetch(url + path)
  const caches = getCacheStatuses(response).map(({ cache, hit, fwd }) => `${cache} ${hit ? 'hit' : fwd}`)
  console.log(`${path.padEnd(8)} ${await response.text()}  ${caches.join(', then ')}`)
}
console.log(`The origin was asked ${origin.requests} times.`)
gateway.close()
gateway.closeAllConnections()
await dispatcher.close()
