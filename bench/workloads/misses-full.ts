/**
 * Misses of 1 KB on a full cache, nobody asks for them again: what is held is asked for more often, between the rounds,
 * too, or a cache would be right to let go of it.
 */
import { atLeast } from '../harness/checks.ts'
import { clientOf } from '../harness/clients.ts'
import { drive } from '../harness/drive.ts'
import { perSecond } from '../harness/results.ts'
import type { Workload } from '../harness/workload.ts'
import { figuresOf, fill, getWhole, KIB, openPeer, roundMs, WARM_UPS } from './common.ts'

const IN_FLIGHT = 64
const MODE = `request(), ${IN_FLIGHT} at a time`
const ENTRIES = 5000
const QUICK_ENTRIES = 500

export const missesFull: Workload = {
  name: 'misses-full',
  title: 'Misses, 1 KB, the cache full, one-hit wonders',
  modes: [{ name: MODE }],
  contenders: ['this', 'no cache', 'bare pass', 'SqliteCacheStore', 'MemoryCacheStore'],
  rounds: 7,
  warmUps: WARM_UPS,
  open: async (context) => {
    const entries = context.isQuick ? QUICK_ENTRIES : ENTRIES
    const peer = await openPeer(context, { maxEntries: entries, maxSize: 2 ** 34 })
    const client = clientOf(peer, 'request()')
    const askForKept = (): Promise<void> => fill(peer, entries, (n) => `${peer.base}/${KIB}/kept-${n}`)
    for (let i = 0; i < 3; i++) await askForKept()
    const before = (await peer.figures?.()) ?? {}
    let asked = 0
    return {
      prepare: askForKept,
      round: async () => {
        const operations = await drive({ inFlight: IN_FLIGHT, milliseconds: roundMs(context) }, () =>
          getWhole(client, `${peer.base}/${KIB}/wonder-${asked++}`, KIB),
        )
        return { operations }
      },
      finish: async () => {
        const { stored, stores } = await figuresOf(peer)
        if (stored === undefined) return {}
        return { asked, stored, ...(stores === undefined ? {} : { stores: stores - (before['stores'] ?? 0) }) }
      },
      close: () => peer.close(),
    }
  },
  checks: (results) => [
    atLeast('operations per second, those of no cache', results.ratio(MODE, perSecond, 'this', 'no cache'), 0.85),
  ],
}
