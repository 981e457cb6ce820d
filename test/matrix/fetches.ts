/**
 * What examples/which-fetch.md claims, on this Node: `node fetches.ts <undici7 | undici | none>`, started by `run.ts`.
 * Whoever asks: does the cache answer? The tables are read from the page, so that it says what is so.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { get, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import type * as Undici from 'undici'
import { cacheInterceptor, createFetch, install, StreamingManager } from 'undici-streaming-cache'
import type { NpmUndici } from './callers.ts'
import { reportStrayErrors, runCheck, titleOf } from './harness.ts'
import { closed, Origin, sending } from './origin.ts'

const PAGE = readFileSync(join(import.meta.dirname, '../../examples/which-fetch.md'), 'utf8')
const SYMBOLS = [Symbol.for('undici.globalDispatcher.1'), Symbol.for('undici.globalDispatcher.2')]
const BODY = Buffer.from('body')
/** What does not answer in so many turns of the event loop after the origin has, does not. */
const TURNS = 1_000

type Ask = (url: string) => Promise<unknown>

const which = process.argv[2]
reportStrayErrors()
const origin = await Origin.start()
const manager = await StreamingManager.temporary({ maxStoreDelay: 60_000 })
const undici7 = which === 'none' ? undefined : ((await import('undici7')) as unknown as NpmUndici)
const undici8 = which === 'none' ? undefined : await import('undici')
const npm = which === 'undici7' ? undici7 : undici8
const agents: Undici.Dispatcher[] = []

const checks = [versionsOfNode, installedForAll, createdFetch, otherThreads, notFetch]
if (npm !== undefined) checks.push(globalForAll, laterDispatcher, npmInstall, mixedGenerations, cacheLast, othersLast)
for (const check of checks) {
  const before = SYMBOLS.map((symbol) => Reflect.get(globalThis, symbol) as unknown)
  const { fetch, FormData, Headers, Request, Response } = globalThis
  await runCheck(titleOf(check), check)
  SYMBOLS.forEach((symbol, i) => Reflect.set(globalThis, symbol, before[i]))
  Object.assign(globalThis, { fetch, FormData, Headers, Request, Response })
}
await manager.close()
await Promise.all(agents.map((agent) => agent.destroy()))
origin.close()

/** Rows of the table under a heading of the page, by their first cell. */
function rowsUnder(heading: string): Map<string, string[]> {
  const [, section = ''] = PAGE.split(`\n## ${heading}\n`)
  const [table = ''] = /(?:^\|.*\n)+/m.exec(section) ?? []
  const rows = table.split('\n').slice(2, -1)
  const cells = rows.map((row) => row.split('|').map((cell) => cell.trim()))
  return new Map(cells.map(([, first = '', ...rest]) => [first.replaceAll('`', ''), rest.slice(0, -1)]))
}

async function versionsOfNode(): Promise<void> {
  const row = rowsUnder('Two of them in one process').get(process.versions.node)
  assert.deepEqual(row, [process.versions['undici']])
}

function own(dispatcher: Undici.Dispatcher): Undici.Dispatcher {
  agents.push(dispatcher)
  return dispatcher
}

function byFetch(ask: unknown, init: { dispatcher?: object; signal?: AbortSignal } = {}): Ask {
  return async (url) => {
    const response = await (ask as typeof fetch)(url, init as RequestInit)
    assert.equal(await response.text(), 'body')
    return response.headers.get('cache-status')
  }
}

function byRequest({ request }: NpmUndici): Ask {
  return async (url) => {
    const { headers, body } = await request(url)
    assert.equal(await body.text(), 'body')
    return headers['cache-status']
  }
}

/** By `node:http`, as libraries do that are older than fetch. */
async function byHttp(url: string): Promise<unknown> {
  const [response] = (await once(get(url), 'response')) as [IncomingMessage]
  response.resume()
  await once(response, 'end')
  return response.headers['cache-status']
}

function cacheable() {
  return origin.route((request, response) => {
    response.setHeader('cache-control', 'max-age=600')
    sending(BODY)(request, response)
  })
}

/** Asked twice: the second time the cache answers, or both times nobody has heard of it. */
async function isCached(ask: Ask): Promise<boolean> {
  const { url } = cacheable()
  const statuses = [await ask(url), await ask(url)]
  if (statuses.every((status) => status == null)) return false
  assert.match(String(statuses[0]), /fwd=uri-miss; stored/)
  assert.match(String(statuses[1]), /; hit;/)
  return true
}

/** `yes` or `no` in a column of the page, for who asks without a dispatcher of his own. */
async function assertColumn(column: number): Promise<void> {
  const rows = rowsUnder('Who asks which dispatcher')
  const callers: [string, Ask | undefined][] = [
    ['fetch(url)', byFetch(fetch)],
    ["undici's fetch(url)", npm && byFetch(npm.fetch)],
    ["undici's request(url), stream, pipeline", npm && byRequest(npm)],
    ['the same of an undici 7 beside an undici 8', undici7 && byRequest(undici7)],
    ['the same of an undici 8 beside an undici 7', undici8 && byFetch(undici8.fetch)],
    ['fetch(url, { dispatcher })', npm && byFetch(fetch, { dispatcher: own(new npm.Agent({ allowH2: false })) })],
    ['createFetch(manager)(url)', byFetch(createFetch(manager))],
    ['node:http, and what is built on it', byHttp],
    ['fetch(url) in a worker thread', inThread],
  ]
  assert.deepEqual([...rows.keys()].toSorted(), callers.map(([name]) => name.replaceAll('`', '')).toSorted())
  for (const [name, ask] of callers) {
    if (ask === undefined) continue
    const said = rows.get(name)?.[column]
    // Of mixed generations, there is a table of its own.
    if (name === 'fetch(url, { dispatcher })' && which === 'undici' && !isOfUndici8()) continue
    assert.equal((await isCached(ask)) ? 'yes' : 'no', said, name)
  }
}

function isOfUndici8(): boolean {
  return Number(process.versions['undici']?.split('.')[0]) >= 8
}

async function inThread(url: string): Promise<unknown> {
  const code = `const { parentPort, workerData } = require('node:worker_threads')
    fetch(workerData).then(async (response) => {
      await response.text()
      parentPort.postMessage(response.headers.get('cache-status'))
    })`
  const worker = new Worker(code, { eval: true, workerData: url })
  const [status] = (await once(worker, 'message')) as [unknown]
  await worker.terminate()
  return status
}

async function globalForAll(): Promise<void> {
  assert.ok(npm)
  npm.setGlobalDispatcher(own(new npm.Agent()).compose(cacheInterceptor(manager)))
  await assertColumn(1)
}

async function installedForAll(): Promise<void> {
  install(manager)
  await assertColumn(2)
}

async function createdFetch(): Promise<void> {
  assert.equal(await isCached(byFetch(createFetch(manager))), true)
  assert.equal(await isCached(byFetch(fetch)), false)
}

async function otherThreads(): Promise<void> {
  install(manager)
  assert.equal(await isCached(inThread), false)
}

async function notFetch(): Promise<void> {
  install(manager)
  assert.equal(await isCached(byHttp), false)
}

/** Who sets another global dispatcher takes the cache out. */
async function laterDispatcher(): Promise<void> {
  assert.ok(npm)
  install(manager)
  npm.setGlobalDispatcher(own(new npm.Agent()))
  assert.equal(await isCached(byFetch(fetch)), false)
  assert.equal(await isCached(byFetch(npm.fetch)), false)
}

/** undici's own `install()` puts its fetch in the place of Node's; the global dispatcher stays what it is. */
async function npmInstall(): Promise<void> {
  assert.ok(npm)
  install(manager)
  ;(npm as unknown as { install(): void }).install()
  assert.equal(fetch, npm.fetch)
  assert.equal(await isCached(byFetch(fetch)), true)
}

/** Every fetch there is here with a bare agent of each generation: it answers, or fails with the message of the page. */
async function mixedGenerations(): Promise<void> {
  assert.ok(undici7 && undici8)
  const rows = rowsUnder('The trap of mixed generations')
  const node = `Node ${process.versions.node.split('.')[0]}`
  const [, nodes] = [...rows].find(([name]) => name.includes(node)) ?? []
  const fetches: readonly (readonly [string[] | undefined, unknown])[] = [
    [nodes, fetch],
    [rows.get('npm undici 7'), undici7.fetch],
    [rows.get('npm undici 8'), undici8.fetch],
  ]
  for (const [row, ask] of fetches) {
    assert.ok(row, `${node} is not in the table`)
    for (const [i, { Agent }] of [undici7, undici8].entries()) {
      const asked = byFetch(ask, { dispatcher: own(new Agent()) })(cacheable().url)
      if (row[i] === 'answers') await asked
      else await assert.rejects(asked, ({ cause }: Error) => `fails: ${(cause as Error).message}` === plain(row[i]))
    }
  }
}

function plain(cell: string | undefined): string | undefined {
  return cell?.replaceAll('`', '')
}

/** Composed last, the cache takes handlers of every generation. */
async function cacheLast(): Promise<void> {
  assert.ok(undici7 && undici8)
  const fetches: readonly unknown[] = [fetch, undici7.fetch, undici8.fetch]
  for (const { Agent, interceptors } of [undici7, undici8])
    for (const ask of fetches) {
      const dispatcher = own(new Agent()).compose(interceptors.retry(), cacheInterceptor(manager))
      assert.equal(await isCached(byFetch(ask, { dispatcher })), true)
    }
}

/** With undici 8 on a Node before 26, `retry` outside the cache needs undici's own fetch, or a wrapper. */
async function othersLast(): Promise<void> {
  assert.ok(undici8)
  const { Agent, interceptors, Dispatcher1Wrapper } = undici8
  const dispatcher = own(new Agent()).compose(cacheInterceptor(manager), interceptors.retry())
  assert.equal(await isCached(byFetch(undici8.fetch, { dispatcher })), true)
  assert.equal(await isCached(byFetch(fetch, { dispatcher: new Dispatcher1Wrapper(dispatcher) })), true)
  assert.equal(await answers(dispatcher), isOfUndici8())
  // Without this package it is the same.
  assert.equal(await answers(own(new Agent()).compose(interceptors.retry())), isOfUndici8())
  undici8.setGlobalDispatcher(dispatcher)
  assert.equal(await isCached(byFetch(fetch)), true)
}

async function answers(dispatcher: object): Promise<boolean> {
  const route = cacheable()
  const controller = new AbortController()
  const asked = byFetch(fetch, { dispatcher, signal: controller.signal })(route.url)
  const answered = asked.then(
    () => true,
    () => false,
  )
  const silent = route.next().then(async ({ response }) => {
    await closed(response)
    for (let turns = 0; turns < TURNS; turns++) await setImmediate()
    return false
  })
  const outcome = await Promise.race([answered, silent])
  controller.abort()
  await answered
  return outcome
}
