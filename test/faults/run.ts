/**
 * The promises of the package about disks, crashes and peers, in long runs: `npm run test:faults`, or with names after
 * `--` those alone. A line for each, with rounds and failures; fails when any failed.
 */
import { abuse } from './promises/abuse.ts'
import { aborts } from './promises/aborts.ts'
import { bounds } from './promises/bounds.ts'
import { faultsOfDisk } from './promises/faults-of-disk.ts'
import { kill } from './promises/kill.ts'
import { leaks } from './promises/leaks.ts'
import { limitsOnDisk } from './promises/limits-on-disk.ts'
import { lyingOrigins } from './promises/lying-origins.ts'
import { noWrongByte } from './promises/no-wrong-byte.ts'
import type { FaultPromise, Outcome } from './promises/promise.ts'
import { restart } from './promises/restart.ts'
import { secrets } from './promises/secrets.ts'
import { severalProcesses } from './promises/several-processes.ts'

export const PROMISES: readonly FaultPromise[] = [
  noWrongByte,
  kill,
  faultsOfDisk,
  limitsOnDisk,
  severalProcesses,
  bounds,
  restart,
  lyingOrigins,
  aborts,
  abuse,
  secrets,
  leaks,
]

/** Failures that are printed of each. */
const SHOWN = 5

function print(title: string, { rounds, failures, counts }: Outcome, milliseconds: number): void {
  const more = Object.entries(counts).map(([what, count]) => `, ${count.toLocaleString('en')} ${what}`)
  const seconds = (milliseconds / 1000).toFixed(0)
  console.log(`${title}: ${rounds} rounds, ${failures.length} failures${more.join('')} (${seconds} s)`)
  for (const failure of failures.slice(0, SHOWN)) console.log(`  ${failure}`)
}

if (import.meta.main) {
  const wanted = process.argv.slice(2)
  let failed = 0
  for (const { number, name, promise, rounds, run } of PROMISES) {
    if (wanted.length > 0 && !wanted.some((part) => name.includes(part))) continue
    console.log(`${number}. ${promise}`)
    const begun = performance.now()
    const outcome = await run(rounds.long)
    print(`   ${name}`, outcome, performance.now() - begun)
    failed += outcome.failures.length
  }
  process.exitCode = failed === 0 ? 0 : 1
}
