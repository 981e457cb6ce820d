/** Damage anywhere in the directory, while the cache runs and while it is closed, against an origin that could serve all. */
import { mkdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { Agent, request, type Dispatcher } from 'undici'
import { cacheInterceptor, StreamingManager } from '../../../src/index.ts'
import { filesIn, temporaryDirectory } from '../../helpers/directory.ts'
import { pick, seeded, type FaultPromise, type Outcome } from './promise.ts'
import { bodyOf, startProvingOrigin, stopOrigin } from './proving-origin.ts'

/** Small ones, of a chunk, of many. */
const PATHS = ['/a-0', '/b-1', '/c-900', '/d-900', '/e-65536', '/f-65537', '/g-200000', '/h-200000', '/i-400000']

type Damage = (random: () => number, path: string, others: readonly string[]) => Promise<void>

export const DAMAGES: Readonly<Record<string, Damage>> = {
  flipped: async (random, path) => {
    const bytes = await readFile(path)
    if (bytes.length === 0) return
    const at = Math.floor(random() * bytes.length)
    bytes[at] = (bytes[at] as number) ^ (1 << Math.floor(random() * 8))
    await writeFile(path, bytes)
  },
  cut: async (random, path) => await truncate(path, Math.floor(random() * (await stat(path)).size)),
  grown: async (_, path) => await writeFile(path, Buffer.alloc(100, 'x'), { flag: 'a' }),
  emptied: async (_, path) => await truncate(path),
  missing: async (_, path) => await rm(path),
  swapped: async (random, path, others) => {
    const other = pick(random, others)
    await rename(path, `${path}.swap`)
    await rename(other, path).catch(() => {})
    await rename(`${path}.swap`, other).catch(() => {})
  },
  'a folder instead': async (_, path) => {
    await rm(path)
    await mkdir(path)
  },
  'rubbish instead': async (random, path) => {
    await writeFile(path, Buffer.from(Array.from({ length: 200 }, () => random() * 256)))
  },
}

const FOLDERS = ['index-v5', 'content-v2', '.']

async function run(rounds: number): Promise<Outcome> {
  const random = seeded(1)
  const origin = await startProvingOrigin()
  const directory = await temporaryDirectory()
  const failures: string[] = []
  let opened = await open(directory)
  let requests = 0
  await askAll(opened.dispatcher)
  for (let round = 0; round < rounds; round++) {
    const isRunning = random() < 0.5
    await opened.manager.runPendingTasks()
    if (!isRunning) await opened.manager.close()
    const what = await damage(random, directory)
    if (!isRunning) opened = await open(directory)
    // A hit that finds the damage heals it at the latest when its rest is asked for: the third time all is as before.
    for (const time of ['at once', 'again', 'healed']) {
      const before = origin.requests
      await askAll(opened.dispatcher, `${what}, ${isRunning ? 'running' : 'closed'}, ${time}`)
      await opened.manager.runPendingTasks()
      if (time === 'healed' && origin.requests > before) failures.push(`${what}: not healed`)
    }
  }
  await opened.manager.close()
  stopOrigin(origin)
  return { rounds, failures, counts: { requests, 'requests at the origin': origin.requests } }

  async function askAll(dispatcher: Dispatcher, when = 'first'): Promise<void> {
    for (const path of PATHS) {
      requests++
      try {
        const { body, statusCode } = await request(origin.url + path, { dispatcher })
        const bytes = Buffer.from(await body.arrayBuffer())
        if (statusCode !== 200 || !bytes.equals(bodyOf(path))) failures.push(`${path}, ${when}: wrong bytes`)
      } catch (error) {
        failures.push(`${path}, ${when}: ${String(error)}`)
      }
    }
  }
}

async function open(directory: string): Promise<{ manager: StreamingManager; dispatcher: Dispatcher }> {
  const manager = await StreamingManager.open(directory)
  return { manager, dispatcher: new Agent().compose(cacheInterceptor(manager)) }
}

async function damage(random: () => number, directory: string): Promise<string> {
  const files = await filesIn(directory, pick(random, FOLDERS))
  const name = pick(random, Object.keys(DAMAGES))
  const path = pick(random, files)
  await DAMAGES[name]?.(random, path, files)
  return `${path.slice(directory.length + 1)} ${name}`
}

export const noWrongByte: FaultPromise = {
  number: 1,
  name: 'no wrong byte',
  promise: 'damage anywhere in the directory: right bytes for every request, and all healed at the second',
  rounds: { long: 1000, short: 60 },
  run,
}
