/** A user's program without npm undici, compiled under `strict` and run where no undici and no types of it exist. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  cacheInterceptor,
  install,
  InvalidOptionError,
  StreamingManager,
  type Interceptor,
} from 'undici-streaming-cache'

let requests = 0
const server = createServer((_request, response) => {
  requests++
  response.setHeader('cache-control', 'max-age=60').end('hello')
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

{
  await using manager = await StreamingManager.temporary()
  const interceptor: Interceptor = cacheInterceptor(manager)
  assert.equal(typeof interceptor, 'function')
  assert.throws(() => cacheInterceptor(manager, { type: 'public' as 'private' }), InvalidOptionError)
  const uninstall = install(manager)
  assert.equal(await (await fetch(`${origin}/a`)).text(), 'hello')
  const hit = await fetch(`${origin}/a`)
  assert.match(hit.headers.get('cache-status') ?? '', /^undici-streaming-cache; hit; ttl=\d+$/)
  assert.equal(await hit.text(), 'hello')
  assert.equal(requests, 1)
  await manager.put(`${origin}/b`, new Response('put', { headers: { 'cache-control': 'max-age=60' } }))
  assert.equal(await (await fetch(`${origin}/b`)).text(), 'put')
  const keys: string[] = []
  for await (const { key } of manager.entries()) keys.push(key)
  assert.equal(keys.length, manager.stats().entryCount)
  uninstall()
}

server.closeAllConnections()
server.close()
console.log(`${requests} origin request for 3 fetches`)
