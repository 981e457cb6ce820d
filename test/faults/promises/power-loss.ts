/**
 * The power goes while a cache works: what it did to its directory is recorded, replayed up to each operation, and of
 * what had not been written back by then a part is dropped.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFile, rm } from 'node:fs/promises'
import { uptime } from 'node:os'
import { fileURLToPath } from 'node:url'
import { filesIn, temporaryDirectory } from '../../helpers/directory.ts'
import { startChangingOrigin, type ChangingOrigin } from '../power-loss/changing-origin.ts'
import { LOSS_MODELS, materialise, type Crash, type LossModel } from '../power-loss/disk.ts'
import type { Recording } from '../power-loss-worker.ts'
import type { Operation } from '../power-loss/operations.ts'
import { replay } from '../power-loss/replay.ts'
import { seeded, type FaultPromise, type Outcome } from './promise.ts'
import { stopOrigin } from './proving-origin.ts'

const WORKER = fileURLToPath(new URL('../power-loss-worker.ts', import.meta.url))
const SEED = 7
/** What a kernel writes back at the latest, in milliseconds; and how far the changes before that lie apart here. */
const WRITE_BACK_MS = 35_000
const EARLIER_MS = 10_000

async function run(rounds: number): Promise<Outcome> {
  const failures: string[] = []
  const counts = { recordings: 0, operations: 0, requests: 0, 'hits at the first': 0 }
  for (let round = 0; round < rounds;) {
    const origin = await startChangingOrigin()
    const operations = await record(origin, SEED + counts.recordings++, failures)
    counts.operations += operations.length
    const lengths = Array.from({ length: operations.length + 1 }, (_, length) => length)
    const crashes = lengths.flatMap((length) => LOSS_MODELS.map((model) => ({ length, model })))
    for (const { length, model } of evenly(crashes, rounds - round)) {
      const seed = SEED + round++
      const { requests, hits, ...found } = await replay(crashOf(operations, length, model, seed), origin)
      counts.requests += requests
      counts['hits at the first'] += hits
      const where = `${model.name}, after operation ${length} of ${operations.length}, seed ${seed}`
      for (const failure of found.failures) failures.push(`${where}: ${failure}`)
    }
    stopOrigin(origin)
  }
  return { rounds, failures, counts }
}

/** So many of these, the same way apart; all where there are fewer. */
function evenly<T>(all: readonly T[], count: number): T[] {
  const wanted = Math.min(count, all.length)
  return Array.from({ length: wanted }, (_, i) => all[Math.floor(((i + 0.5) * all.length) / wanted)] as T)
}

/** What a worker does to a directory, tested by doing all of it again. */
async function record(origin: ChangingOrigin, seed: number, failures: string[]): Promise<readonly Operation[]> {
  const directory = await temporaryDirectory()
  const worker = fork(WORKER, [directory, origin.url, String(seed)], { serialization: 'advanced' })
  const gone = once(worker, 'exit')
  const [message] = await Promise.race([once(worker, 'message'), gone])
  if (typeof message !== 'object') throw new Error(`The worker ended with ${message}`)
  const { operations, faults } = message as Recording
  failures.push(...faults)
  await gone
  const copy = await temporaryDirectory()
  await materialise(crashOf(operations, operations.length, LOSS_MODELS[0] as LossModel, seed), copy)
  const [recorded, real] = [await contentsOf(copy), await contentsOf(directory)]
  for (const path of recorded
    .keys()
    .toArray()
    .concat(...real.keys())) {
    if (recorded.get(path) !== real.get(path)) failures.push(`seed ${seed}: ${path} differs from what was recorded`)
  }
  await rm(directory, { recursive: true })
  await rm(copy, { recursive: true })
  return operations
}

async function contentsOf(directory: string): Promise<Map<string, string>> {
  const contents = new Map<string, string>()
  for (const path of await filesIn(directory, '.')) {
    contents.set(path.slice(directory.length), await readFile(path, 'latin1'))
  }
  return contents
}

function crashOf(operations: readonly Operation[], length: number, model: LossModel, seed: number): Crash {
  const random = seeded(seed)
  const writtenBack = model.isPowerLoss ? Math.floor(random() * (length + 1)) : length
  // All of it was before the machine was started again.
  const end = Date.now() - uptime() * 1000 - EARLIER_MS
  const timeOf = (at: number): number => {
    if (!model.isPowerLoss) return operations[at]?.time ?? 0
    if (at < writtenBack) return end - WRITE_BACK_MS - (writtenBack - at) * EARLIER_MS
    return end - (WRITE_BACK_MS * (length - at)) / (length - writtenBack)
  }
  return { operations, length, writtenBack, model, random, timeOf }
}

export const powerLoss: FaultPromise = {
  number: 2,
  name: 'power loss',
  promise:
    'what was not written back is lost: no wrong byte, and after the background pass every record has its whole body',
  rounds: { long: 600, short: 24 },
  run,
}
