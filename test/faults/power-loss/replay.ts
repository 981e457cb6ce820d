/** A cache opened on what a crash has left: what it answers, and what it makes of the directory. */
import { createHash } from 'node:crypto'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { Agent, type Dispatcher } from 'undici'
import { parseBucket } from '../../../src/content-store/bucket.ts'
import { cacheInterceptor, StreamingManager, type Events } from '../../../src/index.ts'
import { answer } from '../../helpers/cache.ts'
import { filesIn, temporaryDirectory } from '../../helpers/directory.ts'
import { leaks } from '../promises/kill.ts'
import { bodyOf } from '../promises/proving-origin.ts'
import { representation, TARGETS, type ChangingOrigin, type Target } from './changing-origin.ts'
import { materialise, type Crash } from './disk.ts'

const CHANNEL = 'undici-streaming-cache:error'

export interface Replayed {
  readonly failures: readonly string[]
  readonly requests: number
  /** Of the first requests. */
  readonly hits: number
}

export async function replay(crash: Crash, origin: ChangingOrigin): Promise<Replayed> {
  const directory = await temporaryDirectory()
  await materialise(crash, directory)
  if (crash.model.isPowerLoss) await forgetBoot(directory)
  const failures: string[] = []
  const faults: string[] = []
  const noteFault = (event: unknown): void => {
    // Damage is one, and found.
    const isDamage = crash.model.isPowerLoss && (event as Events['error']).operation === 'read'
    if (!isDamage) faults.push(`fault: ${inspect(event)}`)
  }
  subscribe(CHANNEL, noteFault)
  // However slow this machine is just now: what is fetched is stored.
  const manager = await StreamingManager.open(directory, { maxStoreDelay: 60_000 })
  const dispatcher = new Agent().compose(cacheInterceptor(manager))
  const oldest = settledVersions(crash)
  // Asked while the directory is looked through, a hit may find damage, which is healed when it is asked for again.
  const times = crash.random() < 0.5 ? ['at once', 'later', 'again'] : ['first', 'again']
  let hits = 0
  for (const [i, time] of times.entries()) {
    if (time !== 'at once') {
      await manager.runPendingTasks()
      for (const what of await notWhole(directory, manager)) failures.push(`${what}, before asked ${time}`)
    }
    const before = origin.requests
    const { wrong, forwarded } = await askAll(dispatcher, origin, oldest)
    for (const what of wrong) failures.push(`${what}, asked ${time}`)
    if (i === 0) hits = TARGETS.length - (origin.requests - before)
    if (time === 'again') for (const path of forwarded) failures.push(`${path} is no hit again`)
  }
  await manager.runPendingTasks()
  for (const what of await notWhole(directory, manager)) failures.push(`${what}, in the end`)
  failures.push(...faults)
  unsubscribe(CHANNEL, noteFault)
  await dispatcher.close()
  await manager.close()
  for (const journal of await filesIn(directory, 'procs')) failures.push(`${journal} is left`)
  await rm(directory, { recursive: true })
  return { failures, requests: TARGETS.length * times.length, hits }
}

/** What was noted of this run of the machine was of the one before. */
async function forgetBoot(directory: string): Promise<void> {
  const path = join(directory, 'boot')
  const noted = await readFile(path, 'utf8').catch(() => '')
  if (noted !== '') await writeFile(path, noted.replaceAll(/[0-9a-f]/g, 'e'))
}

/** Versions before which nothing may be served: invalidations were on disk, and the process alone has ended. */
function settledVersions({ operations, length, model }: Crash): Map<string, number> {
  const versions = new Map<string, number>()
  if (model.isPowerLoss) return versions
  for (const operation of operations.slice(0, length)) {
    if (operation.kind === 'settled') versions.set(operation.path, operation.version)
  }
  return versions
}

/** Everything at the same time: what went wrong, and what was no hit. */
async function askAll(
  dispatcher: Dispatcher,
  origin: ChangingOrigin,
  oldest: ReadonlyMap<string, number>,
): Promise<{ wrong: string[]; forwarded: string[] }> {
  const forwarded: string[] = []
  const ask = async (target: Target): Promise<string[]> => {
    const { path, language = '' } = target
    try {
      const headers = { 'accept-language': language }
      const { statusCode, body, cache } = await answer(dispatcher, origin.url + path, { headers })
      if (!cache.startsWith('hit')) forwarded.push(`${path} ${language}: ${cache}`)
      const first = oldest.get(path) ?? 0
      const versions = Array.from({ length: (origin.versions.get(path) ?? 0) - first + 1 }, (_, i) => first + i)
      const isRight = versions.some((version) => body.equals(bodyOf(representation(target, version))))
      return statusCode === 200 && isRight
        ? []
        : [`${path} ${language} is ${statusCode} ${body.toString('latin1', 0, 40)}`]
    } catch (error) {
      return [`${path} ${language}: ${String(error)}`]
    }
  }
  const wrong = (await Promise.all(TARGETS.map(ask))).flat()
  return { wrong, forwarded }
}

/** Also damaged bodies, buckets without a record, and entries in memory whose body is not whole. */
async function notWhole(directory: string, manager: StreamingManager): Promise<string[]> {
  const found = await leaks(directory)
  const whole = new Set<string>()
  for (const path of await filesIn(directory, 'content-v2')) {
    const sha256 = createHash('sha256')
      .update(await readFile(path))
      .digest('hex')
    if (path.replaceAll(/[/\\]/g, '').endsWith(sha256)) whole.add(sha256)
    else found.push(`damaged body ${path}`)
  }
  for (const path of await filesIn(directory, 'index-v5')) {
    if (parseBucket(await readFile(path, 'utf8')).length === 0) found.push(`bucket without a record ${path}`)
  }
  for await (const { key, sha256 } of manager.entries())
    if (!whole.has(sha256)) found.push(`entry without its body ${key}`)
  return found
}
