/**
 * One measurement in a process of its own: what stalled responses hold, above idle. Sends its parent the live bytes per
 * response. Argument: a `Measurement` in JSON. Needs `--expose-gc`.
 */
import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { openClient, type Api, type Client, type Subject, type Taken } from './clients.ts'

export interface Measurement {
  readonly subject: Subject
  readonly api: Api
  /** `half`: a miss whose consumer stalls half way; the others stall after one chunk. */
  readonly state: 'hit' | 'miss' | 'half'
  /** Bytes of each body. */
  readonly size: number
  /** Responses that stall at a time. */
  readonly responses: number
  readonly origin: string
  readonly directory: string
}

const SAMPLES = 5
const SAMPLE_MS = 100
const MAX_SAMPLES = 100
const WARM_UP_BYTES = 200_000

if (process.send !== undefined)
  process.send(await measure(JSON.parse(process.argv[2] ?? '') as Measurement), () => process.exit())

async function measure({ subject, api, state, size, responses, origin, directory }: Measurement): Promise<number> {
  const connect = await openClient(subject, api, directory)
  const url = (name: string | number): string => `${origin}/${size}/${name}`
  await warmUp(connect(), origin)
  const client = connect()
  const stored = await client(url('stored'))
  await takeAll(stored)
  if (state === 'hit') await untilStored(client, url('stored'), stored.number)

  const idle = await settledMemory()
  const taken: (readonly [Taken, chunk: unknown])[] = []
  // One by one: what is measured is what they hold, not how they arrive.
  for (let i = 0; i < responses; i++) {
    const response = await client(url(state === 'hit' ? 'stored' : i))
    assert.equal(response.number === stored.number, state === 'hit', `${subject} was to answer with a ${state}`)
    taken.push([response, await take(response, state === 'half' ? size / 2 : 1)])
  }
  const held = (await settledMemory()) - idle
  // Also what keeps them alive until here.
  assert.equal(taken.filter(([{ body }, chunk]) => body !== undefined && chunk !== undefined).length, responses)
  return held / responses
}

/** Takes chunks until so many bytes have come. Gives the last chunk: a slow consumer has it in its hands. */
async function take(response: Taken, bytes: number): Promise<Uint8Array | undefined> {
  for (let taken = 0; ;) {
    const chunk = await response.next()
    taken += chunk?.length ?? 0
    if (chunk === undefined || taken >= bytes) return chunk
  }
}

async function takeAll(response: Taken): Promise<void> {
  await take(response, Infinity)
}

/** Code is compiled and buffers of the process are made, on connections that are not used again. */
async function warmUp(client: Client, origin: string): Promise<void> {
  for (let i = 0; i < 30; i++) {
    const name = `warm-${Math.floor(i / 3)}`
    await takeAll(await client(`${origin}/${WARM_UP_BYTES}/${name}`))
  }
}

/** Some stores have a response only a while after its last byte. */
async function untilStored(client: Client, url: string, number: string): Promise<void> {
  for (let i = 0; i < 100; i++) {
    const again = await client(url)
    await takeAll(again)
    if (again.number === number) return
    await delay(SAMPLE_MS)
  }
  assert.fail(`${url} was never stored`)
}

/** The median of the last samples, once they agree within 64 KiB. */
async function settledMemory(): Promise<number> {
  const samples: number[] = []
  while (samples.length < MAX_SAMPLES) {
    await delay(SAMPLE_MS)
    samples.push(await liveMemory())
    const last = samples.slice(-SAMPLES).sort((a, b) => a - b)
    const [least = 0] = last
    const spread = (last.at(-1) ?? 0) - least
    if (last.length === SAMPLES && spread < 65_536) return last[SAMPLES >> 1] ?? 0
  }
  throw new Error(`Memory does not settle: ${samples.slice(-SAMPLES).join(', ')}`)
}

/** `external` counts the bytes of buffers. Several collections: what one frees may hold what the next one finds. */
async function liveMemory(): Promise<number> {
  for (let i = 0; i < 4; i++) {
    globalThis.gc?.()
    await new Promise((resolve) => setImmediate(resolve))
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
