/**
 * Live memory that a stalled response holds, for us and for others (`npm run bench:memory`). The consumer takes the
 * response, reads one chunk and stalls (`half`: a miss that stalls half way); the origin is another process; every figure is measured in a process of its own.
 * The exit code is not 0 when ours are over the limits. `-- streaming` measures only those whose name contains that.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SUBJECTS, type Api, type Subject } from './memory/clients.ts'
import type { Measurement } from './memory/measure.ts'

const SIZES = [
  ['100 KB', 100_000],
  ['1 MB', 1_000_000],
  ['10 MB', 10_000_000],
  ['100 MB', 100_000_000],
] as const

const OURS: Subject = 'undici-streaming-cache'
/** KiB for one stalled response, whatever its size. */
const LIMITS = {
  hit: { 'request()': 256, 'fetch()': 384 },
  miss: { 'request()': 1024, 'fetch()': 1024 },
  half: { 'request()': 1024, 'fetch()': 1024 },
} as const
const STATES = ['hit', 'miss', 'half'] as const

function* rows(): Generator<Pick<Measurement, 'state' | 'subject' | 'api'>> {
  const [only = ''] = process.argv.slice(2)
  for (const state of STATES) {
    for (const subject of SUBJECTS) {
      if (!subject.includes(only) || (state === 'hit' && subject === 'no cache')) continue
      const apis: readonly Api[] = subject === 'make-fetch-happen' ? ['own'] : ['request()', 'fetch()']
      for (const api of apis) yield { state, subject, api }
    }
  }
}

const originProcess = fork(join(import.meta.dirname, 'memory/origin.ts'))
const [origin] = (await once(originProcess, 'message')) as [string]
let isOver = false
console.log('Live memory of one stalled response above idle, KiB (heapUsed + external after forced collections)')
console.log('hit, miss: stalled after one chunk; half: a miss, stalled half way\n')
print(['', '', ...SIZES.map(([name]) => name), 'limit'])
for (const { state, subject, api } of rows()) {
  const figures: number[] = []
  for (const [, size] of SIZES) figures.push(await measured({ subject, api, state, size, origin }))
  const limit = subject === OURS && api !== 'own' ? LIMITS[state][api] : undefined
  const marked = figures.map((figure) => `${figure.toFixed(0)}${limit !== undefined && figure > limit ? ' !' : ''}`)
  if (limit !== undefined && figures.some((figure) => figure > limit)) isOver = true
  print([state, `${subject}${api === 'own' ? '' : `, ${api}`}`, ...marked, limit === undefined ? '' : String(limit)])
}
originProcess.disconnect()
if (isOver) {
  console.error('\nOver the limit where marked with !')
  process.exitCode = 1
}

/** KiB per response. */
async function measured(what: Omit<Measurement, 'directory' | 'responses'>): Promise<number> {
  const directory = await mkdtemp(join(tmpdir(), 'usc-bench-'))
  // Some hold every byte of every response.
  const responses = what.size > 50_000_000 ? 8 : 16
  const argument = JSON.stringify({ ...what, directory, responses })
  // Code that V8 lets go of meanwhile would be counted; and others warn of their experiments and listeners.
  const child = fork(join(import.meta.dirname, 'memory/measure.ts'), [argument], {
    execArgv: ['--expose-gc', '--no-flush-bytecode', '--no-warnings'],
  })
  let held: number | undefined
  child.on('message', (message) => (held = message as number))
  await once(child, 'exit')
  await rm(directory, { recursive: true, force: true })
  if (held === undefined) throw new Error(`No figure for ${JSON.stringify(what)}`)
  return held / 1024
}

function print(cells: readonly string[]): void {
  const [state = '', name = '', ...figures] = cells
  console.log(`${state.padEnd(6)}${name.padEnd(36)}${figures.map((figure) => figure.padStart(9)).join('')}`.trimEnd())
}
