/**
 * The list of what is not passed and why: `expectations.json`, by mode and test. A test that is on it and passes is as
 * much a change as one that is not on it and does not.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { MODES, notPassed, type Mode, type TestResult } from './scores.ts'

export type Reasons = Readonly<Record<string, string>>
export type Expectations = Readonly<Record<Mode, Reasons>>

const FILE = new URL('expectations.json', import.meta.url)

/** What `--update` writes for a test that nobody has given a reason for. */
const UNKNOWN = 'not yet'

export async function readExpectations(): Promise<Expectations> {
  return JSON.parse(await readFile(FILE, 'utf8')) as Expectations
}

export async function writeExpectations(expectations: Expectations): Promise<void> {
  await writeFile(FILE, `${JSON.stringify(expectations, undefined, 2)}\n`)
}

/** Ids whose verdict is not the one on the list, each with what changed. */
export function changes(results: readonly TestResult[], reasons: Reasons): string[] {
  const missed = new Set(notPassed(results).map(({ id }) => id))
  const known = new Set(results.map(({ id }) => id))
  return [
    ...[...missed].filter((id) => !Object.hasOwn(reasons, id)).map((id) => `${id} no longer passes`),
    ...Object.keys(reasons)
      .filter((id) => !missed.has(id))
      .map((id) => `${id} ${known.has(id) ? 'passes now' : 'is not a test of this mode'}`),
  ]
}

/** The list as it is today, with the reasons that are known. */
export function updated(runs: ReadonlyMap<Mode, readonly TestResult[]>, expectations: Expectations): Expectations {
  const modes = MODES.map((mode) => {
    const results = runs.get(mode)
    const reasons = expectations[mode]
    if (results === undefined) return [mode, reasons]
    const ids = notPassed(results).map(({ id }) => id)
    return [mode, Object.fromEntries(ids.map((id) => [id, reasons[id] ?? UNKNOWN]))]
  })
  return Object.fromEntries(modes) as Expectations
}
