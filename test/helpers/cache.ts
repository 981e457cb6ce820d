/** A manager in a directory of its own and a client through it, both closed with the test. */
import type { Readable } from 'node:stream'
import type { TestContext } from 'node:test'
import { Agent, request, type Dispatcher } from 'undici'
import {
  cacheInterceptor,
  StreamingManager,
  type CachedEntry,
  type CacheInterceptorOptions,
  type ManagerOptions,
} from '../../src/index.ts'
import { temporaryDirectory } from './directory.ts'

export interface TestCache {
  readonly manager: StreamingManager
  readonly dispatcher: Dispatcher
  readonly directory: string
  /** Asks through the cache and reads the whole body. */
  readonly get: (url: string, options?: AskOptions) => Promise<Answer>
}

export interface AskOptions {
  readonly method?: Dispatcher.HttpMethod
  readonly headers?: Record<string, string>
  readonly body?: string
}

export interface Answer {
  readonly statusCode: number
  readonly headers: Record<string, string | string[] | undefined>
  readonly body: Buffer
  readonly text: string
  /** The parameters of our Cache-Status member: `hit`, or `fwd=…`. */
  readonly cache: string
}

export interface TestCacheOptions extends ManagerOptions {
  readonly interceptor?: CacheInterceptorOptions
  /** A directory that exists already. */
  readonly directory?: string
}

export async function startCache(t: TestContext, options: TestCacheOptions = {}): Promise<TestCache> {
  const { interceptor, directory: given, ...managerOptions } = options
  const directory = given ?? (await temporaryDirectory())
  // A busy machine's disk must not decide what a test finds stored.
  const manager = await StreamingManager.open(directory, { maxStoreDelay: 60_000, ...managerOptions })
  const agent = new Agent()
  t.after(async () => {
    await agent.destroy()
    await manager.close()
  })
  const dispatcher = agent.compose(cacheInterceptor(manager, interceptor))
  return { manager, dispatcher, directory, get: (url, ask) => answer(dispatcher, url, ask) }
}

export async function answer(dispatcher: Dispatcher, url: string, options: AskOptions = {}): Promise<Answer> {
  const { statusCode, headers, body } = await request(url, { dispatcher, ...options })
  const bytes = Buffer.from(await body.arrayBuffer())
  const status = [headers['cache-status'] ?? ''].flat().join(', ')
  return {
    statusCode,
    headers,
    body: bytes,
    text: bytes.toString(),
    cache: status.replace(/^.*undici-streaming-cache; /, ''),
  }
}

/** All that is stored, as a list. */
export async function entriesOf(manager: StreamingManager): Promise<CachedEntry[]> {
  const entries: CachedEntry[] = []
  for await (const entry of manager.entries()) entries.push(entry)
  return entries
}

/** Resolves when a stream is closed, also when by an error. */
export async function closed(stream: Readable): Promise<void> {
  await new Promise<void>((resolve) => stream.once('close', resolve))
}

/** A clock that stands until it is moved. Starts at the real time, so that the origin's Date fits. */
export class ManualClock {
  #now = Date.now()

  readonly now = (): number => this.#now

  /** Moves it on. */
  pass(seconds: number): void {
    this.#now += seconds * 1000
  }
}
