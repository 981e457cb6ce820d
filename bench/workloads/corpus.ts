/** 100,000 stored responses of 1 KB, each of its own, that lie on disk for as long as the run lasts: several rows ask for them. */
import { mkdir, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { finished } from 'node:stream/promises'
import { StreamingManager } from 'undici-streaming-cache'
import { drive } from '../harness/drive.ts'
import type { Context } from '../harness/workload.ts'
import type { Limits } from '../peers/peer.ts'
import { openSqliteStore } from '../peers/undici.ts'
import { bareFile, BODY_BYTES, corpusBody, corpusUrl } from './corpus-content.ts'
import { DAY_SECONDS, ordinaryHeaders } from './headers.ts'

const COUNT = 100_000
const QUICK_COUNT = 3_000
const DAY_MS = DAY_SECONDS * 1000
/** Rows between which the event loop of the filling process has a turn. */
const AT_A_TIME = 32

export function corpusLimits(count: number): Limits {
  return { maxEntries: count, maxSize: 2 ** 34 }
}

/** Fills it where this run has not done so yet. */
export async function fillCorpus({ peer, origin, sharedDirectory, isQuick }: Context): Promise<{
  directory: string
  count: number
}> {
  const count = isQuick ? QUICK_COUNT : COUNT
  const directory = join(sharedDirectory, `corpus-${peer}`)
  const mark = join(sharedDirectory, `corpus-${peer}.filled`)
  const isFilled = await stat(mark).then(
    () => true,
    () => false,
  )
  if (isFilled) return { directory, count }
  await mkdir(directory, { recursive: true })
  if (peer === 'this') await fillOurs(directory, origin, count)
  else if (peer === 'SqliteCacheStore') await fillSqlite(directory, origin, count)
  else if (peer === 'bare read') await fillFiles(directory, origin, count)
  else throw new Error(`Nobody fills the directory of ${peer}`)
  await writeFile(mark, '')
  return { directory, count }
}

async function fillOurs(directory: string, origin: string, count: number): Promise<void> {
  const manager = await StreamingManager.open(directory, corpusLimits(count))
  await drive({ inFlight: AT_A_TIME, operations: count }, async (n) => {
    const url = corpusUrl(origin, n)
    await manager.put(url, { headers: ordinaryHeaders(n, BODY_BYTES), body: corpusBody(url) })
  })
  await manager.runPendingTasks()
  if (manager.entryCount !== count) throw new Error(`Expected ${count} entries, got ${manager.entryCount}`)
  await manager.close()
}

async function fillSqlite(directory: string, origin: string, count: number): Promise<void> {
  const store = openSqliteStore(directory)
  const now = Date.now()
  const times = { cachedAt: now, staleAt: now + DAY_MS, deleteAt: now + 2 * DAY_MS }
  await drive({ inFlight: 1, operations: count }, async (n) => {
    const url = corpusUrl(origin, n)
    const key = { origin, method: 'GET', path: url.slice(origin.length), headers: {} }
    const head = {
      statusCode: 200,
      statusMessage: 'OK',
      headers: ordinaryHeaders(n, BODY_BYTES),
      cacheControlDirectives: { public: true as const, 'max-age': DAY_SECONDS },
    }
    const written = store.createWriteStream(key, { ...head, ...times })?.end(corpusBody(url))
    if (written !== undefined) await finished(written)
  })
  store.close()
}

async function fillFiles(directory: string, origin: string, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    const path = bareFile(directory, n)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, corpusBody(corpusUrl(origin, n)))
  }
}
