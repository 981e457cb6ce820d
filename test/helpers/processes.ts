/** Caches in several processes, or managers as strange to each other, on one directory. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { ManagerOptions } from '../../src/index.ts'
import { startCache, type TestCache, type TestCacheOptions } from './cache.ts'
import { leftovers, temporaryDirectory } from './directory.ts'

export type Command =
  | { readonly do: 'get' | 'post' | 'delete'; readonly url: string }
  | { readonly do: 'clear' | 'settle' | 'close' }

/** What a command comes to: fields that it does not have are undefined. */
export interface Result {
  readonly text: string
  readonly cache: string
  readonly statusCode: number
  readonly found: boolean
  readonly stores: number
  readonly evictions: number
  readonly faults: number
}

export interface CacheProcess {
  readonly pid: number
  /** Rejects when the command fails, and when the process dies before it has answered. */
  readonly ask: (command: Command) => Promise<Result>
  /** kill -9. Resolves when it is gone. */
  readonly kill: () => Promise<void>
}

/** Resolves when the cache is open. Kill it, also when the test fails. */
export async function startProcess(directory: string, options: ManagerOptions = {}): Promise<CacheProcess> {
  const child = fork(join(import.meta.dirname, 'cache-process.ts'), [directory, JSON.stringify(options)])
  const waiting = new Map<number, { resolve: (result: Result) => void; reject: (error: Error) => void }>()
  const gone = once(child, 'exit')
  await Promise.race([once(child, 'message'), gone.then(() => Promise.reject(new Error('did not open')))])
  child.on('message', ({ id, result, error }: { id: number; result: Result; error?: string }) => {
    if (error === undefined) waiting.get(id)?.resolve(result)
    else waiting.get(id)?.reject(new Error(error))
    waiting.delete(id)
  })
  child.once('exit', () => {
    for (const { reject } of waiting.values()) reject(new Error('killed'))
  })
  let sent = 0
  return {
    pid: child.pid ?? 0,
    ask: (command) =>
      new Promise((resolve, reject) => {
        waiting.set(++sent, { resolve, reject })
        child.send({ id: sent, command }, (error) => error && reject(error))
      }),
    kill: async () => {
      child.kill('SIGKILL')
      await gone
    },
  }
}

export const FRESH = { 'cache-control': 'max-age=1000' }
export const NOTHING = { buckets: 0, contents: 0, temporary: 0 }

/** Several managers on one directory; the first is the leader. */
export async function startCaches(t: TestContext, count: number, options: TestCacheOptions = {}): Promise<TestCache[]> {
  const directory = options.directory ?? (await temporaryDirectory())
  const caches: TestCache[] = []
  while (caches.length < count) caches.push(await startCache(t, { ...options, directory }))
  return caches
}

/** Everybody has heard of everything, and done it. */
export async function settle(caches: readonly TestCache[]): Promise<void> {
  for (const _ of [1, 2, 3]) for (const { manager } of caches) await manager.runPendingTasks()
}

export async function onDisk(directory: string): Promise<typeof NOTHING> {
  const { descriptors: _, ...files } = await leftovers(directory)
  return files
}
