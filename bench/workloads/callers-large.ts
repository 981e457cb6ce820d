/**
 * 50 callers at once for one URL of 100 MB that nobody has stored: a third takes it as it comes, a third with a pause at
 * every 16th chunk, a third stops after its first chunk until the fast ones have all. Live memory is looked at all the
 * while, after forced collections. All answers have one entity tag: where storing is given up because the disk is slower
 * than the origin, who is behind goes on from there, which counts as another request.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { atMost, exactly } from '../harness/checks.ts'
import { clientOf, type Client } from '../harness/clients.ts'
import { turn } from '../harness/meter.ts'
import { figure } from '../harness/results.ts'
import type { Workload } from '../harness/workload.ts'
import { openPeer } from './common.ts'

const CALLERS = 50
const BYTES = 100_000_000
const QUICK_BYTES = 10_000_000
const SAMPLE_MS = 400
const PAUSE_CHUNKS = 16
const PAUSE_MS = 20
const LIVE = 'live memory above idle, KiB'
const ANSWERED = 'all answered, ms'
const MODE = '50 at once, of three speeds'
/** KiB: 1 MiB for the flight, and for each caller what a stalled hit may hold. */
const LIVE_LIMIT = 1024 + CALLERS * 256

type Speed = 'fast' | 'slow' | 'late'
const SPEEDS: readonly Speed[] = ['fast', 'slow', 'late']

export const callersLarge: Workload = {
  name: 'callers-large',
  title: '50 callers, one cold key, 100 MB',
  modes: [{ name: MODE, isCold: true, rounds: 1, figuresOnly: true }],
  contenders: ['this', 'no cache'],
  rounds: 1,
  open: async (context) => {
    const peer = await openPeer(context, { maxSize: 2 ** 31 })
    const client = clientOf(peer, 'request()')
    const size = context.isQuick ? QUICK_BYTES : BYTES
    for (let i = 0; i < 3; i++) await crowd(client, `${peer.base}/1000000/warm-${i}?same`, 1_000_000)
    let round = 0
    return {
      round: async () => {
        await peer.settled?.()
        const memory = watchMemory()
        const begun = performance.now()
        await crowd(client, `${peer.base}/${size}/cold-${context.peer.replaceAll(' ', '-')}-${round++}?same`, size)
        const answered = performance.now() - begun
        return { operations: CALLERS, figures: { [LIVE]: (await memory.end()) / 1024, [ANSWERED]: answered } }
      },
      close: () => peer.close(),
    }
  },
  checks: (results) => [
    exactly(
      'origin requests',
      results.most(MODE, 'this', ({ originRequests }) => originRequests),
      1,
      '',
    ),
    atMost('live memory: 1 MiB, and 256 KiB a caller', results.most(MODE, 'this', figure(LIVE)), LIVE_LIMIT, 'KiB'),
  ],
}

async function crowd(client: Client, url: string, size: number): Promise<void> {
  const { promise: fastHaveIt, resolve } = Promise.withResolvers<void>()
  const callers = Array.from({ length: CALLERS }, async (_, i) => {
    const speed = SPEEDS[i % SPEEDS.length] as Speed
    const bytes = await takeAt(speed, client, url, fastHaveIt)
    if (bytes !== size) throw new Error(`Expected ${size} bytes, got ${bytes}`)
  })
  await Promise.all(callers.filter((_, i) => SPEEDS[i % SPEEDS.length] === 'fast'))
  resolve()
  await Promise.all(callers)
}

async function takeAt(speed: Speed, client: Client, url: string, fastHaveIt: Promise<void>): Promise<number> {
  let bytes = 0
  let chunks = 0
  for await (const chunk of (await client.take(url)).body) {
    bytes += chunk.length
    chunks++
    if (speed === 'slow' && chunks % PAUSE_CHUNKS === 0) await delay(PAUSE_MS)
    if (speed === 'late' && chunks === 1) await fastHaveIt
  }
  return bytes
}

/** The most that lives at a time, above what lives now. */
function watchMemory(): { end(): Promise<number> } {
  const over = new AbortController()
  const watching = (async () => {
    const idle = await liveMemory()
    let most = 0
    while (!over.signal.aborted) {
      await delay(SAMPLE_MS)
      most = Math.max(most, (await liveMemory()) - idle)
    }
    return most
  })()
  return {
    end: async () => {
      over.abort()
      return await watching
    },
  }
}

async function liveMemory(): Promise<number> {
  globalThis.gc?.()
  await turn()
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
