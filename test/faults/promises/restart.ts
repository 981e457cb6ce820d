/** A start with many entries, in a process of its own, with the snapshot and without: bench/restart.ts has more of it. */
import { spawnSync } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { StreamingManager } from '../../../src/index.ts'
import { temporaryDirectory } from '../../helpers/directory.ts'
import type { FaultPromise, Outcome } from './promise.ts'

const WORKER = fileURLToPath(new URL('../restart-worker.ts', import.meta.url))
const BODY_BYTES = 1024
const AT_A_TIME = 32
/** What is promised for so many entries, in milliseconds from before `open`, and in megabytes. */
const PROMISED_ENTRIES = 100_000
const FIRST_HIT_MS = 150
const WHOLE_MS = 2000
const RESIDENT_MB = 200

interface Start {
  readonly firstHitMs: number
  readonly wholeMs: number
  readonly residentMb: number
}

interface Entry {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

export function entryOf(n: number): Entry {
  const headers = { 'cache-control': 'max-age=86400', etag: `"${n}"` }
  const url = `https://example.com/articles/${String(n).padStart(8, '0')}`
  return { url, headers, body: Buffer.alloc(BODY_BYTES, `${n};`) }
}

async function run(entries: number): Promise<Outcome> {
  const directory = await temporaryDirectory()
  const manager = await StreamingManager.open(directory, { maxEntries: entries, maxSize: 2 ** 34 })
  let next = 0
  const put = async (): Promise<void> => {
    for (let n = next++; n < entries; n = next++) {
      const { url, ...response } = entryOf(n)
      await manager.put(url, response)
    }
  }
  await Promise.all(Array.from({ length: AT_A_TIME }, put))
  await manager.close()
  const failures: string[] = []
  const snapshot = start(directory, entries, failures)
  await rm(join(directory, 'snapshot'))
  const none = start(directory, entries, failures)
  if (entries >= PROMISED_ENTRIES) {
    const { firstHitMs = 0, wholeMs = 0, residentMb = 0 } = snapshot ?? {}
    if (firstHitMs > FIRST_HIT_MS) failures.push(`first hit after ${firstHitMs.toFixed(0)} ms`)
    if (wholeMs > WHOLE_MS) failures.push(`all known after ${wholeMs.toFixed(0)} ms`)
    if (residentMb > RESIDENT_MB) failures.push(`${residentMb.toFixed(0)} MB resident`)
    if ((none?.firstHitMs ?? 0) > FIRST_HIT_MS) failures.push('first hit without the snapshot is late')
  }
  return {
    rounds: entries,
    failures,
    counts: {
      'ms to the first hit': Math.round(snapshot?.firstHitMs ?? 0),
      'ms until all is known': Math.round(snapshot?.wholeMs ?? 0),
      'MB resident': Math.round(snapshot?.residentMb ?? 0),
      'ms to the first hit without the snapshot': Math.round(none?.firstHitMs ?? 0),
    },
  }
}

/** The worker throws when its first hit is not whole, or not all entries are found. */
function start(directory: string, entries: number, failures: string[]): Start | undefined {
  const { stdout, stderr } = spawnSync(process.execPath, ['--expose-gc', WORKER, directory, String(entries)], {
    encoding: 'utf8',
  })
  if (stdout !== '') return JSON.parse(stdout) as Start
  failures.push(stderr)
  return undefined
}

export const restart: FaultPromise = {
  number: 7,
  name: 'restart',
  promise: 'so many entries, a new process: the first hit at once, all known soon, with the snapshot deleted, too',
  rounds: { long: 100_000, short: 500 },
  run,
}
