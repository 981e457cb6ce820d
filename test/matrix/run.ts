/**
 * The compatibility matrix in one command: every supported line of Node × every supported line of npm undici, and Node's
 * own fetch without any. Each cell runs `checks.ts` on that Node against the built package in `dist`, as a user has it,
 * and `fetches.ts`: what examples/which-fetch.md claims.
 *
 *   npm run test:matrix                  all of it
 *   npm run test:matrix -- 26 undici7    the cells whose names contain every word
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { findNode } from './nodes.ts'
import type { Outcome } from './harness.ts'

const NODES = ['22.23.3', '24.21.0', '26.10.0']

/** Ways for the cache to come before npm undici and before Node's own fetch, each in a process of its own. */
const CELLS = [
  { name: 'undici7 7.30.2', modes: ['undici7 agent', 'undici7 composed', 'undici7 installed', 'undici7 fetches'] },
  { name: 'undici 8.12.4', modes: ['undici agent', 'undici composed', 'undici installed', 'undici fetches'] },
  { name: 'no npm undici', modes: ['none installed', 'none fetches'] },
]

/** A process that has not ended by itself by then hangs. In milliseconds. */
const PROCESS_LIMIT = 120_000

const checks = join(import.meta.dirname, 'checks.ts')
const fetches = join(import.meta.dirname, 'fetches.ts')

if (!existsSync(join(import.meta.dirname, '../../dist/index.js'))) {
  console.error('There is no dist: run `npm run build` first.')
  process.exit(1)
}

const words = process.argv.slice(2)
let passed = 0
let failed = 0
let skipped = 0

for (const version of NODES) {
  const cells = CELLS.filter(({ name }) => words.every((word) => `Node ${version} × ${name}`.includes(word)))
  if (cells.length === 0) continue
  const node = findNode(version)
  for (const { name, modes } of cells) {
    const title = `Node ${version} × ${name}`
    if ('missing' in node) {
      skipped++
      console.log(`${title}: SKIPPED, ${node.missing}`)
      continue
    }
    const outcomes: Outcome[] = []
    for (const mode of modes) outcomes.push(...(await runMode(node.path, mode)))
    const failures = outcomes.filter(({ error }) => error !== undefined)
    passed += outcomes.length - failures.length
    failed += failures.length
    console.log(`${title}: ${outcomes.length - failures.length} passed, ${failures.length} failed`)
    for (const failure of failures) console.log(`  ✖ ${failure.name}\n${indent(failure.error ?? '')}`)
  }
}

if (skipped > 0) console.log(`${skipped} cells skipped`)
console.log(`${passed} passed, ${failed} failed`)
// Where nobody looks, a cell that was not tried must not pass for one that works.
if (failed > 0 || passed === 0 || (skipped > 0 && process.env['CI'])) process.exitCode = 1

/** One process of checks. That it ends by itself, with nothing left open, is a check as well. */
async function runMode(node: string, mode: string): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  const noise: string[] = []
  // Type stripping is announced as experimental on Node 22.
  const [which = '', way = ''] = mode.split(' ')
  const script = way === 'fetches' ? [fetches, which] : [checks, which, way]
  const child = spawn(node, ['--disable-warning=ExperimentalWarning', ...script], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: withoutProxy(process.env),
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => noise.push(text))
  const limit = setTimeout(() => child.kill('SIGKILL'), PROCESS_LIMIT)
  const ended = new Promise<string | undefined>((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('close', (code, signal) => resolve(code === 0 ? undefined : `ended with ${signal ?? `code ${code}`}`))
  })
  for await (const line of createInterface({ input: child.stdout })) outcomes.push(JSON.parse(line) as Outcome)
  const trouble = await ended
  clearTimeout(limit)
  const error =
    trouble === undefined && noise.length === 0 ? undefined : [trouble ?? 'wrote to stderr', ...noise].join('\n')
  return [
    ...outcomes.map((outcome) => Object.assign(outcome, { name: `${mode}: ${outcome.name}` })),
    { name: `${mode}: the process ends by itself, without a warning`, ...(error !== undefined && { error }) },
  ]
}

/** The origins are on loopback: a proxy of the machine has nothing to do with them. */
function withoutProxy(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(environment).filter(([name]) => !/^(?:node_use_env_|(?:https?|all|no)_)proxy$/i.test(name)),
  )
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, '      ')
}
