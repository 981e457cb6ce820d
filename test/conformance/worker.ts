/**
 * One run of the suite in a thread of its own: the suite keeps its results, and what it did to its tests, in its
 * modules. Says for each test how it went.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import { StreamingManager } from '../../src/index.ts'
import { openClient } from './client.ts'
import { verdictOf, type Job, type Mode, type TestResult } from './scores.ts'
import { isRunFor, listen, loadSuite, type Outcomes, type Suite } from './suite.ts'

/** The suite runs its tests in groups that end together; most of a test's time is its pauses. */
const TESTS_AT_A_TIME = 100

async function run(suite: Suite, groups: Suite['groups'], mode: Mode): Promise<Outcomes> {
  const directory = await mkdtemp(join(tmpdir(), 'usc-conformance-'))
  const manager = await StreamingManager.open(directory)
  const client = openClient(manager, mode)
  const origin = await listen(suite.listener)
  try {
    return await suite.run({
      groups,
      fetch: client.fetch,
      browser: mode === 'private',
      baseUrl: origin.url,
      chunkSize: TESTS_AT_A_TIME,
    })
  } finally {
    await client.close()
    origin.close()
    await manager.close()
    await rm(directory, { recursive: true, force: true })
  }
}

/** The tests asked for, saying what goes over the wire, and silently what they depend on. */
function chosen({ groups }: Suite, ids: readonly string[]): Suite['groups'] {
  if (ids.length === 0) return groups
  const all = new Map(groups.flatMap(({ tests }) => tests).map((test) => [test.id, test]))
  const wanted = new Set(ids)
  for (const id of wanted) for (const dependency of all.get(id)?.depends_on ?? []) wanted.add(dependency)
  for (const id of ids) Object.assign(all.get(id) ?? {}, { dump: true })
  return groups.map((group) => ({ ...group, tests: group.tests.filter(({ id }) => wanted.has(id)) }))
}

/** A test of which nothing was heard is among them: it must not drop out unseen. */
function toResults(suite: Suite, groups: Suite['groups'], outcomes: Outcomes, browser: boolean): TestResult[] {
  return groups
    .flatMap(({ tests }) => tests)
    .filter((test) => isRunFor(test, browser))
    .map(({ id, name, kind = 'required', depends_on: dependsOn = [] }) => {
      const outcome = outcomes[id]
      const message = outcome === true || outcome === undefined ? '' : outcome.join(': ')
      return { id, name, kind, dependsOn, verdict: verdictOf(suite.sign(id, outcomes)), message }
    })
}

const { mode, folder, ids } = workerData as Job
const suite = await loadSuite(folder)
const groups = chosen(suite, ids)
const outcomes = await run(suite, groups, mode)
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- the port of a thread, not a window
parentPort?.postMessage(toResults(suite, groups, outcomes, mode === 'private'))
