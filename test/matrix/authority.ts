/** Whose response it is: the dispatcher's own origin goes into the key, never the caller's claim alone. */
import assert from 'node:assert/strict'
import type * as Undici from 'undici'
import { cacheInterceptor } from 'undici-streaming-cache'
import type { Route } from './origin.ts'
import type { Bench, BenchCheck } from './bench.ts'

export const authorityChecks: BenchCheck[] = [
  claimedOriginDoesNotPoisonClient,
  claimedOriginDoesNotPoisonPool,
  balancedPoolPassesBy,
  ownOriginWithoutClaim,
]

const VICTIM = 'http://victim.example'

async function claimedOriginDoesNotPoisonClient(bench: Bench): Promise<void> {
  await assertNoPoison(bench, new bench.npm.Client(bench.origin.url))
}

async function claimedOriginDoesNotPoisonPool(bench: Bench): Promise<void> {
  await assertNoPoison(bench, new bench.npm.Pool(bench.origin.url))
}

/** The bytes come from the client's server, whatever origin the caller names. */
async function assertNoPoison(bench: Bench, bound: Undici.Dispatcher): Promise<void> {
  // undici 7 does not tell an interceptor what its dispatcher is bound to (GHSA-vp8m-p9jh-q5pm).
  if (bench.major >= 8) {
    const dispatcher = bound.compose(cacheInterceptor(bench.manager))
    const route = storable(bench)
    for (let turn = 0; turn < 2; turn++)
      await text(dispatcher, { origin: VICTIM, path: route.path, method: 'GET' }, bench)
    assert.equal(await bench.manager.get(VICTIM + route.path), undefined)
    assert.equal(route.arrivals.length, 1, 'stored for the origin that it came from')
    const stored = await bench.manager.get(route.url)
    stored?.body.destroy()
    assert.ok(stored)
  }
  await bound.destroy()
}

/** Nobody can tell which of its origins answers. */
async function balancedPoolPassesBy(bench: Bench): Promise<void> {
  const bound = new bench.npm.BalancedPool([bench.origin.url])
  const dispatcher = bound.compose(cacheInterceptor(bench.manager))
  const route = storable(bench)
  const options = { path: route.path, method: 'GET', ...(bench.major >= 8 && { origin: bench.origin.url }) } as const
  for (let turn = 0; turn < 2; turn++) await text(dispatcher, options, bench)
  assert.equal(route.arrivals.length, 2)
  assert.equal(await bench.manager.get(route.url), undefined)
  await bound.destroy()
}

/** undici 8 knows the client's origin; with undici 7 a request without one has none, and passes by. */
async function ownOriginWithoutClaim(bench: Bench): Promise<void> {
  const bound = new bench.npm.Client(bench.origin.url)
  const dispatcher = bound.compose(cacheInterceptor(bench.manager))
  const route = storable(bench)
  for (let turn = 0; turn < 2; turn++) await text(dispatcher, { path: route.path, method: 'GET' }, bench)
  assert.equal(route.arrivals.length, bench.major >= 8 ? 1 : 2)
  await bound.destroy()
}

function storable({ origin }: Bench): Route {
  return origin.route((_, response) => response.setHeader('cache-control', 'max-age=600').end('mine'))
}

async function text(
  dispatcher: Undici.Dispatcher,
  options: Undici.Dispatcher.RequestOptions,
  bench: Bench,
): Promise<void> {
  const { body } = await dispatcher.request(options)
  assert.equal(await body.text(), 'mine')
  await bench.manager.runPendingTasks()
}
