/** How much memory do large bodies take, when many of them are fetched at a time, on a miss and on a hit? */
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Agent, request } from 'undici'
import { cacheInterceptor, getCacheStatus, StreamingManager } from 'undici-streaming-cache'
import { startOrigin, type Resources } from './origin.ts'

const MB = 1e6
const SIZE = 60 * MB
const COUNT = 4

const folder = await mkdtemp(join(tmpdir(), 'downloads-'))
const resources: Resources = {}
for (let i = 0; i < COUNT; i++) {
  const path = join(folder, `${i}.bin`)
  await using file = await open(path, 'w')
  await file.truncate(SIZE)
  await file.write(`Not the same as the others: ${i}`)
  resources[`/${i}.bin`] = { headers: { 'cache-control': 'max-age=3600' }, body: { file: path } }
}
await using origin = await startOrigin(resources)

// Each may be stored, and all of them at a time; more waiting for the disk here, as it has to keep up with loopback.
await using manager = await StreamingManager.temporary({
  maxSize: 1000 * MB,
  maxBodySize: 200 * MB,
  maxStoreDelay: 60_000,
})
const dispatcher = new Agent().compose(cacheInterceptor(manager))

for (const run of ['miss', 'hit']) {
  const before = process.memoryUsage.rss()
  let highest = before
  const downloads = Object.keys(resources).map(async (path) => {
    const { headers, body } = await request(origin.url + path, { dispatcher })
    let size = 0
    for await (const chunk of body as AsyncIterable<Buffer>) {
      size += chunk.length
      highest = Math.max(highest, process.memoryUsage.rss())
    }
    return { size, isHit: getCacheStatus({ headers })?.hit === true }
  })
  const done = await Promise.all(downloads)
  const total = done.reduce((sum, { size }) => sum + size, 0)
  const hits = done.filter(({ isHit }) => isHit).length
  const grown = ((highest - before) / MB).toFixed(0)
  console.log(
    `${run.padEnd(4)} ${total / MB} MB in ${COUNT} downloads at a time, ${hits} hits: memory grew by ${grown} MB`,
  )
}
console.log(`The origin was asked ${origin.requests} times, and is in the same process.`)
await dispatcher.close()
await rm(folder, { recursive: true })
