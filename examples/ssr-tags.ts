/** How does a server that renders pages from an API drop exactly what has changed, when the API's webhook says so? */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Agent, fetch } from 'undici'
import { cacheInterceptor, StreamingManager } from 'undici-streaming-cache'
import { startOrigin } from './origin.ts'

const prices: Record<string, number> = { lamp: 40, chair: 90 }
const product = (name: string) => () => ({
  // Fresh for a day; the webhook is quicker than that. The API says in `surrogate-key` what each answer is about.
  headers: { 'cache-control': 'max-age=86400', 'surrogate-key': `product-${name} products` },
  body: JSON.stringify({ name, price: prices[name] }),
})
await using api = await startOrigin({ '/lamp': product('lamp'), '/chair': product('chair') })

await using manager = await StreamingManager.temporary()
const dispatcher = new Agent().compose(cacheInterceptor(manager, { tagsHeader: 'surrogate-key' }))

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [, page = '', tag = ''] = (request.url ?? '').split('/')
  if (request.method === 'POST' && page === 'webhook') {
    // Your webhook checks a signature first.
    const count = await manager.purge({ tag })
    response.end(`${count} purged`)
    return
  }
  const data = await fetch(`${api.url}/${page}`, { dispatcher })
  const { name, price } = (await data.json()) as { name: string; price: number }
  response.setHeader('content-type', 'text/html').end(`<h1>${name}: ${price} €</h1>`)
}

const server = createServer((request, response) => {
  answer(request, response).catch((error: Error) => response.destroy(error))
})
server.listen(0, '127.0.0.1')
await once(server, 'listening')
const site = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

async function show(path: string, method = 'GET'): Promise<void> {
  const response = await fetch(site + path, { method })
  console.log(`${method.padEnd(4)} ${path.padEnd(21)} ${await response.text()}`)
}

await show('/lamp')
await show('/chair')
prices['lamp'] = 35
await show('/lamp')
await show('/webhook/product-lamp', 'POST')
await show('/lamp')
await show('/chair')
console.log(`The API was asked ${api.requests} times.`)
server.close()
server.closeAllConnections()
await dispatcher.close()
