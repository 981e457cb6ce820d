/** Misses of 100 MB, one at a time, each of another URL. */
import { atLeast, atMost } from '../harness/checks.ts'
import { clientOf, stream } from '../harness/clients.ts'
import { figure } from '../harness/results.ts'
import type { Workload } from '../harness/workload.ts'
import { openPeer } from './common.ts'
import { LIVE_MEMORY, measureLiveMemory } from './live-memory.ts'

const BYTES = 100_000_000
const MB_PER_SECOND = 'MB/s'
const FIRST_BYTE = 'first byte, ms'
const MODE = '1 at a time'
const STALLED = (['request()', 'fetch()'] as const).map((api) => ({
  name: `stalled half way, ${api}`,
  api,
  rounds: 1,
  isCold: true,
  figuresOnly: true,
  contenders: ['this' as const],
}))

export const missLarge: Workload = {
  name: 'miss-large',
  title: 'Misses, 100 MB, request()',
  modes: [{ name: MODE }, ...STALLED],
  contenders: [
    'this',
    'no cache',
    'bare store',
    'MemoryCacheStore',
    'SqliteCacheStore',
    'make-fetch-happen',
    'nginx',
    'varnish',
  ],
  rounds: 5,
  open: async (context) => {
    const peer = await openPeer(context, { maxSize: 1_500_000_000, maxEntries: 8 })
    const client = clientOf(peer, 'request()')
    let asked = 0
    return {
      round: async (name) => {
        const stalled = STALLED.find((each) => each.name === name)
        if (stalled !== undefined) {
          const held = await measureLiveMemory({ ...context, api: stalled.api, state: 'half', size: BYTES })
          return { operations: 1, figures: { [LIVE_MEMORY]: held } }
        }
        const begun = performance.now()
        const { firstByteMs, bytes } = await stream(client, `${peer.base}/${BYTES}/large-${asked++}`)
        if (bytes !== BYTES) throw new Error(`Expected ${BYTES} bytes, got ${bytes}`)
        const speed = BYTES / 1000 / (performance.now() - begun)
        return { operations: 1, figures: { [MB_PER_SECOND]: speed, [FIRST_BYTE]: firstByteMs } }
      },
      // What is left to be written is not the next contender's time.
      inspect: async () => {
        await peer.settled?.()
        return {}
      },
      close: () => peer.close(),
    }
  },
  checks: (results) => [
    atLeast('MB/s, those of no cache', results.ratio(MODE, figure(MB_PER_SECOND), 'this', 'no cache'), 0.8),
    atMost('first byte, that of no cache', results.ratio(MODE, figure(FIRST_BYTE), 'this', 'no cache'), 1.1),
    ...STALLED.map(({ name }) =>
      atMost(`${name}: live memory`, results.median(name, 'this', figure(LIVE_MEMORY)), 2048, 'KiB'),
    ),
  ],
}
