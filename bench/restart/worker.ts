/** One start in a fresh process, for restart.ts: times from before `open`, and memory beside that of an empty cache. */
import { StreamingManager } from '../../src/index.ts'

const [directory = '', count = '0'] = process.argv.slice(2)
const KEY = `https://example.com/articles/${String(Number(count) - 7).padStart(8, '0')}`

// What code and libuv take belongs to no entry.
const empty = await StreamingManager.temporary()
await empty.put(KEY, { headers: { 'cache-control': 'max-age=60' }, body: 'warm' })
await (await empty.get(KEY))?.body.toArray()
await empty.close()
gc?.()
const before = process.memoryUsage().rss

const begun = performance.now()
const manager = await StreamingManager.open(directory, { maxEntries: Number(count), maxSize: 2 ** 34 })
const openMs = performance.now() - begun
const hit = await manager.get(KEY)
if (Buffer.concat((await hit?.body.toArray()) as Buffer[]).length !== 1024)
  throw new Error('Expected the first hit to be whole')
const firstHitMs = performance.now() - begun
await manager.runPendingTasks()
const wholeMs = performance.now() - begun
if (manager.entryCount !== Number(count)) throw new Error(`Expected ${count} entries, got ${manager.entryCount}`)
gc?.()
const residentMb = (process.memoryUsage().rss - before) / 1e6
console.log(JSON.stringify({ openMs, firstHitMs, wholeMs, residentMb }))
await manager.close()
