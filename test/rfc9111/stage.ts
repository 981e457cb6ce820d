/** What the tests of the RFC stand on: a cache, a real origin whose answers are scripted, and a clock that is moved. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TestContext } from 'node:test'
import { Agent, type Dispatcher } from 'undici'
import { cacheInterceptor } from '../../src/index.ts'
import {
  answer,
  ManualClock,
  startCache,
  type Answer,
  type TestCache,
  type TestCacheOptions,
} from '../helpers/cache.ts'
import { filesIn } from '../helpers/directory.ts'
import { startOrigin, type Origin } from '../helpers/origin.ts'

export type Fields = Record<string, string | string[]>
export type RequestFields = Record<string, string>

export interface Reply {
  readonly status?: number
  readonly fields?: Fields
  readonly body?: string | Buffer
}

/** What the origin answers: undefined when the function has answered by itself. `count` starts at 1. */
export type Respond = (request: IncomingMessage, count: number, response: ServerResponse) => Reply | undefined

export interface Stage {
  readonly origin: Origin
  readonly clock: ManualClock
  readonly cache: TestCache
  readonly get: (path?: string, headers?: RequestFields, method?: string) => Promise<Answer>
  /** The fields of the origin's n-th request, from 1. */
  readonly received: (n: number) => IncomingMessage['headers']
  /** How many requests the origin has had. */
  readonly count: () => number
}

export const PRIVATE: TestCacheOptions = { interceptor: { type: 'private' } }
/** For what binds shared and private caches alike. */
export const BOTH: readonly TestCacheOptions[] = [{}, PRIVATE]
export const LAST_MODIFIED = 'Wed, 21 Oct 2015 07:28:00 GMT'

/** The answers of a list come one after the other, the last one again and again. */
export async function stage(
  t: TestContext,
  script: Reply | readonly Reply[] | Respond,
  options: TestCacheOptions = {},
): Promise<Stage> {
  const origin = await startOrigin(t, (request, response) => {
    // The clock of these tests is not the origin's: where no Date is sent the cache puts its own.
    response.sendDate = false
    const count = origin.requests.length
    const reply = typeof script === 'function' ? script(request, count, response) : replyOf(script, count)
    if (reply !== undefined) response.writeHead(reply.status ?? 200, reply.fields ?? {}).end(reply.body ?? 'body')
  })
  const clock = new ManualClock()
  const cache = await startCache(t, { clock: clock.now, ...options })
  return {
    origin,
    clock,
    cache,
    get: (path = '/', headers = {}, method = 'GET') => cache.get(origin.url + path, { headers, method }),
    received: (n) => origin.requests[n - 1]?.headers ?? {},
    count: () => origin.requests.length,
  }
}

function replyOf(script: Reply | readonly Reply[], count: number): Reply {
  const replies: readonly Reply[] = 'at' in script ? script : [script]
  return replies[Math.min(count, replies.length) - 1] ?? {}
}

export interface How {
  /** Fields of both requests, or of the first when there is a second. */
  readonly first?: RequestFields
  readonly second?: RequestFields
  /** Seconds between them. */
  readonly pass?: number
  /** Of the first; the second is a GET. */
  readonly method?: string
}

/** A function that tells whether the response to one request answers a second one without the origin. */
export async function reuse(
  t: TestContext,
  options?: TestCacheOptions,
): Promise<(reply: Reply | ((now: number) => Reply), how?: How) => Promise<boolean>> {
  let reply: Reply = {}
  let cases = 0
  const { get, clock, count } = await stage(t, () => reply, options)
  return async (given, { first = {}, second = first, pass = 0, method } = {}) => {
    reply = typeof given === 'function' ? given(clock.now()) : given
    const path = `/${++cases}`
    await get(path, first, method)
    clock.pass(pass)
    const before = count()
    await get(path, second)
    return count() === before
  }
}

/** A function that asserts that a response is reused for exactly so many seconds after it has come. */
export async function lifetimes(
  t: TestContext,
  options?: TestCacheOptions,
): Promise<(reply: Reply | ((now: number) => Reply), seconds: number, message?: string) => Promise<void>> {
  const reused = await reuse(t, options)
  return async (reply, seconds, message) => {
    if (seconds > 0) assert.equal(await reused(reply, { pass: seconds - 1 }), true, message)
    assert.equal(await reused(reply, { pass: seconds }), false, message)
  }
}

/** A reply with this Cache-Control. */
export function control(value: string | string[], others: Fields = {}): Reply {
  return { fields: { 'cache-control': value, ...others } }
}

/** A date so many seconds from a time. */
export function date(now: number, seconds = 0): string {
  return new Date(now + seconds * 1000).toUTCString()
}

/** Every request goes to the loopback origin, whatever origin it names: https and other hosts without a certificate. */
export function named(t: TestContext, { cache, origin }: Stage, { interceptor }: TestCacheOptions = {}): Dispatcher {
  const agent = new Agent()
  t.after(() => agent.destroy())
  return agent.compose(
    (dispatch) => (options, handler) => dispatch({ ...options, origin: origin.url }, handler),
    cacheInterceptor(cache.manager, interceptor),
  )
}

/** Files of a directory, by path, that have this text in them. */
export async function filesWith(directory: string, text: string): Promise<string[]> {
  const files = await filesIn(directory, '.')
  const contents = await Promise.all(files.map((file) => readFile(file)))
  return files.filter((_, i) => contents[i]?.includes(text))
}

export { answer }
