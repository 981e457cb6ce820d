/** How do I cache what one client fetches, and nothing else in the process? */
import { Agent, fetch as undiciFetch, Pool, request } from 'undici'
import { cacheInterceptor, StreamingManager } from 'undici-streaming-cache'
import { startOrigin } from './origin.ts'

await using origin = await startOrigin({
  '/hello': { headers: { 'cache-control': 'max-age=60' }, body: 'Hello!' },
})

await using manager = await StreamingManager.temporary()
// Each client may have options of its own, and all may share one manager.
const cached = new Agent().compose(cacheInterceptor(manager, { origins: [origin.url] }))
const pool = new Pool(origin.url).compose(cacheInterceptor(manager))

const first = await undiciFetch(`${origin.url}/hello`, { dispatcher: cached })
console.log(`fetch() with the agent     ${await first.text()}  ${first.headers.get('cache-status')}`)

const second = await undiciFetch(`${origin.url}/hello`, { dispatcher: cached })
console.log(`fetch() with the agent     ${await second.text()}  ${second.headers.get('cache-status')}`)

// Node's own fetch takes the same agent; only its types know another undici, hence the `as object`.
const third = await fetch(`${origin.url}/hello`, { dispatcher: cached } as object)
console.log(`Node's fetch() with it     ${await third.text()}  ${third.headers.get('cache-status')}`)

const { headers, body } = await request(`${origin.url}/hello`, { dispatcher: pool })
console.log(`request() with the pool    ${await body.text()}  ${String(headers['cache-status'])}`)

const plain = await fetch(`${origin.url}/hello`)
console.log(`fetch() without a cache    ${await plain.text()}  ${plain.headers.get('cache-status') ?? '-'}`)

console.log(`The origin was asked ${origin.requests} times.`)
await Promise.all([cached.close(), pool.close()])
