/** Callers that leave at any moment of hits and misses: before the response, in its middle, paused, with and without reading. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Agent, request } from 'undici'
import { cacheInterceptor, StreamingManager } from '../../../src/index.ts'
import { leftovers, temporaryDirectory } from '../../helpers/directory.ts'
import { pick, seeded, type FaultPromise, type Outcome } from './promise.ts'
import { bodyOf, startProvingOrigin, stopOrigin } from './proving-origin.ts'

/** At a time, as in a server. */
const BATCH = 50
/** Half of what is asked for is stored, half is new each time. */
const STORED = ['/stored-1000', '/stored-100000', '/stored-400000']
const SIZES = [1000, 100_000, 400_000]
/** Turns of the event loop that a caller stays at most. */
const MOST_TURNS = 30

async function run(rounds: number): Promise<Outcome> {
  const random = seeded(3)
  const origin = await startProvingOrigin()
  const directory = await temporaryDirectory()
  const manager = await StreamingManager.open(directory, { maxSize: 50_000_000 })
  const agents = [false, true].map((finishAborted) => new Agent().compose(cacheInterceptor(manager, { finishAborted })))
  const failures: string[] = []
  let left = 0
  for (const path of STORED) await (await request(origin.url + path, { dispatcher: agents[0] as Agent })).body.dump()
  await manager.runPendingTasks()
  const before = await leftovers(directory)

  const leave = async (round: number): Promise<void> => {
    const path = random() < 0.5 ? pick(random, STORED) : `/new${round}-${pick(random, SIZES)}`
    const turns = Math.floor(random() * MOST_TURNS)
    const dispatcher = pick(random, agents)
    const isReading = random() < 0.5
    const controller = new AbortController()
    const answer = request(origin.url + path, { dispatcher, signal: controller.signal })
    const read = answer.then(async ({ body }) => {
      body.on('error', () => {})
      return isReading ? Buffer.from(await body.arrayBuffer()) : undefined
    })
    for (let turn = 0; turn < turns; turn++) await nextTurn()
    controller.abort()
    const bytes = await read.catch(() => undefined)
    if (bytes === undefined) left++
    else if (!bytes.equals(bodyOf(path))) failures.push(`round ${round}: ${path} ended with wrong bytes`)
  }
  for (let round = 0; round < rounds; round += BATCH) {
    await Promise.all(Array.from({ length: Math.min(BATCH, rounds - round) }, (_, i) => leave(round + i)))
  }
  for (const dispatcher of agents) await dispatcher.close()
  await manager.runPendingTasks()
  const { descriptors, temporary } = await leftovers(directory)
  if (descriptors > before.descriptors) failures.push(`${descriptors} descriptors left`)
  if (temporary > 0) failures.push(`${temporary} temporary files left`)
  // What is stored is whole: asked for once more, with an origin that would give itself away.
  stopOrigin(origin)
  for await (const { key } of manager.entries()) {
    const entry = await manager.get(key)
    const chunks = await entry?.body.toArray()
    if (!Buffer.concat((chunks ?? []) as Buffer[]).equals(bodyOf(new URL(key).pathname)))
      failures.push(`${key} is not whole`)
  }
  const { entryCount } = manager
  await manager.close()
  return { rounds, failures, counts: { 'callers left': left, 'responses stored': entryCount } }
}

export const aborts: FaultPromise = {
  number: 9,
  name: 'aborts',
  promise:
    'callers that leave at any moment leave no descriptor, no temporary file, and nothing stored that is not whole',
  rounds: { long: 10_000, short: 300 },
  run,
}
