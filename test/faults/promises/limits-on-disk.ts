/** maxSize as `du` measures it: blocks of all files, temporary ones too, looked at while bodies of all sizes are stored. */
import { lstat } from 'node:fs/promises'
import { basename } from 'node:path'
import { Agent, request } from 'undici'
import { cacheInterceptor, StreamingManager } from '../../../src/index.ts'
import { filesIn, temporaryDirectory } from '../../helpers/directory.ts'
import { seeded, type FaultPromise, type Outcome } from './promise.ts'
import { bodyOf, startProvingOrigin, stopOrigin } from './proving-origin.ts'

const MAX_SIZE = 8 * 1024 ** 2
/** Requests at a time, each of a body of up to 400 KB: so much may be on its way beside what is stored. */
const AT_A_TIME = 8
const MOST_BYTES = 400_000
/** The snapshot is beside maxSize, and so are folders: see the README. */
const BESIDE = 'snapshot'

async function run(rounds: number): Promise<Outcome> {
  const random = seeded(4)
  const origin = await startProvingOrigin()
  const directory = await temporaryDirectory()
  const manager = await StreamingManager.open(directory, { maxSize: MAX_SIZE, maxEntries: 2000, snapshotInterval: 500 })
  const dispatcher = new Agent().compose(cacheInterceptor(manager))
  const failures: string[] = []
  let most = 0
  let atRest = 0
  const ask = async (): Promise<void> => {
    const length = Math.floor(random() ** 4 * MOST_BYTES)
    const path = `/limited${Math.floor(random() ** 2 * 3000)}-${length - (length % 1000)}`
    const { body } = await request(origin.url + path, { dispatcher })
    if (!Buffer.from(await body.arrayBuffer()).equals(bodyOf(path))) failures.push(`${path}: wrong bytes`)
  }
  for (let round = 0; round < rounds; round++) {
    await Promise.all(Array.from({ length: AT_A_TIME }, ask))
    if (round % 20 === 0) most = Math.max(most, await diskUse(directory))
    if (round % 50 !== 49) continue
    await manager.runPendingTasks()
    atRest = Math.max(atRest, await diskUse(directory))
  }
  await manager.runPendingTasks()
  const allowed = MAX_SIZE + AT_A_TIME * MOST_BYTES
  if (most > allowed) failures.push(`${most} bytes while storing, ${allowed} allowed`)
  if (atRest > MAX_SIZE) failures.push(`${atRest} bytes at rest, ${MAX_SIZE} allowed`)
  if (atRest < MAX_SIZE / 2) failures.push(`${atRest} bytes at rest: it was never full`)
  await manager.close()
  await dispatcher.close()
  stopOrigin(origin)
  return {
    rounds,
    failures,
    counts: { 'bytes of maxSize': MAX_SIZE, 'bytes at most at rest': atRest, 'while storing': most },
  }
}

/** As du: whole blocks, of files alone. Folders stay, 4 KiB each, and are bounded by their number: 65,536 and 256. */
async function diskUse(directory: string): Promise<number> {
  const files = (await filesIn(directory, '.')).filter((path) => basename(path) !== BESIDE)
  const stats = await Promise.all(files.map((path) => lstat(path).catch(() => undefined)))
  return stats.reduce((sum, file) => sum + (file?.blocks ?? 0) * 512, 0)
}

export const limitsOnDisk: FaultPromise = {
  name: 'limits on disk',
  promise: 'the blocks of all files stay within maxSize, but for what is being written and the snapshot',
  rounds: { long: 2000, short: 100 },
  run,
}
