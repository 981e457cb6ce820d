/**
 * The table: this package beside its peers, row by row. `npm run bench` for all of it, `npm run bench -- NAME …` for some
 * rows; `--list` names them. `--quick`: short rounds over fewer keys, to see that it works. `--only this,synthetic`: these
 * contenders. `--profile NAME`: where this package's time goes in a row.
 */
import { rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { checkCells, verdict, type Check } from './harness/checks.ts'
import { startOrigin } from './harness/origin.ts'
import { printRow } from './harness/print.ts'
import { openContender, runRounds, type Run } from './harness/rounds.ts'
import type { Workload } from './harness/workload.ts'
import { printTable } from './index/table.ts'
import { workloadOf, WORKLOADS } from './workloads/workloads.ts'

const PROFILE_ROUNDS = 4

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    profile: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
  },
})

if (values.list) for (const { name, title } of WORKLOADS) console.log(`${name.padEnd(22)}${title}`)
else await bench(positionals.length === 0 ? WORKLOADS : positionals.map(workloadOf))

async function bench(workloads: readonly Workload[]): Promise<void> {
  const directory = await mkdtemp(join(process.env['BENCH_DIR'] ?? tmpdir(), 'usc-bench-'))
  const origin = await startOrigin()
  const run: Run = { origin, directory, isQuick: values.quick, only: values.only?.split(',') }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      rmSync(directory, { recursive: true, force: true, maxRetries: 10 })
      process.exit(1)
    })
  }
  try {
    console.log(
      `Node ${process.version}, ${cpus()[0]?.model.trim()}, ${availableParallelism()} cores, ${process.platform}`,
    )
    if (values.profile) for (const workload of workloads) await profile(workload, run)
    else await table(workloads, run)
  } finally {
    origin.close()
    await rm(directory, { recursive: true, force: true, maxRetries: 10 })
  }
}

async function table(workloads: readonly Workload[], run: Run): Promise<void> {
  const reached: (readonly [Workload, Check[]])[] = []
  for (const workload of workloads) {
    const begun = performance.now()
    console.log(`\n## ${workload.name}`)
    const { results, absent } = await runRounds(workload, run)
    for (const reason of absent) console.log(`\nNot measured: ${reason}.`)
    reached.push([workload, printRow(workload, results)])
    console.log(`\n${((performance.now() - begun) / 1000).toFixed(0)} s`)
  }
  if (workloads.length > 1) {
    const rows = reached.flatMap(([{ name }, checks]) => checks.map((check) => [name, ...checkCells(check)]))
    printTable('All that is to be reached', ['', '', 'limit', 'measured', ''], rows)
  }
  const short = reached.flatMap(([, checks]) => checks).filter((check) => verdict(check) === 'falls short').length
  console.log(short === 0 ? '\nNothing falls short.' : `\n${short} fall short.`)
}

async function profile(workload: Workload, run: Run): Promise<void> {
  const contender = await openContender(workload, 'this', run)
  try {
    for (const { name, isCold } of workload.modes) {
      if (isCold !== true) await contender.ask({ ask: 'round', mode: name }, 'round')
      const { lines } = await contender.ask({ ask: 'profile', mode: name, rounds: PROFILE_ROUNDS }, 'profile')
      console.log(`\n## ${workload.name}: ${name}\n\n${lines.join('\n')}`)
    }
    await contender.close()
  } finally {
    await contender.end()
  }
}
