/** How does a crawler fetch each page once, and run again without the network, to try its parser? */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getCacheStatus, install, StreamingManager, withCacheOptions } from 'undici-streaming-cache'
import { startOrigin } from './origin.ts'

const html = { 'content-type': 'text/html' }
const origin = await startOrigin({
  // A site like most: it says nothing about caching, or forbids it.
  '/': { headers: html, body: '<a href="/a">A</a> <a href="/b">B</a>' },
  '/a': { headers: { ...html, 'cache-control': 'no-store' }, body: '<a href="/b">B</a> <a href="/">home</a>' },
  '/b': { headers: { ...html, etag: '"1"' }, body: '<a href="/a">A</a>' },
})
const directory = await mkdtemp(join(tmpdir(), 'crawl-'))

/** `ignore-rules` stores whatever comes with a 200 and gives it to requests in this mode, however old. */
async function crawl(run: string): Promise<void> {
  await using manager = await StreamingManager.open(directory)
  const uninstall = install(manager, { type: 'private' })
  const queue = [`${origin.url}/`]
  const seen = new Set(queue)
  let fromCache = 0
  for (const url of queue) {
    const response = await withCacheOptions({ mode: 'ignore-rules' }, () => fetch(url))
    if (getCacheStatus(response)?.hit === true) fromCache++
    for (const [, path] of (await response.text()).matchAll(/href="([^"]+)"/g)) {
      const link = new URL(path ?? '', url).href
      if (!seen.has(link)) queue.push(link)
      seen.add(link)
    }
  }
  uninstall()
  console.log(`${run}: ${queue.length} pages, ${fromCache} of them from the cache`)
}

await crawl('first run ')
const { requests } = origin
await origin[Symbol.asyncDispose]()
await crawl('offline   ')
console.log(`The site was asked ${requests} times.`)
await rm(directory, { recursive: true })
