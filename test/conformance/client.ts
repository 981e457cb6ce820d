/**
 * The suite's `fetch`, through the cache. Not undici's own: that one adds `Cache-Control: no-cache` to a request with a
 * condition of its own, so that the cache would be asked for something else than the test says.
 */
import { Agent, request, type Dispatcher } from 'undici'
import { cacheInterceptor, type StreamingManager } from '../../src/index.ts'
import { Agent as SuiteAgent } from './suite-agent.ts'
import type { RunOptions, SuiteAnswer } from './suite.ts'

/** Longer than any answer takes; a cache that never answers must not hold the run up. */
const PATIENCE = 10_000

/** Told to the origin for its logs only: the cache must not see which test runs. */
const LABELS = new Set(['test-id', 'test-name'])

type Fields = (readonly [name: string, value: string])[]
type Interceptor = Dispatcher.DispatcherComposeInterceptor

export interface Client {
  readonly fetch: RunOptions['fetch']
  readonly close: () => Promise<void>
}

export function openClient(manager: StreamingManager, type: 'shared' | 'private'): Client {
  const labels = new Labels()
  const agent = new Agent()
  const dispatcher = agent.compose(labels.putBack, cacheInterceptor(manager, { type }))
  return {
    async fetch(url, { method = 'GET', headers = [], body, cache, signal, dispatcher: above } = {}) {
      const patience = AbortSignal.timeout(PATIENCE)
      const fields = labels.takeOff(url, headers)
      // As fetch does it above the browser's cache, and the suite expects to see it.
      if (cache === 'no-cache') fields.push(['Cache-Control', 'max-age=0'])
      const answer = await request(url, {
        dispatcher: above instanceof SuiteAgent ? dispatcher.compose(...above.interceptors) : dispatcher,
        method,
        headers: fields.flat(),
        body: body ?? null,
        signal: signal === undefined ? patience : AbortSignal.any([signal, patience]),
      })
      return toAnswer(answer)
    },
    close: () => agent.destroy(),
  }
}

/** Takes labels off above the cache and puts them back below it. A test is told by the token in its URL. */
class Labels {
  readonly #byPath = new Map<string, Fields>()

  takeOff(url: string, headers: Fields | readonly Fields[number][]): Fields {
    const isLabel = ([name]: Fields[number]) => LABELS.has(name.toLowerCase())
    this.#byPath.set(new URL(url).pathname, headers.filter(isLabel))
    return headers.filter((field) => !isLabel(field))
  }

  readonly putBack: Interceptor = (dispatch) => (options, handler) => {
    const [path = ''] = options.path.split('?')
    const headers = [...pairsOf(options.headers), ...(this.#byPath.get(path) ?? [])].flat()
    return dispatch({ ...options, headers }, handler)
  }
}

/** The two forms that come out of the cache: as they went in, or an object when it added conditions of its own. */
function pairsOf(headers: Dispatcher.DispatchOptions['headers']): [string, string][] {
  if (Array.isArray(headers)) return headers.flatMap((name, i) => (i % 2 === 0 ? [[name, headers[i + 1] ?? '']] : []))
  return Object.entries(headers ?? {}).flatMap(([name, value]) =>
    [value as string | string[]].flat().map((line): [string, string] => [name, line]),
  )
}

function toAnswer({ statusCode, statusText, headers, body }: Dispatcher.ResponseData): SuiteAnswer {
  const received = new Headers()
  for (const [name, value] of Object.entries(headers)) {
    for (const line of [value ?? []].flat()) received.append(name, line)
  }
  return { status: statusCode, statusText, headers: received, text: () => body.text() }
}
