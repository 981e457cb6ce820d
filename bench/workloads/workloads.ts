/** All rows, in the order of the table. */
import type { Workload } from '../harness/workload.ts'
import { callers } from './callers.ts'
import { callersLarge } from './callers-large.ts'
import { callersUncacheable } from './callers-uncacheable.ts'
import { entries } from './entries.ts'
import { hitsDisk } from './hits-disk.ts'
import { hitsFetch } from './hits-fetch.ts'
import { hitsHot } from './hits-hot.ts'
import { hitsLarge } from './hits-large.ts'
import { missLarge } from './miss-large.ts'
import { misses } from './misses.ts'
import { missesFull } from './misses-full.ts'
import { restart } from './restart.ts'
import { zipf } from './zipf.ts'

export const WORKLOADS: readonly Workload[] = [
  hitsHot,
  hitsFetch,
  hitsDisk,
  hitsLarge,
  misses,
  missesFull,
  missLarge,
  callers,
  callersLarge,
  callersUncacheable,
  zipf,
  restart,
  entries,
]

export function workloadOf(name: string): Workload {
  const workload = WORKLOADS.find((each) => each.name === name)
  if (workload !== undefined) return workload
  throw new Error(`No row is called ${name}; there are ${WORKLOADS.map((each) => each.name).join(', ')}`)
}
