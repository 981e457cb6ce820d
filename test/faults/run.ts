/**
 * The promises of the package about disks, crashes and peers, in long runs: `npm run test:faults`, or with names after
 * `--` those alone. A line for each, with rounds and failures; fails when any failed.
 */
import { aborts } from './promises/aborts.ts'
import { bounds } from './promises/bounds.ts'
import { faultsOfDisk } from './promises/faults-of-disk.ts'
import { kill } from './promises/kill.ts'
import { leaks } from './promises/leaks.ts'
import { limitsOnDisk } from './promises/limits-on-disk.ts'
import { lyingOrigins } from './promises/lying-origins.ts'
import { noWrongByte } from './promises/no-wrong-byte.ts'
import type { FaultPromise } from './promises/promise.ts'

export const PROMISES: readonly FaultPromise[] = [
  noWrongByte,
  kill,
  faultsOfDisk,
  limitsOnDisk,
  lyingOrigins,
  aborts,
  bounds,
  leaks,
]

/** Failures that are printed of each. */
const SHOWN = 5

if (import.meta.main) {
  const wanted = process.argv.slice(2)
  let failed = 0
  for (const { name, promise, rounds, run } of PROMISES) {
    if (wanted.length > 0 && !wanted.some((part) => name.includes(part))) continue
    const begun = performance.now()
    const { rounds: done, failures, counts } = await run(rounds.long)
    const seconds = ((performance.now() - begun) / 1000).toFixed(0)
    const more = Object.entries(counts).map(([what, count]) => `, ${count.toLocaleString('en')} ${what}`)
    console.log(`${name}: ${done} rounds, ${failures.length} failures${more.join('')} (${seconds} s)\n  ${promise}`)
    for (const failure of failures.slice(0, SHOWN)) console.log(`  ${failure}`)
    failed += failures.length
  }
  process.exitCode = failed === 0 ? 0 : 1
}
