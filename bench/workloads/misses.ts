/** Misses of 1 KB, 64 at a time, every one of another URL, all cacheable, with room on disk. */
import { atLeast, exactly } from '../harness/checks.ts'
import { clientOf } from '../harness/clients.ts'
import { drive } from '../harness/drive.ts'
import { perSecond } from '../harness/results.ts'
import type { Workload } from '../harness/workload.ts'
import { figuresOf, getWhole, KIB, openPeer, roundMs, WARM_UPS } from './common.ts'

const IN_FLIGHT = 64
const MODE = `request(), ${IN_FLIGHT} at a time`

export const misses: Workload = {
  name: 'misses',
  title: 'Misses, 1 KB, all different, room on disk',
  modes: [{ name: MODE }],
  contenders: ['this', 'no cache', 'SqliteCacheStore', 'MemoryCacheStore', 'make-fetch-happen', 'nginx', 'varnish'],
  rounds: 7,
  warmUps: WARM_UPS,
  open: async (context) => {
    const peer = await openPeer(context, { maxEntries: 1_000_000, maxSize: 2 ** 34 })
    const client = clientOf(peer, 'request()')
    let asked = 0
    return {
      round: async () => {
        const operations = await drive({ inFlight: IN_FLIGHT, milliseconds: roundMs(context) }, () =>
          getWhole(client, `${peer.base}/${KIB}/miss-${asked++}`, KIB),
        )
        return { operations }
      },
      finish: async () => {
        const { stored = NaN } = await figuresOf(peer)
        return Number.isNaN(stored) ? {} : { asked, stored, lost: asked - stored }
      },
      close: () => peer.close(),
    }
  },
  checks: (results) => [
    atLeast("operations per second, SqliteCacheStore's", results.ratio(MODE, perSecond, 'this', 'SqliteCacheStore'), 1),
    exactly('not stored when everything is written', results.finished('this')['lost'] ?? NaN, 0, ''),
    exactly(
      'origin requests, an operation',
      results.median(MODE, 'this', ({ originRequests, operations }) => originRequests / operations),
      1,
      '',
    ),
  ],
}
