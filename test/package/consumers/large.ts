/**
 * Fetches one URL several times through a cache in a directory, and prints a line of JSON for each: what the cache said,
 * how many bytes came and their sha256. Arguments: directory, URL, times.
 */
import { createHash } from 'node:crypto'
import { install, StreamingManager } from 'undici-streaming-cache'

const [directory = '', url = '', times = '1'] = process.argv.slice(2)

await using manager = await StreamingManager.open(directory, { maxStoreDelay: 60_000 })
install(manager)
for (let i = 0; i < Number(times); i++) {
  const startedAt = performance.now()
  const response = await fetch(url)
  const hash = createHash('sha256')
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.length
    hash.update(chunk)
  }
  const status = response.headers.get('cache-status')
  const seconds = (performance.now() - startedAt) / 1000
  console.log(JSON.stringify({ status, size, sha256: hash.digest('hex'), seconds }))
}
