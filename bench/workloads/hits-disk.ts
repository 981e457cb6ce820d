/** Hits on 100,000 keys of 1 KB, all alike likely, with memory for one in twenty: most come from disk. */
import { atLeast, noOriginRequests } from '../harness/checks.ts'
import { perCpuSecond, perSecond } from '../harness/results.ts'
import type { Workload } from '../harness/workload.ts'
import { seeded } from '../index/policies/index-policy.ts'
import { askModes, hitTask, KIB, openPeer, roundMs, WARM_UPS } from './common.ts'
import { corpusUrl } from './corpus-content.ts'
import { corpusLimits, fillCorpus } from './corpus.ts'

const MODES = askModes(['request()'], [1, 64])

export const hitsDisk: Workload = {
  name: 'hits-disk',
  title: 'Hits, 1 KB, 100,000 keys, uniform, memory for 5 % of them',
  modes: MODES,
  contenders: ['this', 'bare read', 'SqliteCacheStore'],
  rounds: 7,
  warmUps: WARM_UPS,
  open: async (context) => {
    const { directory, count } = await fillCorpus(context)
    const limits = { ...corpusLimits(count), maxMemory: Math.floor(count * 0.05) * KIB }
    const peer = await openPeer(context, limits, directory)
    // A start is another row's: here everything is known.
    await peer.settled?.()
    const random = seeded(11)
    const urlOf = (): string => corpusUrl(context.origin, Math.floor(random() * count))
    return hitTask(peer, MODES, roundMs(context), KIB, urlOf)
  },
  checks: (results) => [
    ...MODES.flatMap(({ name }) => [
      atLeast(
        `${name}: operations per CPU second, SqliteCacheStore's`,
        results.ratio(name, perCpuSecond, 'this', 'SqliteCacheStore'),
        1.3,
      ),
      atLeast(
        `${name}: operations per second, SqliteCacheStore's`,
        results.ratio(name, perSecond, 'this', 'SqliteCacheStore'),
        1.3,
      ),
    ]),
    noOriginRequests(results, MODES),
  ],
}
