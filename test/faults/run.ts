/**
 * The promises of the package about disks, crashes and peers, in long runs: `npm run test:faults`, or with names after
 * `--` those alone, and with `--rounds N` fewer or more. A line for each, with rounds and failures; fails when any failed.
 * With `--peers` the same kinds of trial for undici's SQLite store and make-fetch-happen beside ours: see peers/trials.ts.
 */
import { parseArgs } from 'node:util'
import { PEERS } from './peers/peers.ts'
import { TRIALS } from './peers/trials.ts'
import { abuse } from './promises/abuse.ts'
import { aborts } from './promises/aborts.ts'
import { bounds } from './promises/bounds.ts'
import { faultsOfDisk } from './promises/faults-of-disk.ts'
import { kill } from './promises/kill.ts'
import { leaks } from './promises/leaks.ts'
import { limitsOnDisk } from './promises/limits-on-disk.ts'
import { lyingOrigins } from './promises/lying-origins.ts'
import { noWrongByte } from './promises/no-wrong-byte.ts'
import { powerLoss } from './promises/power-loss.ts'
import type { FaultPromise, Outcome } from './promises/promise.ts'
import { restart } from './promises/restart.ts'
import { secrets } from './promises/secrets.ts'
import { severalProcesses } from './promises/several-processes.ts'

export const PROMISES: readonly FaultPromise[] = [
  noWrongByte,
  kill,
  powerLoss,
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
  for (const failure of [...new Set(failures)].slice(0, SHOWN)) console.log(`  ${failure}`)
}

if (import.meta.main) {
  const { values, positionals: wanted } = parseArgs({
    options: { peers: { type: 'boolean', default: false }, rounds: { type: 'string' } },
    allowPositionals: true,
  })
  let failed = 0
  for (const { number, name, promise, rounds, run } of PROMISES) {
    if (wanted.length > 0 && !wanted.some((part) => name.includes(part))) continue
    if (values.peers) continue
    console.log(`${number}. ${promise}`)
    const begun = performance.now()
    const outcome = await run(Number(values.rounds ?? rounds.long))
    print(`   ${name}`, outcome, performance.now() - begun)
    failed += outcome.failures.length
  }
  for (const { name, what, rounds, run } of values.peers ? TRIALS : []) {
    if (wanted.length > 0 && !wanted.some((part) => name.includes(part))) continue
    console.log(`${name}: ${what}`)
    for (const peer of PEERS) {
      const begun = performance.now()
      print(`   ${peer.name}`, await run(peer, Number(values.rounds ?? rounds)), performance.now() - begun)
    }
  }
  process.exitCode = failed === 0 ? 0 : 1
}
