/**
 * The public suite of tests for HTTP caches (`http-cache-tests`) against this cache, shared as a proxy and private as a
 * browser: `npm run test:conformance`. Prints scores beside the peers', every required and optimal test that does not
 * pass, and fails when a verdict is not the one that `expectations.json` has.
 *
 * After `--`:
 *   --mode shared|private   one of the two only
 *   --id ID                 only this test and what it depends on, with both sides' messages; may be repeated
 *   --suite FOLDER          a checkout of another release of the suite; nothing is compared then
 *   --update                writes the list anew, keeping the reasons that are known
 */
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { changes, readExpectations, updated, writeExpectations } from './expectations.ts'
import { listing, MODES, notPassed, scoreTable, type Job, type Mode, type TestResult } from './scores.ts'

const { values } = parseArgs({
  options: {
    mode: { type: 'string' },
    id: { type: 'string', multiple: true, default: [] },
    suite: { type: 'string' },
    update: { type: 'boolean', default: false },
  },
})

const startedAt = performance.now()
const modes = MODES.filter((mode) => values.mode === undefined || values.mode === mode)
if (modes.length === 0) throw new Error(`--mode is ${MODES.join(' or ')}, not ${values.mode}`)
const expectations = await readExpectations()
const isCompared = values.suite === undefined && values.id.length === 0

const runs = new Map<Mode, TestResult[]>(
  await Promise.all(
    modes.map(async (mode): Promise<[Mode, TestResult[]]> => [
      mode,
      await runIn({ mode, folder: values.suite, ids: values.id }),
    ]),
  ),
)

let judged = 0
let failed = 0
for (const [mode, results] of runs) {
  const reasons = isCompared ? expectations[mode] : {}
  console.log(`\n${scoreTable(mode, results)}\n\n${listing(results, reasons)}`)
  const different = isCompared && !values.update ? changes(results, reasons) : []
  for (const change of different) console.log(`  CHANGED ${mode}: ${change}`)
  judged += results.filter(({ kind }) => kind !== 'check').length
  failed += isCompared ? different.length : notPassed(results).length
}
if (values.update && isCompared) await writeExpectations(updated(runs, expectations))

const wall = (performance.now() - startedAt) / 1000
if (isCompared)
  console.log('\nRequired and optimal tests of both modes, passed where the verdict is the one in expectations.json:')
console.log(`${wall.toFixed(1)} s`)
console.log(`${Math.max(0, judged - failed)} passed, ${failed} failed`)
// No test at all is no success: a misspelt id, or a suite that has changed its shape.
process.exitCode = failed === 0 && runs.values().every((results) => results.length > 0) ? 0 : 1

async function runIn(job: Job): Promise<TestResult[]> {
  const worker = new Worker(new URL('worker.ts', import.meta.url), { workerData: job })
  return new Promise((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
    worker.once('exit', (code) => reject(new Error(`the run of ${job.mode} ended with ${code} and said nothing`)))
  })
}
