/** Hits on 1,000 hot keys of 1 KB through `fetch()`: npm undici's, and Node's own. */
import { atLeast, atMost, noOriginRequests } from '../harness/checks.ts'
import { cpuMicroseconds, perCpuSecond } from '../harness/results.ts'
import type { Workload } from '../harness/workload.ts'
import { askModes, openPeer, WARM_UPS } from './common.ts'
import { HOT_CONTENDERS, openHotTask } from './hot-task.ts'

const MODES = askModes(['npm fetch()', 'built-in fetch()'], [1, 64])

export const hitsFetch: Workload = {
  name: 'hits-fetch',
  title: 'Hits, 1 KB, 1,000 hot keys',
  modes: MODES,
  contenders: HOT_CONTENDERS,
  rounds: 7,
  warmUps: WARM_UPS,
  open: async (context) => await openHotTask(await openPeer(context), MODES, context),
  checks: (results) => [
    ...MODES.flatMap(({ name }) => [
      atLeast(
        `${name}: operations per CPU second, MemoryCacheStore's`,
        results.ratio(name, perCpuSecond, 'this', 'MemoryCacheStore'),
        1.3,
      ),
      atMost(`${name}: CPU, a synthetic answer's`, results.ratio(name, cpuMicroseconds, 'this', 'synthetic'), 1.15),
    ]),
    noOriginRequests(results, MODES),
  ],
}
