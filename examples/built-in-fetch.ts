/** How do I cache Node's own `fetch()` without installing undici, and how do I take the cache out again? */
import { install, StreamingManager } from 'undici-streaming-cache'
import { startOrigin } from './origin.ts'

await using origin = await startOrigin({
  '/hello': { headers: { 'cache-control': 'max-age=60' }, body: 'Hello!' },
})

await using manager = await StreamingManager.temporary()
const uninstall = install(manager)

for (const when of ['first', 'again']) {
  const response = await fetch(`${origin.url}/hello`)
  console.log(`${when}        ${await response.text()}  ${response.headers.get('cache-status')}`)
}

uninstall()
const response = await fetch(`${origin.url}/hello`)
console.log(`uninstalled  ${await response.text()}  ${response.headers.get('cache-status') ?? '-'}`)

console.log(`The origin was asked ${origin.requests} times.`)
