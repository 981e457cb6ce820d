/**
 * The disk is full, read-only, forbidden, breaks in each kind of call, has no descriptors, or the whole directory goes, at
 * any moment among concurrent requests and right after a start; and is well again some time later.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { rm } from 'node:fs/promises'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Agent, request, type Dispatcher } from 'undici'
import {
  cacheInterceptor,
  StreamingManager,
  type EvictionEvent,
  type FaultEvent,
  type RefusalEvent,
} from '../../../src/index.ts'
import { leftovers, temporaryDirectory } from '../../helpers/directory.ts'
import { FailingDisk, FAULTS } from '../failing-disk.ts'
import { pick, seeded, type FaultPromise, type Outcome } from './promise.ts'
import { bodyOf, startProvingOrigin, stopOrigin } from './proving-origin.ts'

/** Requests at a time, before the fault begins and while it lasts. */
const AT_A_TIME = 10
const SIZES = [0, 100, 5000, 65_537, 300_000]
/** Known paths: some of them are stored, some were evicted, some are new. */
const NAMES = 40
/** Patience with the disk, so that a busy machine is no fault. */
const OPTIONS = { maxSize: 4_000_000, maxOpenDelay: 20, maxStoreDelay: 10_000, snapshotInterval: 50 }
/** Turns of the event loop until the fault begins at most: while requests are under way. */
const MOST_TURNS = 40
/** Of so many rounds one begins with a new start. */
const START_EVERY = 4
/** Milliseconds after which nothing may be left behind any more, while other responses are stored. */
const HEALED_MS = 3000
const KINDS = [...Object.keys(FAULTS), 'directory gone']

async function run(rounds: number): Promise<Outcome> {
  const random = seeded(6)
  const origin = await startProvingOrigin()
  const directory = await temporaryDirectory()
  const disk = new FailingDisk(directory)
  const failures: string[] = []
  const heard: FaultEvent[] = []
  const listener = (event: unknown): void => void heard.push(event as FaultEvent)
  subscribe('undici-streaming-cache:error', listener)
  // A full cache may prefer what it has.
  const preferred = new Set<string>()
  const reasons = new Map<string, string>()
  const onLoss = (event: unknown): void => {
    const { key, reason } = event as RefusalEvent | EvictionEvent
    reasons.set(key, reason)
    if (reason === 'not-admitted' || reason === 'rejected' || reason === 'size') preferred.add(key)
  }
  for (const name of ['refuse', 'evict']) subscribe(`undici-streaming-cache:${name}`, onLoss)
  let { manager, dispatcher } = await open(directory)
  let requests = 0
  let injected = 0
  let events = 0

  const ask = async (path: string, what: string): Promise<void> => {
    requests++
    try {
      const { body, statusCode } = await request(origin.url + path, { dispatcher })
      const bytes = Buffer.from(await body.arrayBuffer())
      if (statusCode !== 200 || !bytes.equals(bodyOf(path))) failures.push(`${what}: ${path} is wrong`)
    } catch (error) {
      failures.push(`${what}: ${path} failed, ${String(error)}`)
    }
  }
  const askSome = async (what: string): Promise<void> => {
    const paths = Array.from({ length: AT_A_TIME }, () => `/some${Math.floor(random() * NAMES)}-${pick(random, SIZES)}`)
    await Promise.all(paths.map((path) => ask(path, what)))
  }

  for (let round = 0; round < rounds; round++) {
    const kind = pick(random, KINDS)
    const what = `round ${round}, ${kind}`
    if (round % START_EVERY === 0) {
      await manager.close()
      ;({ manager, dispatcher } = await open(directory))
    }
    const before = askSome(what)
    for (let turns = Math.floor(random() * MOST_TURNS); turns > 0; turns--) await nextTurn()
    heard.length = 0
    disk.failures = 0
    disk.fault = FAULTS[kind]
    if (disk.fault === undefined) await rm(directory, { recursive: true, force: true, maxRetries: 5 })
    const invalidated = `/some${Math.floor(random() * NAMES)}-${pick(random, SIZES)}`
    await Promise.all([before, askSome(what), manager.delete(origin.url + invalidated)])
    await manager.runPendingTasks()
    const codes = new Set(heard.map(({ error }) => codeOf(error)))
    if (disk.fault !== undefined && disk.failures > 0 && !codes.has(disk.fault.code))
      failures.push(`${what}: ${disk.failures} calls failed, and events say ${[...codes].join() || 'nothing'}`)
    injected += disk.failures
    events += heard.length
    // Well again, which nobody tells the cache.
    disk.fault = undefined
    await manager.runPendingTasks()
    const path = `/new${round}-${pick(random, SIZES)}`
    await ask(path, what)
    const asked = origin.requests
    await ask(path, what)
    if (origin.requests > asked && !preferred.has(origin.url + path))
      failures.push(`${what}: the next miss was not stored: ${reasons.get(origin.url + path) ?? 'no event'}`)
    const left = await whatIsLeft(manager, directory)
    if (left !== undefined) failures.push(`${what}: ${left}`)
  }

  disk.restore()
  unsubscribe('undici-streaming-cache:error', listener)
  for (const name of ['refuse', 'evict']) unsubscribe(`undici-streaming-cache:${name}`, onLoss)
  await manager.close()
  await dispatcher.close()
  stopOrigin(origin)
  return { rounds, failures, counts: { requests, 'calls that failed': injected, events } }
}

async function open(directory: string): Promise<{ manager: StreamingManager; dispatcher: Dispatcher }> {
  const manager = await StreamingManager.open(directory, OPTIONS)
  return { manager, dispatcher: new Agent().compose(cacheInterceptor(manager)) }
}

/** Temporary files, descriptors, bodies and buckets that nothing needs; undefined once there are none. */
async function whatIsLeft(manager: StreamingManager, directory: string): Promise<string | undefined> {
  const until = performance.now() + HEALED_MS
  for (;;) {
    await manager.runPendingTasks()
    const { temporary, descriptors, buckets, contents } = await leftovers(directory)
    const { entryCount } = manager
    // One descriptor is the journal's, for invalidations that somebody may come to hear of.
    if (temporary === 0 && descriptors <= 1 && buckets <= entryCount && contents <= entryCount) return undefined
    if (performance.now() > until)
      return `${temporary} temporary files, ${descriptors} descriptors, ${buckets} buckets and ${contents} bodies of ${entryCount} entries left`
    await manager.put('https://example.com/another-store', { body: String(performance.now()) })
  }
}

/** What wraps the system's error has it as its cause. */
function codeOf(error: unknown): string | undefined {
  const { code, cause } = error as { code?: string; cause?: { code?: string } }
  return cause?.code ?? code
}

export const faultsOfDisk: FaultPromise = {
  number: 3,
  name: 'faults of the disk',
  promise:
    'full, read-only, forbidden, EIO, EMFILE, directory gone: right bytes, events with the code, storing goes on after it',
  rounds: { long: 400, short: 33 },
  run,
}
