/** One start in a process of its own: see promises/restart.ts. Prints times from before `open`, and memory beside before. */
import { StreamingManager } from '../../src/index.ts'
import { entryOf } from './promises/restart.ts'

const [directory = '', count = '0'] = process.argv.slice(2)
const { url, ...wanted } = entryOf(Number(count) - 1)

// What code and libuv take belongs to no entry.
const empty = await StreamingManager.temporary()
await empty.put(url, wanted)
await (await empty.get(url))?.body.toArray()
await empty.close()
gc?.()
const before = process.memoryUsage().rss

const begun = performance.now()
const manager = await StreamingManager.open(directory, { maxEntries: Number(count), maxSize: 2 ** 34 })
const hit = await manager.get(url)
const body = Buffer.concat((await hit?.body.toArray()) as Buffer[])
const firstHitMs = performance.now() - begun
if (!body.equals(wanted.body)) throw new Error('The first hit is wrong')
while (manager.entryCount < Number(count)) await new Promise((resolve) => setTimeout(resolve, 1))
const wholeMs = performance.now() - begun
await manager.runPendingTasks()
if (manager.entryCount !== Number(count)) throw new Error(`Expected ${count} entries, got ${manager.entryCount}`)
gc?.()
const residentMb = (process.memoryUsage().rss - before) / 1e6
console.log(JSON.stringify({ firstHitMs, wholeMs, residentMb }))
await manager.close()
