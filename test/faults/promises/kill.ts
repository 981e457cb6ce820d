/** kill -9 in the middle of stores and evictions, and a new start on what is left. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Agent, request } from 'undici'
import { parseBucket } from '../../../src/content-store/bucket.ts'
import { cacheInterceptor, StreamingManager } from '../../../src/index.ts'
import { emptyFoldersIn, filesIn, temporaryDirectory } from '../../helpers/directory.ts'
import { seeded, type FaultPromise, type Outcome } from './promise.ts'
import { bodyOf, startProvingOrigin, stopOrigin } from './proving-origin.ts'

const WORKER = fileURLToPath(new URL('../kill-worker.ts', import.meta.url))
/** Milliseconds that a worker lives at most after it has begun. */
const LIFE_MS = 150
/** Of the paths that a worker asks for, those that are looked at after each start. */
const SAMPLE = 40

async function run(rounds: number): Promise<Outcome> {
  const random = seeded(2)
  const origin = await startProvingOrigin()
  const directory = await temporaryDirectory()
  const failures: string[] = []
  let hits = 0
  for (let round = 0; round < rounds; round++) {
    const worker = spawn(process.execPath, [WORKER, directory, origin.url, String(round)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(worker.stdout, 'data')
    // The moment is what is tried here, so the clock decides.
    await new Promise((resolve) => setTimeout(resolve, random() * LIFE_MS))
    worker.kill('SIGKILL')
    await once(worker, 'exit')
    const manager = await StreamingManager.open(directory)
    const dispatcher = new Agent().compose(cacheInterceptor(manager))
    for (let i = 0; i < SAMPLE; i++) {
      const path = workerPath(Math.floor(random() * WORKER_PATHS))
      const before = origin.requests
      const { body } = await request(origin.url + path, { dispatcher })
      if (!Buffer.from(await body.arrayBuffer()).equals(bodyOf(path))) failures.push(`round ${round}: ${path} is wrong`)
      if (origin.requests === before) hits++
    }
    await manager.runPendingTasks()
    for (const what of await leaks(directory)) failures.push(`round ${round}: ${what}`)
    if (manager.stats().faults > 0) failures.push(`round ${round}: ${manager.stats().faults} faults`)
    await manager.close()
    await dispatcher.close()
  }
  stopOrigin(origin)
  return { rounds, failures, counts: { hits, misses: rounds * SAMPLE - hits } }
}

/** Temporary files, bodies that no record names, records without their body, and folders with nothing in them. */
export async function leaks(directory: string): Promise<string[]> {
  const bodies = new Set((await filesIn(directory, 'content-v2')).map(hashOf))
  const named = new Set<string>()
  for (const bucket of await filesIn(directory, 'index-v5')) {
    for (const { body } of parseBucket(await readFile(bucket, 'utf8'))) named.add(body.sha256)
  }
  return [
    ...(await filesIn(directory, 'tmp')).map((path) => `temporary file ${basename(path)}`),
    ...[...bodies.difference(named)].map((hash) => `body without a record ${hash}`),
    ...[...named.difference(bodies)].map((hash) => `record without its body ${hash}`),
    ...(await emptyFoldersIn(directory, 'index-v5')).map((path) => `empty folder ${path}`),
    ...(await emptyFoldersIn(directory, 'content-v2/sha256')).map((path) => `empty folder ${path}`),
  ]
}

/** Names of files are spread over two folders, as cacache does it. */
function hashOf(path: string): string {
  const parent = dirname(path)
  return join(basename(dirname(parent)), basename(parent), basename(path)).replaceAll(/[/\\]/g, '')
}

export const WORKER_PATHS = 400

/** Bodies from nothing to 200 KB, most of them small. */
export function workerPath(n: number): string {
  return `/worker-${n}-${n % 10 === 0 ? n * 500 : (n * 37) % 5000}`
}

export const kill: FaultPromise = {
  number: 2,
  name: 'kill -9',
  promise: 'killed while storing and evicting: the next start serves whole responses, and leaves nothing half done',
  rounds: { long: 1000, short: 5 },
  run,
}
