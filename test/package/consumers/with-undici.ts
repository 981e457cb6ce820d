/** A user's program with npm undici, compiled under `strict` and then run in a folder that has the packed tarball. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { Agent, fetch as npmFetch, getGlobalDispatcher, interceptors, request, setGlobalDispatcher } from 'undici'
import {
  cacheInterceptor,
  install,
  StreamingManager,
  type CachedEntry,
  type ManagerStats,
} from 'undici-streaming-cache'
import { instrument } from 'undici-streaming-cache/otel'
import { DiskCacheStore } from 'undici-streaming-cache/undici-store'

let requests = 0
const server = createServer((_request, response) => {
  requests++
  response.setHeader('cache-control', 'max-age=60').end('hello')
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

{
  await using manager = await StreamingManager.temporary({ maxEntries: 100, maxSize: 10 * 1024 ** 2 })
  const before = getGlobalDispatcher()
  setGlobalDispatcher(new Agent().compose(cacheInterceptor(manager, { type: 'private', origins: [origin, /^https:/] })))
  const miss = await fetch(`${origin}/a`)
  assert.equal(miss.headers.get('cache-status'), 'undici-streaming-cache; fwd=uri-miss; stored')
  assert.equal(await miss.text(), 'hello')
  for (const hit of [await fetch(`${origin}/a`), await npmFetch(`${origin}/a`)]) {
    assert.match(hit.headers.get('cache-status') ?? '', /^undici-streaming-cache; hit; ttl=\d+$/)
    assert.equal(await hit.text(), 'hello')
  }
  const { headers, body } = await request(`${origin}/a`)
  assert.match(String(headers['cache-status']), /; hit;/)
  assert.equal(await body.text(), 'hello')
  assert.equal(requests, 1)

  const kept: boolean = await manager.put(`${origin}/b`, { headers: { 'cache-control': 'max-age=60' }, body: 'put' })
  assert.equal(kept, true)
  const stored = await manager.get(`${origin}/b`)
  assert.equal(stored && (await text(stored.body)), 'put')
  const entries: CachedEntry[] = []
  for await (const entry of manager.entries()) entries.push(entry)
  assert.deepEqual(entries.map(({ key }) => key).sort(), [`${origin}/a`, `${origin}/b`])
  const stats: ManagerStats = manager.stats()
  assert.deepEqual([stats.hits, stats.misses, stats.stores, stats.entryCount], [3, 1, 2, 2])
  setGlobalDispatcher(before)

  const uninstall: () => void = install(manager)
  assert.match((await fetch(`${origin}/b`)).headers.get('cache-status') ?? '', /; hit;/)
  uninstall()
  assert.equal((await fetch(`${origin}/b`)).headers.get('cache-status'), null)
}

{
  await using manager = await StreamingManager.temporary()
  const dispatcher = new Agent().compose(interceptors.cache({ store: new DiskCacheStore(manager) }))
  const stop: () => void = instrument(manager, { name: 'consumer' })
  const before = requests
  for (let i = 0; i < 2; i++) {
    const { body } = await request(`${origin}/c`, { dispatcher })
    assert.equal(await body.text(), 'hello')
  }
  assert.equal(requests, before + 1)
  stop()
}

server.closeAllConnections()
server.close()
console.log(`${requests} origin requests for 8 fetches`)
