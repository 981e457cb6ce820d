/** Where handlers are looked at: agents with the cache on them, and the requests that the checks of protocol make. */
import assert from 'node:assert/strict'
import type * as Undici from 'undici'
import { cacheInterceptor, type StreamingManager } from 'undici-streaming-cache'
import type { NpmUndici } from './callers.ts'
import type { Origin, Respond, Route } from './origin.ts'
import { Recorder } from './recorder.ts'
import { WAYS } from './stage.ts'

export interface Bench {
  readonly npm: NpmUndici
  /** 7 or 8. */
  readonly major: number
  readonly manager: StreamingManager
  readonly origin: Origin
  /** An agent of its own with the cache on it, and what is given below and above. */
  compose(
    below?: Undici.Dispatcher.DispatchInterceptor[],
    above?: Undici.Dispatcher.DispatchInterceptor[],
  ): Undici.Dispatcher
}

export type BenchCheck = (bench: Bench) => Promise<void>

export function createBench(
  npm: NpmUndici,
  major: number,
  manager: StreamingManager,
  origin: Origin,
): Bench & { close(): Promise<void> } {
  const agents: Undici.Agent[] = []
  return {
    npm,
    major,
    manager,
    origin,
    compose(below = [], above = []) {
      const agent = new npm.Agent()
      agents.push(agent)
      return agent.compose(...below, cacheInterceptor(manager, { type: 'private' }), ...above)
    },
    async close() {
      await Promise.all(agents.map((agent) => agent.destroy()))
    },
  }
}

/** A response that may be stored, fresh or, when `stale`, to be validated every time. */
export function storable(respond: Respond, stale = false): Respond {
  return (request, response) => {
    response.setHeader('cache-control', `max-age=${stale ? 0 : 600}`)
    response.setHeader('etag', '"v1"')
    if (request.headers['if-none-match'] === '"v1"') response.writeHead(304).end()
    else respond(request, response)
  }
}

/** Runs `look` on a miss, on a hit, and on a validated response. */
export async function eachWay(
  bench: Bench,
  respond: Respond,
  look: (dispatcher: Undici.Dispatcher, route: Route, way: string) => Promise<void>,
) {
  const dispatcher = bench.compose()
  for (const way of WAYS) {
    const route = bench.origin.route(storable(respond, way === 'validated'))
    if (way !== 'miss') await store(bench, dispatcher, route)
    await look(dispatcher, route, way)
    assert.equal(route.arrivals.length, way === 'hit' ? 0 : 1, `requests that reached the origin on a ${way}`)
  }
}

export async function store(bench: Bench, dispatcher: Undici.Dispatcher, route: Route): Promise<void> {
  const { body } = await dispatcher.request({ origin: bench.origin.url, path: route.path, method: 'GET' })
  await body.arrayBuffer()
  await bench.manager.runPendingTasks()
  route.forget()
}

export async function record(
  bench: Bench,
  dispatcher: Undici.Dispatcher,
  route: Route,
  recorder = new Recorder(),
): Promise<Recorder> {
  dispatcher.dispatch({ origin: bench.origin.url, path: route.path, method: 'GET' }, recorder)
  await recorder.over
  return recorder
}
