/**
 * Restart at size: a directory of 100,000 responses of 1 KB, opened in a new process, with the snapshot and without.
 * `npm run bench:restart`; `-- 10000` for another number. Filling takes a minute or two.
 */
import { spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { StreamingManager } from '../src/index.ts'
import { printTable } from './index/table.ts'

const ROUNDS = 3
const AT_A_TIME = 32
const BODY = Buffer.alloc(1024, 'body')

interface Start {
  readonly openMs: number
  readonly firstHitMs: number
  readonly wholeMs: number
  readonly residentMb: number
}

function keyOf(n: number): string {
  return `https://example.com/articles/${String(n).padStart(8, '0')}`
}

async function fill(directory: string, count: number): Promise<void> {
  const manager = await StreamingManager.open(directory, { maxEntries: count, maxSize: 2 ** 34, snapshotInterval: 0 })
  let next = 0
  const put = async (): Promise<void> => {
    for (let n = next++; n < count; n = next++) {
      await manager.put(keyOf(n), { headers: { 'cache-control': 'max-age=86400', etag: `"${n}"` }, body: BODY })
    }
  }
  await Promise.all(Array.from({ length: AT_A_TIME }, put))
  if (manager.entryCount !== count) throw new Error(`Expected ${count} entries, got ${manager.entryCount}`)
  await manager.close()
}

function start(directory: string, count: number): Start {
  const worker = fileURLToPath(new URL('restart/worker.ts', import.meta.url))
  const { stdout, stderr } = spawnSync(process.execPath, ['--expose-gc', worker, directory, String(count)], {
    encoding: 'utf8',
  })
  if (stdout === '') throw new Error(stderr)
  return JSON.parse(stdout) as Start
}

function median(values: readonly number[]): string {
  return (values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN).toFixed(0)
}

async function bench(count: number): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'usc-restart-'))
  try {
    await fill(directory, count)
    const rows: string[][] = []
    for (const name of ['with the snapshot', 'without']) {
      const starts: Start[] = []
      for (let round = 0; round < ROUNDS; round++) {
        if (name === 'without') await rm(join(directory, 'snapshot'), { force: true })
        starts.push(start(directory, count))
      }
      const columns = ['openMs', 'firstHitMs', 'wholeMs', 'residentMb'] as const
      rows.push([name, ...columns.map((column) => median(starts.map((each) => each[column])))])
    }
    printTable(
      `Restart with ${count.toLocaleString('en')} entries of 1 KB, medians of ${ROUNDS}`,
      ['', 'open, ms', 'first hit, ms', 'all known, ms', 'resident beside an empty cache, MB'],
      rows,
    )
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

await bench(Number(process.argv[2] ?? 100_000))
