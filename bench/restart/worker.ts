/** One start in a fresh process, for restart.ts: times from before `open`, and memory beside that of an empty cache. */
import { join } from 'node:path'
import { threadCpuUsage } from 'node:process'
import { cacheStores } from 'undici'
import { StreamingManager } from 'undici-streaming-cache'
import { BODY_BYTES, entryOf, peerEntryOf, type Start, type Who } from './entries.ts'

const [who, directory, count] = process.argv.slice(2) as [Who, string, string]
const wanted = entryOf(Number(count) - 7)

const runs: Record<Who, () => Promise<Partial<Start>>> = {
  'undici-streaming-cache': startOurs,
  SqliteCacheStore: startSqlite,
  MemoryCacheStore: fillMemory,
}
async function startOurs(): Promise<Partial<Start>> {
  // What code and libuv take belongs to no entry.
  const empty = await StreamingManager.temporary()
  await empty.put(wanted.url, { headers: wanted.headers, body: wanted.body })
  await (await empty.get(wanted.url))?.body.toArray()
  await empty.close()
  const before = memory()
  const turns = new Turns()
  const begun = performance.now()
  const manager = await StreamingManager.open(directory, { maxEntries: Number(count), maxSize: 2 ** 34 })
  const open = performance.now() - begun
  const hit = await manager.get(wanted.url)
  const body = Buffer.concat((await hit?.body.toArray()) as Buffer[])
  const firstHit = performance.now() - begun
  if (!body.equals(wanted.body)) throw new Error('Expected the first hit to be right')
  while (manager.entryCount < Number(count)) await new Promise((resolve) => setTimeout(resolve, 1))
  const known = performance.now() - begun
  const atOnce = (process.memoryUsage.rss() - before.rss) / 1e6
  await manager.runPendingTasks()
  const compared = performance.now() - begun
  const longest = turns.stop()
  if (manager.entryCount !== Number(count)) throw new Error(`Expected ${count} entries, got ${manager.entryCount}`)
  const used = process.memoryUsage.rss()
  // What the last turn held is nobody's.
  await new Promise((resolve) => setTimeout(resolve, 100))
  const after = memory()
  await manager.close()
  const [resident, settled] = [(used - before.rss) / 1e6, (after.rss - before.rss) / 1e6]
  const entry = (after.held - before.held) / Number(count)
  return { open, firstHit, known, compared, longest, atOnce, resident, settled, entry }
}

async function startSqlite(): Promise<Partial<Start>> {
  const location = join(directory, 'cache.sqlite')
  const { origin, pathname: path } = new URL(wanted.url)
  const begun = performance.now()
  const store = new cacheStores.SqliteCacheStore({ location })
  const open = performance.now() - begun
  const hit = await store.get({ origin, path, method: 'GET', headers: {} })
  const firstHit = performance.now() - begun
  if (!wanted.body.equals(hit?.body as Buffer)) throw new Error('Expected the first hit to be right')
  store.close()
  return { open, firstHit }
}

/** What an entry takes there beside its body. */
async function fillMemory(): Promise<Partial<Start>> {
  const store = new cacheStores.MemoryCacheStore({ maxCount: 2 ** 30, maxSize: 2 ** 40 })
  const before = memory()
  for (let i = 0; i < Number(count); i++) {
    const { key, value, body } = peerEntryOf(i)
    const stream = store.createWriteStream(key, value)
    stream?.end(body)
    if (i % 64 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  await new Promise((resolve) => setTimeout(resolve, 100))
  const entry = (memory().held - before.held) / Number(count) - BODY_BYTES
  if (
    store.get({
      origin: new URL(wanted.url).origin,
      path: new URL(wanted.url).pathname,
      method: 'GET',
      headers: {},
    }) === undefined
  )
    throw new Error('Expected the entry to be there')
  return { entry }
}

/** After a collection as under want of memory: V8 else keeps a hundred megabytes for what is to come. */
function memory(): { rss: number; held: number } {
  gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' })
  const { rss, heapUsed, external } = process.memoryUsage()
  return { rss, held: heapUsed + external }
}

/** How long the event loop is kept, turn by turn, by the thread's own clock: other processes take turns, too. */
class Turns {
  #longest = 0
  #last = cpu()
  #isOn = true

  constructor() {
    this.#next()
  }

  stop(): number {
    this.#isOn = false
    return this.#longest
  }

  #next(): void {
    setImmediate(() => {
      const now = cpu()
      this.#longest = Math.max(this.#longest, now - this.#last)
      this.#last = now
      if (this.#isOn) this.#next()
    })
  }
}

function cpu(): number {
  const { user, system } = threadCpuUsage()
  return (user + system) / 1000
}

process.send?.(await runs[who]())
