/** Hits on 1,000 keys of 1 KB that are asked for all the while, through `request()`. */
import { atLeast, atMost, noOriginRequests } from '../harness/checks.ts'
import { cpuMicroseconds, perCpuSecond } from '../harness/results.ts'
import type { Workload } from '../harness/workload.ts'
import { askModes, openPeer, WARM_UPS } from './common.ts'
import { HOT_CONTENDERS, openHotTask } from './hot-task.ts'

const MODES = askModes(['request()'], [1, 64])

export const hitsHot: Workload = {
  name: 'hits-hot',
  title: 'Hits, 1 KB, 1,000 hot keys',
  modes: MODES,
  contenders: [...HOT_CONTENDERS, 'make-fetch-happen'],
  rounds: 7,
  warmUps: WARM_UPS,
  open: async (context) => await openHotTask(await openPeer(context), MODES, context),
  checks: (results) => [
    ...MODES.flatMap(({ name }) => [
      atLeast(
        `${name}: operations per CPU second, MemoryCacheStore's`,
        results.ratio(name, perCpuSecond, 'this', 'MemoryCacheStore'),
        2.2,
      ),
      atMost(`${name}: CPU, a synthetic answer's`, results.ratio(name, cpuMicroseconds, 'this', 'synthetic'), 1.35),
    ]),
    noOriginRequests(results, MODES),
  ],
}
