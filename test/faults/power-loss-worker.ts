/** A cache with something to do, whose operations on its directory are sent to the parent: see promises/power-loss.ts. */
import { Agent, request, type Dispatcher } from 'undici'
import { cacheInterceptor, StreamingManager } from '../../src/index.ts'
import { TARGETS, type Target } from './power-loss/changing-origin.ts'
import { Recorder } from './power-loss/recorder.ts'
import { pick, seeded } from './promises/promise.ts'

const [directory = '', url = '', seed = ''] = process.argv.slice(2)
/** Requests, one after the other, in each part of its life. */
const REQUESTS = 20
const OPTIONS = { maxSize: 4_000_000, maxEntries: 12, snapshotInterval: 0 }

interface Cache {
  readonly manager: StreamingManager
  readonly dispatcher: Dispatcher
}

const random = seeded(Number(seed))
const recorder = new Recorder(directory)
await recorder.start()

async function open(): Promise<Cache> {
  const manager = await StreamingManager.open(directory, OPTIONS)
  return { manager, dispatcher: new Agent().compose(cacheInterceptor(manager)) }
}

async function ask(cache: Cache, target: Target, method: 'GET' | 'POST', isChanged = false): Promise<void> {
  const headers = {
    ...(target.language !== undefined && { 'accept-language': target.language }),
    ...(isChanged && { 'x-change': '1', 'cache-control': 'no-cache' }),
  }
  const { body } = await request(url + target.path, { dispatcher: cache.dispatcher, method, headers })
  await body.dump({ limit: 10_000_000 })
}

/** Each path's version as far as this process has changed it: that of the origin, which changes it for nobody else. */
const versions = new Map<string, number>()

async function settle(caches: readonly Cache[], path: string): Promise<void> {
  for (const { manager } of caches) await manager.runPendingTasks()
  recorder.settled(path, versions.get(path) ?? 0)
}

async function work(caches: readonly Cache[]): Promise<void> {
  for (let i = 0; i < REQUESTS; i++) {
    const target = pick(random, TARGETS)
    const cache = pick(random, caches)
    const what = random()
    if (what < 0.6) await Promise.all([ask(cache, target, 'GET'), ask(cache, pick(random, TARGETS), 'GET')])
    else if (what < 0.8) {
      versions.set(target.path, (versions.get(target.path) ?? 0) + 1)
      await ask(cache, target, 'GET', true)
    } else if (what < 0.95) {
      versions.set(target.path, (versions.get(target.path) ?? 0) + 1)
      await ask(cache, target, 'POST')
      if (random() < 0.5) await settle(caches, target.path)
    } else await cache.manager.delete(url + target.path)
    // Snapshots, which may outlive what they tell of.
    if (random() < 0.2) await caches[0]?.manager.runPendingTasks()
  }
}

const first = await open()
await work([first])
const second = await open()
await work([first, second])
await second.manager.close()
await work([first])
await first.manager.close()
const again = await open()
await work([again])
await again.manager.runPendingTasks()
process.send?.(recorder.operations, () => process.exit())
