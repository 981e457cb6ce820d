/** How do I look into the cache, put something in, take it out, and be told what happens? */
import { subscribe } from 'node:diagnostics_channel'
import { text } from 'node:stream/consumers'
import { StreamingManager, type Events } from 'undici-streaming-cache'

// What happens is published; nobody has to be asked. `Events` has a type for each channel.
subscribe('undici-streaming-cache:store', (message) => {
  const { key, size } = message as Events['store']
  console.log(`event: stored ${key}, ${size} bytes`)
})
subscribe('undici-streaming-cache:evict', (message) => {
  const { key, reason } = message as Events['evict']
  console.log(`event: evicted ${key} (${reason})`)
})

// Open a directory of your own with `StreamingManager.open('./cache', …)`.
await using manager = await StreamingManager.temporary({ maxEntries: 100, maxSize: 50 * 1024 ** 2 })

for (const name of ['a', 'b', 'c']) {
  await manager.put(`https://example.com/${name}`, {
    headers: { 'cache-control': 'max-age=3600', 'content-type': 'text/plain' },
    body: `This is ${name}.`,
  })
}

const stored = await manager.get('https://example.com/a')
// The body is a stream: read it or destroy it.
if (stored !== undefined) console.log(`get: ${stored.statusCode} ${await text(stored.body)}`)
console.log(`get: ${(await manager.get('https://example.com/nothing')) === undefined ? 'nothing' : 'something'}`)

for await (const { key, bodySize, diskSize, headers } of manager.entries()) {
  console.log(`entry: ${key}  ${bodySize} bytes, ${diskSize} on disk, ${String(headers['content-type'])}`)
}

console.log(
  `delete: ${await manager.delete('https://example.com/b')}, again: ${await manager.delete('https://example.com/b')}`,
)
await manager.resize({ maxEntries: 1 })

const { entryCount, size, stores, evictions } = manager.stats()
console.log(`stats: ${entryCount} entry, ${size} bytes on disk, ${stores} stored, ${evictions} evicted`)
