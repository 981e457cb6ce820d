/** An origin that answers when it is told to, and a cache before it: so that many requests wait for one answer. */
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TestContext } from 'node:test'
import { startCache, type Answer, type AskOptions, type TestCache, type TestCacheOptions } from './cache.ts'
import { startOrigin, type Origin } from './origin.ts'

type Respond = (response: ServerResponse, request: IncomingMessage, count: number) => void

export interface Held extends TestCache {
  readonly origin: Origin
  readonly url: string
  /** Answers all that have come and all that will. */
  readonly release: () => void
  readonly askAll: (count: number, ask?: (i: number) => AskOptions) => Promise<Answer>[]
  /** The first request has come. */
  readonly arrived: Promise<unknown>
}

export async function startHeld(t: TestContext, respond: Respond, options?: TestCacheOptions): Promise<Held> {
  const held: (() => void)[] = []
  let isReleased = false
  const origin = await startOrigin(t, (request, response) => {
    const count = origin.requests.length
    const answer = () => respond(response, request, count)
    if (isReleased) answer()
    else held.push(answer)
  })
  const cache = await startCache(t, options)
  await cache.manager.runPendingTasks()
  const release = () => {
    isReleased = true
    for (const answer of held.splice(0)) answer()
  }
  const askAll = (count: number, ask?: (i: number) => AskOptions) =>
    Array.from({ length: count }, (_, i) => cache.get(`${origin.url}/`, ask?.(i)))
  return { ...cache, origin, url: `${origin.url}/`, release, askAll, arrived: once(origin.server, 'request') }
}

export const fresh: { readonly 'cache-control': string } = { 'cache-control': 'max-age=60' }

export async function wholeOf(body: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks)
}
