/** How tests went, counted as the suite counts them, and what the peers score. */
import type { Kind } from './suite.ts'

export const MODES = ['shared', 'private'] as const
export type Mode = (typeof MODES)[number]

export interface Job {
  readonly mode: Mode
  /** A checkout of another release of the suite. */
  readonly folder: string | undefined
  /** Only these tests; none means all. */
  readonly ids: readonly string[]
}

export type Verdict = 'pass' | 'fail' | 'setup' | 'dependency' | 'retry' | 'harness'

export interface TestResult {
  readonly id: string
  readonly name: string
  readonly kind: Kind
  readonly dependsOn: readonly string[]
  readonly verdict: Verdict
  /** What went wrong, as the suite says it. */
  readonly message: string
}

/** The suite's signs. Checks say yes or no, which counts for what depends on them. */
const SIGNS: Readonly<Record<string, Verdict>> = {
  '✅': 'pass',
  Y: 'pass',
  '⛔️': 'fail',
  '⚠️': 'fail',
  N: 'fail',
  '🔹': 'setup',
  '⚪️': 'dependency',
  '↻': 'retry',
}

export function verdictOf(sign: string): Verdict {
  return SIGNS[sign] ?? 'harness'
}

export interface Score {
  readonly passed: number
  readonly of: number
}

export function scoreOf(results: readonly TestResult[], kind: Kind): Score {
  const ofKind = results.filter((result) => result.kind === kind)
  return { passed: ofKind.filter(({ verdict }) => verdict === 'pass').length, of: ofKind.length }
}

/** Required and optimal tests that do not pass. A check has no right answer. */
export function notPassed(results: readonly TestResult[]): TestResult[] {
  return results.filter(({ kind, verdict }) => kind !== 'check' && verdict !== 'pass')
}

interface Peers {
  /** Tests that the newer suite has for this sort of cache, those for CDNs aside. */
  readonly required: number
  readonly optimal: number
  readonly scores: readonly (readonly [name: string, required: number, optimal: number])[]
}

/** By the suite's git HEAD of July 2026, taken on 2026-11-22; the release on npm has other tests in places. */
const PEERS: Readonly<Record<Mode, Peers>> = {
  shared: {
    required: 150,
    optimal: 98,
    scores: [
      ['Apache Traffic Server 9.2', 132, 70],
      ['Apache httpd 2.4', 131, 68],
      ['undici 8.12 and 7.30', 126, 68],
      ['Squid 6', 122, 59],
      ['Varnish 7.7', 119, 45],
      ['got (cacheable-request)', 116, 60],
      ['nginx 1.28', 99, 59],
      ['make-fetch-happen 16', 61, 36],
    ],
  },
  private: {
    required: 137,
    optimal: 77,
    scores: [
      ['undici 8 and 7', 118, 57],
      ['Chrome 143', 117, 56],
      ['Safari 26', 108, 47],
      ['Firefox 146', 106, 40],
    ],
  },
}

const TITLES: Readonly<Record<Mode, string>> = {
  shared: 'shared cache, proxy mode',
  private: 'private cache, browser mode',
}

/** One line for the score and a table with the peers' below it. */
export function scoreTable(mode: Mode, results: readonly TestResult[]): string {
  const required = scoreOf(results, 'required')
  const optimal = scoreOf(results, 'optimal')
  const checks = scoreOf(results, 'check')
  const peers = PEERS[mode]
  const rows = [
    ['undici-streaming-cache', `${required.passed} of ${required.of}`, `${optimal.passed} of ${optimal.of}`],
    ...peers.scores.map(([name, passed, best]) => [
      name,
      `${passed} of ${peers.required}`,
      `${best} of ${peers.optimal}`,
    ]),
  ]
  return [
    `${TITLES[mode]}: required ${required.passed} of ${required.of}, optimal ${optimal.passed} of ${optimal.of}`,
    `  (checks: ${checks.passed} yes of ${checks.of}; peers by the suite's git HEAD of July 2026)`,
    '',
    ...[['', 'required', 'optimal'], ...rows].map(
      ([name = '', passed = '', best = '']) => `  ${name.padEnd(28)}${passed.padStart(12)}${best.padStart(12)}`,
    ),
  ].join('\n')
}

/** Each test that does not pass, what the suite says of it, and the reason on the list. */
export function listing(results: readonly TestResult[], reasons: Readonly<Record<string, string>>): string {
  const missed = new Set(results.filter(({ verdict }) => verdict !== 'pass').map(({ id }) => id))
  const lines = notPassed(results).map(({ id, kind, verdict, message, dependsOn }) => {
    const why = verdict === 'dependency' ? `after ${dependsOn.filter((id) => missed.has(id)).join(', ')}` : message
    const reason = Object.hasOwn(reasons, id) ? `\n${' '.repeat(23)}listed: ${reasons[id]}` : ''
    return `  ${kind.padEnd(10)}${verdict.padEnd(11)}${id}\n${' '.repeat(23)}${why}${reason}`
  })
  return lines.length === 0 ? '  every required and optimal test passes' : lines.join('\n')
}
