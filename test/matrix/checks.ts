/**
 * One process of the matrix: `node checks.ts <undici7 | undici | none> <agent | composed | installed>`.
 *
 *   agent      npm undici sets a global dispatcher of its own, and composed dispatchers are given to both fetches
 *   composed   the cache is composed on the dispatcher that Node made before npm undici was loaded
 *   installed  `install(manager)`, with npm undici loaded or, where there is none, with a guard against loading it
 */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readlinkSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import type * as Undici from 'undici'
import { cacheInterceptor, install, StreamingManager, withCache } from 'undici-streaming-cache'
import { authorityChecks } from './authority.ts'
import { createBench } from './bench.ts'
import { fetchCaller, requestCaller, streamCallers, type Caller, type NpmUndici } from './callers.ts'
import { flowChecks } from './flow.ts'
import { reportStrayErrors, runCheck, titleOf } from './harness.ts'
import { environmentProxyStays, leavesALaterDispatcher, takenOutAgain } from './installing.ts'
import { Origin } from './origin.ts'
import { neighbourChecks } from './neighbours.ts'
import { builtInWebSocket, passingChecks } from './passing.ts'
import { protocolChecks } from './protocol.ts'
import { responseChecks } from './responses.ts'
import { Stage, type StageCheck } from './stage.ts'

const [which, mode] = process.argv.slice(2)

reportStrayErrors()
if (which === 'none') forbidUndici()
// Node makes its global dispatcher when fetch is first touched: before npm undici is there, or after.
if (mode !== 'agent') void new Request('http://localhost/')
const npm = which === 'none' ? undefined : await importUndici()
const origin = await Origin.start()
const manager = await StreamingManager.temporary({ maxStoreDelay: 60_000 })
const interceptor = cacheInterceptor(manager, { type: 'private' })
const agents: Undici.Dispatcher[] = []

if (mode === 'agent' && npm !== undefined) {
  npm.setGlobalDispatcher(own(new npm.Agent()).compose(interceptor))
  await playAll([...callers(npm), ...streamCallers(npm), ...boundCallers(npm)])
  const pool = own(new npm.Pool(origin.url)).compose(interceptor)
  await playAll(
    [fetchCaller('built-in fetch by Pool', fetch, pool), requestCaller('npm request by Pool', npm, pool)],
    responseChecks,
  )
  const bench = createBench(npm, which === 'undici7' ? 7 : 8, manager, origin)
  for (const check of [...protocolChecks, ...neighbourChecks, ...passingChecks, ...authorityChecks]) {
    await runCheck(titleOf(check), () => check(bench))
  }
  await bench.close()
} else if (mode === 'composed' && npm !== undefined) {
  npm.setGlobalDispatcher(own(npm.getGlobalDispatcher()).compose(interceptor))
  await playAll(callers(npm))
} else {
  const installing = [takenOutAgain, leavesALaterDispatcher]
  // It has a process of its own, without npm undici.
  if (npm === undefined) installing.push(environmentProxyStays)
  for (const check of installing) {
    await runCheck(titleOf(check), () => check(manager, origin))
  }
  install(manager, { type: 'private' })
  await playAll(callers(npm))
}
await playAll(steeredCallers(npm), responseChecks)
await runCheck('built in web socket', () => builtInWebSocket(origin))
await runCheck('nothing is left behind', nothingIsLeftBehind)
await manager.close()
await Promise.all(agents.map((agent) => agent.destroy()))
origin.close()

function callers(npm: NpmUndici | undefined): Caller[] {
  const builtIn = fetchCaller('built-in fetch', fetch)
  if (npm === undefined) return [builtIn]
  const npmFetch = fetchCaller('npm fetch', npm.fetch as unknown as typeof fetch)
  return [builtIn, npmFetch, requestCaller('npm request', npm)]
}

/** By a dispatcher that only brings options to the global one. */
function steeredCallers(npm: NpmUndici | undefined): Caller[] {
  const dispatcher = withCache({ mode: 'default' })
  const builtIn = fetchCaller('built-in fetch by withCache', fetch, dispatcher)
  if (npm === undefined) return [builtIn]
  const npmFetch = fetchCaller('npm fetch by withCache', npm.fetch as unknown as typeof fetch, dispatcher)
  return [builtIn, npmFetch, requestCaller('npm request by withCache', npm, dispatcher as never)]
}

/** `fetch(url, { dispatcher })` and its like, with dispatchers that nobody else uses. */
function boundCallers(npm: NpmUndici): Caller[] {
  const agent = own(new npm.Agent()).compose(interceptor)
  const client = own(new npm.Client(origin.url)).compose(interceptor)
  return [
    fetchCaller('built-in fetch by Agent', fetch, agent),
    fetchCaller('npm fetch by Agent', npm.fetch as unknown as typeof fetch, agent),
    fetchCaller('built-in fetch by Client', fetch, client),
    requestCaller('npm request by Client', npm, client),
  ]
}

/** The checks of responses and their flow, by every caller, in every way that the cache answers. */
async function playAll(callers: Caller[], checks: StageCheck[] = [...responseChecks, ...flowChecks]): Promise<void> {
  for (const caller of callers) {
    for (const { check, ways } of checks) {
      for (const way of ways) {
        const stage = new Stage(caller, way, manager, origin)
        await runCheck(`${caller.name}, ${way}: ${titleOf(check)}`, () => check(stage))
      }
    }
    // The index is written often here, and need not hold what no check asks for any more.
    await manager.clear()
  }
}

/** To be destroyed at the end. What `compose` gives cannot be: it is a proxy, and private fields break through it. */
function own(dispatcher: Undici.Dispatcher): Undici.Dispatcher {
  agents.push(dispatcher)
  return dispatcher
}

/** After all that was broken off: no half written file, no open descriptor. */
async function nothingIsLeftBehind(): Promise<void> {
  await manager.runPendingTasks()
  assert.deepEqual(readdirSync(join(manager.directory, 'tmp')), [])
  // Descriptors are closed in the background: some turns of it.
  for (let turns = 0; turns < 1_000 && openFiles().length > 0; turns++) await setImmediate()
  assert.deepEqual(openFiles(), [])
}

/** Known on Linux only. */
function openFiles(): string[] {
  const folder = '/proc/self/fd'
  if (!existsSync(folder)) return []
  return readdirSync(folder).flatMap((name) => {
    try {
      const path = readlinkSync(join(folder, name))
      return path.startsWith(manager.directory) ? [path] : []
    } catch {
      return []
    }
  })
}

async function importUndici(): Promise<NpmUndici> {
  return which === 'undici7' ? ((await import('undici7')) as unknown as NpmUndici) : await import('undici')
}

/** That the package works without npm undici is true only while nothing loads it. */
function forbidUndici(): void {
  registerHooks({
    resolve(specifier, context, next) {
      if (/^undici7?(?:\/|$)/.test(specifier)) throw new Error(`${context.parentURL} imports ${specifier}`)
      return next(specifier, context)
    },
  })
}
