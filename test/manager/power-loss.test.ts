/** After the machine was started again: what was written last is verified before anybody asks, and only that. */
import assert from 'node:assert/strict'
import fs, { promises } from 'node:fs'
import { mkdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { dirname, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import cacache from 'cacache'
import { bootedAt } from '../../src/content-store/boot.ts'
import { StreamingManager, type ManagerOptions } from '../../src/index.ts'
import { WRITE_BACK_MS } from '../../src/manager/verification.ts'
import { startCache } from '../helpers/cache.ts'
import { filesIn, leftovers, temporaryDirectory } from '../helpers/directory.ts'
import { startOrigin } from '../helpers/origin.ts'

const BASE = 'https://example.com'

/** Bodies by URL path, each written so many milliseconds before the machine's start; nothing notes that start. */
async function fill(ages: Readonly<Record<string, number>>, bodies: Readonly<Record<string, string>> = {}) {
  const directory = await temporaryDirectory()
  const manager = await StreamingManager.open(directory)
  const files = new Map<string, string>()
  const start = bootedAt()
  for (const [path, age] of Object.entries(ages)) {
    await manager.put(`${BASE}/${path}`, { body: bodies[path] ?? path.repeat(1000) })
    for await (const { key, sha256 } of manager.entries()) {
      if (key !== `${BASE}/${path}`) continue
      const file = join(directory, 'content-v2/sha256', sha256.slice(0, 2), sha256.slice(2, 4), sha256.slice(4))
      files.set(path, file)
      await utimes(file, (start - age) / 1000, (start - age) / 1000)
    }
  }
  await manager.close()
  await rm(join(directory, 'boot'), { force: true })
  return { directory, files }
}

/** Right length, wrong bytes, same time. */
async function zero(file: string | undefined): Promise<void> {
  const { size, mtimeMs } = await stat(file ?? '')
  await writeFile(file ?? '', Buffer.alloc(size))
  await utimes(file ?? '', mtimeMs / 1000, mtimeMs / 1000)
}

/** What is left after the background pass. */
async function reopened(t: TestContext, directory: string, options?: ManagerOptions) {
  const manager = await StreamingManager.open(directory, options)
  t.after(() => manager.close())
  await manager.runPendingTasks()
  const keys: string[] = []
  for await (const { key } of manager.entries()) keys.push(key.slice(BASE.length + 1))
  return { manager, keys: keys.toSorted().join(' '), contents: (await leftovers(directory)).contents }
}

test('after a start of the machine damage in what was written last is found, once', async (t) => {
  const minute = 60_000
  const last = 5 * minute
  const { directory, files } = await fill({
    fine: last,
    last,
    edge: last + WRITE_BACK_MS - 100,
    early: last + WRITE_BACK_MS + 100,
    // However long the machine has been running.
    future: bootedAt() - Date.now() - 24 * 60 * minute,
  })
  for (const path of ['last', 'edge', 'early', 'future']) await zero(files.get(path))
  const first = await reopened(t, directory)
  assert.deepEqual([first.keys, first.contents, first.manager.stats().faults], ['early fine', 2, 3])
  await first.manager.close()
  await zero(files.get('fine'))
  const again = await reopened(t, directory)
  assert.equal(again.keys, 'early fine', 'the same run of the machine')
  assert.equal(await again.manager.get(`${BASE}/fine`), undefined, 'a hit finds it')
})

test('what this run of the machine has written is not read again', async (t) => {
  const { directory, files } = await fill({ before: 1000, after: -10 })
  for (const file of files.values()) await zero(file)
  assert.equal((await reopened(t, directory)).keys, 'after')
})

test('bodies of another length are found, however old, and those that are missing, with all that need them', async (t) => {
  const day = 86_400_000
  const { directory, files } = await fill(
    { a: 0, b: 0, c: 0, d: day, e: 0, f: day },
    { a: 'same', b: 'same', c: 'else', d: 'else' },
  )
  await rm(files.get('a') ?? '')
  for (const path of ['d', 'f']) {
    await truncate(files.get(path) ?? '', 3)
    await utimes(files.get(path) ?? '', 1, 1)
  }
  const { keys, contents } = await reopened(t, directory)
  assert.deepEqual([keys, contents], ['e', 1])
})

test('buckets in which nothing is whole go, those of others stay', async (t) => {
  const { directory } = await fill({ a: 0 })
  await cacache.put(directory, 'foreign', 'foreign')
  const rubbish = join(directory, 'index-v5', 'ab', 'cd', 'e'.repeat(60))
  await mkdir(dirname(rubbish), { recursive: true })
  await writeFile(rubbish, Buffer.alloc(500))
  await (await reopened(t, directory)).manager.close()
  assert.equal((await filesIn(directory, 'index-v5')).length, 2)
  await assert.rejects(readFile(rubbish))
})

test('temporary files of an earlier run of the machine go, whoever has the pid of their writer now', async (t) => {
  const { directory } = await fill({ a: 0 })
  const file = join(directory, 'tmp', `${process.ppid}-aaaaaaaa-0-bbbbbbbb`)
  await writeFile(file, 'half')
  await (await reopened(t, directory)).manager.close()
  assert.equal((await leftovers(directory)).temporary, 0)
  await writeFile(file, 'half')
  await (await reopened(t, directory)).manager.close()
  assert.equal((await leftovers(directory)).temporary, 1)
})

test('a bucket that is older than what the snapshot says of it is believed', async (t) => {
  const { directory } = await fill({ a: 0 })
  const [bucket = ''] = await filesIn(directory, 'index-v5')
  const before = await readFile(bucket)
  const manager = await StreamingManager.open(directory)
  // Who knows the whole directory removes what is replaced at once.
  await manager.runPendingTasks()
  await manager.put(`${BASE}/a`, { body: 'newer' })
  await manager.close()
  await rm(join(directory, 'boot'), { force: true })
  await writeFile(bucket, before)
  await utimes(bucket, 1, 1)
  const { keys, contents } = await reopened(t, directory)
  assert.deepEqual([keys, contents], ['', 0], 'its body is gone')
})

test('without a descriptor nothing is verified, nor is it said to be', async (t) => {
  const { directory, files } = await fill({ a: 1000 })
  await zero(files.get('a'))
  const opens = t.mock.method(fs, 'openSync', () => {
    throw Object.assign(new Error('too many open files'), { code: 'EMFILE' })
  })
  syncBuiltinESMExports()
  const { keys, manager } = await reopened(t, directory, { maxOpenDelay: 0 })
  assert.ok(opens.mock.callCount() > 0)
  opens.mock.restore()
  syncBuiltinESMExports()
  assert.equal(keys, 'a')
  await manager.close()
  assert.equal((await reopened(t, directory)).keys, '')
})

test('what is fetched again before the snapshot is taken in is written, though the snapshot has the same', async (t) => {
  const origin = await startOrigin(t, (_, response) => {
    response.writeHead(200, { 'cache-control': 'max-age=60', 'content-length': 4 }).end('same')
  })
  const before = await startCache(t)
  const { directory } = before
  await before.get(origin.url)
  await before.manager.close()
  const [bucket = ''] = await filesIn(directory, 'index-v5')
  await truncate(bucket)
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  const { open } = promises
  const opens = t.mock.method(promises, 'open', async (...parameters: Parameters<typeof open>) => {
    if (String(parameters[0]).endsWith('snapshot')) await released
    return await open(...parameters)
  })
  syncBuiltinESMExports()
  const { manager, get } = await startCache(t, { directory })
  assert.match((await get(origin.url)).cache, /^fwd=uri-miss/, 'neither the snapshot nor the bucket is known yet')
  opens.mock.restore()
  syncBuiltinESMExports()
  release()
  await manager.runPendingTasks()
  assert.match((await get(origin.url)).cache, /^hit/)
  assert.match(await readFile(bucket, 'utf8'), /max-age=60/)
})
