/** 1,000 callers at once for one URL that nobody has stored, from an origin that thinks for 200 ms. */
import { atMost, exactly } from '../harness/checks.ts'
import { clientOf } from '../harness/clients.ts'
import { together } from '../harness/drive.ts'
import { figure } from '../harness/results.ts'
import type { Workload } from '../harness/workload.ts'
import { getWhole, KIB, openPeer } from './common.ts'

const CALLERS = 1000
const ORIGIN_MS = 200
const ANSWERED = 'all answered, ms'
const MODE = '1,000 at once'

export const callers: Workload = {
  name: 'callers',
  title: `1,000 callers, one cold key, origin ${ORIGIN_MS} ms`,
  modes: [{ name: MODE }],
  contenders: [
    'this',
    'synthetic',
    'no cache',
    'deduplicate',
    'MemoryCacheStore',
    'SqliteCacheStore',
    'make-fetch-happen',
    'nginx',
    'varnish',
  ],
  rounds: 5,
  open: async (context) => {
    const peer = await openPeer(context)
    const client = clientOf(peer, 'request()')
    let round = 0
    return {
      round: async () => {
        const url = `${peer.base}/${KIB}/cold-${context.peer.replaceAll(' ', '-')}-${round++}?delay=${ORIGIN_MS}`
        const begun = performance.now()
        await together(CALLERS, () => getWhole(client, url, KIB))
        return { operations: CALLERS, figures: { [ANSWERED]: performance.now() - begun } }
      },
      close: () => peer.close(),
    }
  },
  checks: (results) => {
    // What 1,000 requests take when nobody waits for anything.
    const floor = results.median(MODE, 'synthetic', figure(ANSWERED))
    return [
      exactly(
        'origin requests',
        results.most(MODE, 'this', ({ originRequests }) => originRequests),
        1,
        '',
      ),
      atMost(
        "all answered, 1.5 times the origin's time and the floor",
        results.median(MODE, 'this', figure(ANSWERED)),
        1.5 * ORIGIN_MS + floor,
        'ms',
      ),
    ]
  },
}
