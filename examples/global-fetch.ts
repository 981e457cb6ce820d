/** How do I cache everything that this process fetches, by Node's own `fetch()` and by npm undici alike? */
import { Agent, fetch as undiciFetch, request, setGlobalDispatcher } from 'undici'
import { cacheInterceptor, StreamingManager } from 'undici-streaming-cache'
import { startOrigin } from './origin.ts'

await using origin = await startOrigin({
  '/hello': { headers: { 'cache-control': 'max-age=60' }, body: 'Hello!' },
})

// A program keeps its cache: `await StreamingManager.open('./cache')`. This one is removed when it closes.
await using manager = await StreamingManager.temporary()
setGlobalDispatcher(new Agent().compose(cacheInterceptor(manager)))

const first = await fetch(`${origin.url}/hello`)
console.log(`Node's fetch()     ${await first.text()}  ${first.headers.get('cache-status')}`)

const second = await fetch(`${origin.url}/hello`)
console.log(`Node's fetch()     ${await second.text()}  ${second.headers.get('cache-status')}`)

const third = await undiciFetch(`${origin.url}/hello`)
console.log(`undici's fetch()   ${await third.text()}  ${third.headers.get('cache-status')}`)

const { headers, body } = await request(`${origin.url}/hello`)
console.log(`undici's request() ${await body.text()}  ${String(headers['cache-status'])}`)

console.log(`The origin was asked ${origin.requests} time.`)
