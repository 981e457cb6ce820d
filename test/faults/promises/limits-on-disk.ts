/** maxSize as `du` measures it: blocks of all that lies in the directory, looked at while bodies of all sizes are stored. */
import { Agent, request } from 'undici'
import { cacheInterceptor, StreamingManager } from '../../../src/index.ts'
import { diskUse, leftovers, temporaryDirectory } from '../../helpers/directory.ts'
import { seeded, type FaultPromise, type Outcome } from './promise.ts'
import { bodyOf, startProvingOrigin, stopOrigin, type ProvingOrigin } from './proving-origin.ts'

const MIB = 1024 ** 2
const MAX_SIZES = [MIB, 8 * MIB, 32 * MIB]
/** Requests at a time, each of a body of up to a twentieth of maxSize: so much may be on its way beside what is stored. */
const AT_A_TIME = 8
const SHARE = 1 / 20
/** Rounds between two looks at the directory at rest. */
const REST = 25
/** Some keys are long: they lie in their bucket twice, and in the snapshot. */
const LONG = 'x'.repeat(6000)

async function run(rounds: number): Promise<Outcome> {
  const origin = await startProvingOrigin()
  const failures: string[] = []
  const counts: Record<string, number> = {}
  for (const maxSize of MAX_SIZES) {
    const { most, atRest } = await fill(origin, maxSize, Math.ceil(rounds / MAX_SIZES.length), failures)
    counts[`bytes at most at rest of ${maxSize / MIB} MiB`] = atRest
    counts[`while storing of ${maxSize / MIB} MiB`] = most
    const allowed = maxSize + AT_A_TIME * (maxSize * SHARE + 6 * 4096)
    if (most > allowed) failures.push(`${most} bytes while storing, ${allowed} allowed`)
    if (atRest > maxSize) failures.push(`${atRest} bytes at rest, ${maxSize} allowed`)
    if (atRest < maxSize / 2) failures.push(`${atRest} bytes at rest of ${maxSize}: it was never full`)
  }
  stopOrigin(origin)
  return { rounds, failures, counts }
}

async function fill(
  origin: ProvingOrigin,
  maxSize: number,
  rounds: number,
  failures: string[],
): Promise<{ most: number; atRest: number }> {
  const random = seeded(4)
  const directory = await temporaryDirectory()
  const manager = await StreamingManager.open(directory, { maxSize, snapshotInterval: 500 })
  const dispatcher = new Agent().compose(cacheInterceptor(manager))
  let most = 0
  let atRest = 0
  const ask = async (): Promise<void> => {
    const length = Math.floor(random() ** 4 * maxSize * SHARE)
    const name = `${Math.floor(random() ** 2 * 3000)}${random() < 0.02 ? LONG : ''}`
    const path = `/limited${name}-${length - (length % 100)}`
    const { body } = await request(origin.url + path, { dispatcher })
    if (!Buffer.from(await body.arrayBuffer()).equals(bodyOf(path))) failures.push(`${path}: wrong bytes`)
  }
  for (let round = 1; round <= rounds; round++) {
    await Promise.all(Array.from({ length: AT_A_TIME }, ask))
    if (round % 10 === 0) most = Math.max(most, await diskUse(directory))
    if (round % REST !== 0) continue
    await manager.runPendingTasks()
    atRest = Math.max(atRest, await diskUse(directory))
    const { buckets, contents } = await leftovers(directory)
    const { entryCount } = manager
    // Some have the same body.
    if (buckets !== entryCount || contents > entryCount)
      failures.push(`${buckets} buckets and ${contents} bodies of ${entryCount} entries`)
  }
  await manager.close()
  await dispatcher.close()
  return { most, atRest }
}

export const limitsOnDisk: FaultPromise = {
  number: 4,
  name: 'limits on disk',
  promise: 'maxSize holds as du measures the directory, folders and snapshot too, but for what is being written',
  rounds: { long: 600, short: 75 },
  run,
}
