/**
 * The public suite (`http-cache-tests`) as this room sees it: its tests, its runner, its scoring and its server's
 * handlers. It brings no types, and its server is a script with a fixed port, so both are made up for here.
 */
import { existsSync } from 'node:fs'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { registerHooks } from 'node:module'
import type { AddressInfo } from 'node:net'
import { resolve, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

export type Kind = 'required' | 'optimal' | 'check'

export interface SuiteTest {
  readonly id: string
  readonly name: string
  readonly kind?: Kind
  readonly depends_on?: readonly string[]
  readonly browser_only?: boolean
  readonly browser_skip?: boolean
  readonly cdn_only?: boolean
  /** Writes both sides' requests and responses to the console. */
  dump?: boolean
}

export interface TestGroup {
  readonly name: string
  readonly id: string
  readonly description: string
  readonly tests: readonly SuiteTest[]
}

/** True, or the name and the message of what went wrong. */
export type Outcome = true | readonly [name: string, message: string]
export type Outcomes = Readonly<Record<string, Outcome>>

export interface RunOptions {
  readonly groups: readonly TestGroup[]
  readonly fetch: (url: string, init?: SuiteInit) => Promise<SuiteAnswer>
  readonly browser: boolean
  readonly baseUrl: string
  /** How many tests run at a time. */
  readonly chunkSize: number
}

export interface Suite {
  readonly groups: readonly TestGroup[]
  readonly run: (options: RunOptions) => Promise<Outcomes>
  /** The suite's own dependency-aware verdict, as the sign that it prints for it. */
  readonly sign: (id: string, outcomes: Outcomes) => string
  readonly listener: RequestListener
}

/** What the suite's client hands to `fetch`. */
export interface SuiteInit {
  readonly method?: string
  readonly headers?: readonly (readonly [name: string, value: string])[]
  readonly body?: string
  readonly cache?: string
  readonly signal?: AbortSignal
  readonly dispatcher?: unknown
}

/** What the suite's client reads of a response. A `Response` cannot be had for status 999, which the server may send. */
export interface SuiteAnswer {
  readonly status: number
  readonly statusText: string
  readonly headers: Headers
  readonly text: () => Promise<string>
}

/** What its modules export, of the little that is used here. */
interface RunnerModule {
  readonly runTests: (...args: unknown[]) => Promise<void>
  readonly getResults: () => Outcomes
}
interface ScoringModule {
  readonly determineTestResult: (groups: readonly TestGroup[], id: string, outcomes: Outcomes) => readonly string[]
}
interface HandlerModule {
  readonly default: (segments: string[], request: IncomingMessage, response: ServerResponse) => void
}

/**
 * The release that is a development dependency, or a checkout of another one in a folder. Release 0.4.5 has its rooms at
 * the top and takes a `fetch`; later ones have them in `test-engine/` and use the global one. Tests for CDNs (RFC 9213)
 * are left out, as they are in the peers' scores.
 */
export async function loadSuite(folder: string | undefined): Promise<Suite> {
  const root =
    folder === undefined
      ? new URL('.', import.meta.resolve('http-cache-tests/package.json'))
      : pathToFileURL(resolve(folder) + sep)
  const engine = new URL('test-engine/', root)
  const isLater = existsSync(fileURLToPath(engine))
  if (isLater) hand(root, 'undici', new URL('suite-agent.ts', import.meta.url))
  const load = async <T>(path: string, base = isLater ? engine : root) => (await import(new URL(path, base).href)) as T
  const { default: all } = await load<{ default: TestGroup[] }>('tests/index.mjs', root)
  const groups = all.map((group) => ({ ...group, tests: group.tests.filter(({ cdn_only }) => cdn_only !== true) }))
  const runner = await load<RunnerModule>('client/runner.mjs')
  const scoring = await load<ScoringModule>(isLater ? 'lib/results.mjs' : 'lib/display.mjs')
  const [config, test, state] = await Promise.all(
    ['config', 'test', 'state'].map((room) => load<HandlerModule>(`server/handle-${room}.mjs`)),
  )
  return {
    groups,
    async run({ groups, fetch, browser, baseUrl, chunkSize }) {
      if (isLater) Object.assign(globalThis, { fetch })
      await runner.runTests(groups, ...(isLater ? [] : [fetch]), browser, baseUrl, chunkSize)
      return runner.getResults()
    },
    sign: (id, outcomes) => scoring.determineTestResult(groups, id, outcomes)[2] ?? '',
    listener: routes({ config, test, state }),
  }
}

/** Gives the suite's modules a module of ours for one that they ask for by name. */
function hand(root: URL, name: string, ours: URL): void {
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === name && context.parentURL?.startsWith(root.href) === true
        ? { url: ours.href, shortCircuit: true }
        : next(specifier, context),
  })
}

/** What the suite's `server.mjs` does, without its port, its pid file and its files for browsers. */
function routes(rooms: Record<string, HandlerModule | undefined>): RequestListener {
  return (request, response) => {
    const [, room = '', ...segments] = new URL(request.url ?? '/', 'http://localhost').pathname.split('/')
    const handler = rooms[room]
    if (handler === undefined) response.writeHead(404).end()
    else handler.default(segments, request, response)
  }
}

/** Whether the suite runs a test for this sort of cache; the rule is its runner's. */
export function isRunFor(test: SuiteTest, browser: boolean): boolean {
  return browser ? test.browser_skip !== true : test.browser_only !== true
}

export interface Listening {
  readonly url: string
  readonly close: () => void
}

/** The suite's server on a port of its own. One test's response ends when the server closes idle connections, after 5 s. */
export async function listen(listener: RequestListener): Promise<Listening> {
  const server = createServer(listener)
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}
