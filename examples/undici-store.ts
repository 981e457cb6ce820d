/** How do I try the disk engine without leaving undici's own cache interceptor? */
import { Agent, interceptors, request } from 'undici'
import { StreamingManager } from 'undici-streaming-cache'
import { DiskCacheStore } from 'undici-streaming-cache/undici-store'
import { startOrigin } from './origin.ts'

await using origin = await startOrigin({
  '/hello': { headers: { 'cache-control': 'max-age=60' }, body: 'Hello!' },
})

await using manager = await StreamingManager.temporary()
const store = new DiskCacheStore(manager)
const dispatcher = new Agent().compose(interceptors.cache({ store }))

for (const when of ['first', 'again']) {
  const { headers, body } = await request(`${origin.url}/hello`, { dispatcher })
  // undici has no Cache-Status; what it answers from its store has an Age.
  console.log(`${when}  ${await body.text()}  age: ${String(headers['age'] ?? '-')}`)
}
for await (const { key, bodySize } of manager.entries()) {
  console.log(`stored ${key.replace(origin.url, '')}, ${bodySize} bytes`)
}
console.log(`The origin was asked ${origin.requests} time.`)
await dispatcher.close()
