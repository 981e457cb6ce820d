/** How does a CI job get what an earlier job has fetched, and prove that it needs no network? */
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createFetch, getCacheStatus, StreamingManager } from 'undici-streaming-cache'
import { startOrigin } from './origin.ts'

const origin = await startOrigin({
  '/toolchain.tar': { headers: { 'cache-control': 'max-age=604800' }, body: 'toolchain'.repeat(10_000) },
  '/fixtures.json': { headers: { 'cache-control': 'no-cache', etag: '"7"' }, body: '[1, 2, 3]' },
})
const workspace = await mkdtemp(join(tmpdir(), 'ci-'))

/** `only-if-cached` answers 504 where nothing is stored, and `force-cache` asks for it: both take what is stale. */
async function job(name: string, directory: string, mode: 'force-cache' | 'only-if-cached', ...paths: string[]) {
  await using manager = await StreamingManager.open(directory)
  const fetch = createFetch(manager, { type: 'private' })
  for (const path of paths) {
    const response = await fetch(origin.url + path, { cache: mode })
    const { length } = await response.text()
    const how = getCacheStatus(response)?.hit === true ? 'from the cache' : 'from the network'
    console.log(
      `${name}: ${path.padEnd(15)} ${response.ok ? `${length} bytes ${how}` : `${response.status}, not stored`}`,
    )
  }
}

await job('online ', join(workspace, 'cache'), 'force-cache', '/toolchain.tar', '/fixtures.json')
// Between jobs the runner keeps the directory: `actions/cache`, `cache: paths:`. Nothing has it open, so that it is whole.
await cp(join(workspace, 'cache'), join(workspace, 'restored'), { recursive: true })
await origin[Symbol.asyncDispose]()
await job('offline', join(workspace, 'restored'), 'only-if-cached', '/toolchain.tar', '/fixtures.json', '/forgotten')
await rm(workspace, { recursive: true })
