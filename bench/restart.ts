/**
 * Restart at size: a directory of 100,000 responses of 1 KB, opened in a new process, with the snapshot and without, beside
 * SqliteCacheStore with the same; and what an entry takes in memory.
 * `npm run build && npm run bench:restart`; `-- 10000` for another number. Filling takes a minute or more.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cacheStores } from 'undici'
import { StreamingManager } from 'undici-streaming-cache'
import { printTable } from './index/table.ts'
import { entryOf, peerEntryOf, type Start, type Who } from './restart/entries.ts'

const ROUNDS = 3
const AT_A_TIME = 32

async function fillOurs(directory: string, count: number): Promise<void> {
  const manager = await StreamingManager.open(directory, { maxEntries: count, maxSize: 2 ** 34, snapshotInterval: 0 })
  let next = 0
  const put = async (): Promise<void> => {
    for (let n = next++; n < count; n = next++) {
      const { url, headers, body } = entryOf(n)
      await manager.put(url, { headers, body })
    }
  }
  await Promise.all(Array.from({ length: AT_A_TIME }, put))
  await manager.runPendingTasks()
  if (manager.entryCount !== count) throw new Error(`Expected ${count} entries, got ${manager.entryCount}`)
  await manager.close()
}

async function fillSqlite(directory: string, count: number): Promise<void> {
  const store = new cacheStores.SqliteCacheStore({ location: join(directory, 'cache.sqlite') })
  for (let n = 0; n < count; n++) {
    const { key, value, body } = peerEntryOf(n)
    store.createWriteStream(key, value)?.end(body)
    if (n % 64 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  await new Promise((resolve) => setImmediate(resolve))
  store.close()
}

/** Of what resident memory is beyond the entries, most is room for new objects that V8 has made: this sets it a limit. */
const SMALL_NURSERY = '--max-semi-space-size=16'

async function start(who: Who, directory: string, count: number, ...flags: string[]): Promise<Partial<Start>> {
  const child = fork(join(import.meta.dirname, 'restart/worker.ts'), [who, directory, String(count)], {
    execArgv: ['--expose-gc', '--no-warnings', ...flags],
  })
  let told: Partial<Start> | undefined
  child.on('message', (message) => {
    told = message as Partial<Start>
    child.disconnect()
  })
  await once(child, 'exit')
  if (told === undefined) throw new Error(`No figures for ${who}`)
  return told
}

function cell(starts: readonly Partial<Start>[], column: keyof Start): string {
  const values = starts.map((each) => each[column]).filter((value) => value !== undefined)
  return values.toSorted((a, b) => a - b)[values.length >> 1]?.toFixed(column === 'firstHit' ? 1 : 0) ?? ''
}

async function bench(count: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'usc-restart-'))
  const [ours, sqlite] = [join(folder, 'ours'), folder]
  try {
    await fillOurs(ours, count)
    await fillSqlite(sqlite, count)
    const starts = { snapshot: [], nursery: [], bare: [], sqlite: [], memory: [] } as Record<string, Partial<Start>[]>
    // In turns, so that what else the machine does meets all alike.
    for (let round = 0; round < ROUNDS; round++) {
      starts['snapshot']?.push(await start('undici-streaming-cache', ours, count))
      starts['nursery']?.push(await start('undici-streaming-cache', ours, count, SMALL_NURSERY))
      starts['sqlite']?.push(await start('SqliteCacheStore', sqlite, count))
      await rm(join(ours, 'snapshot'))
      starts['bare']?.push(await start('undici-streaming-cache', ours, count))
    }
    starts['memory']?.push(await start('MemoryCacheStore', folder, count))
    const columns = [
      'open',
      'firstHit',
      'known',
      'compared',
      'longest',
      'atOnce',
      'resident',
      'settled',
      'entry',
    ] as const
    const names = {
      snapshot: 'undici-streaming-cache',
      nursery: `the same, ${SMALL_NURSERY}`,
      bare: 'the same, snapshot deleted',
      sqlite: 'SqliteCacheStore',
      memory: 'MemoryCacheStore, filled',
    }
    printTable(
      `Restart with ${count.toLocaleString('en')} entries of 1 KB, medians of ${ROUNDS}`,
      [
        '',
        'open, ms',
        'first hit, ms',
        'all known, ms',
        'compared, ms',
        'longest turn, ms CPU',
        'resident when known, MB',
        'compared, MB',
        'collected, MB',
        'B an entry',
      ],
      Object.entries(names).map(([row, name]) => [name, ...columns.map((column) => cell(starts[row] ?? [], column))]),
    )
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

await bench(Number(process.argv[2] ?? 100_000))
