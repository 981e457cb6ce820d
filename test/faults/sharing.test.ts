/** What may stand in the way of sharing a directory. */
import assert from 'node:assert/strict'
import synchronous from 'node:fs'
import fs from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { DirectoryError, StreamingManager } from '../../src/index.ts'
import { startCache, type TestCache } from '../helpers/cache.ts'
import { filesIn, temporaryDirectory } from '../helpers/directory.ts'
import { startOrigin } from '../helpers/origin.ts'
import { FRESH, NOTHING, onDisk, settle, startCaches } from '../helpers/processes.ts'
import { exportMocks } from '../helpers/mocks.ts'

test('alone, a miss does not look at the disk; with company it does', async (t) => {
  const origin = await startOrigin(t, (_, response) => response.writeHead(200, { 'cache-control': 'no-store' }).end())
  const alone = await startCache(t)
  await alone.manager.runPendingTasks()
  const reads = [t.mock.method(fs, 'readFile'), t.mock.method(synchronous, 'readFileSync')]
  // Node reads modules the same way.
  const count = () =>
    reads
      .flatMap(({ mock }) => mock.calls.map((call) => JSON.stringify(call.arguments[0])))
      .filter((path) => path.includes('index-v5')).length
  syncBuiltinESMExports()
  t.after(() => {
    for (const { mock } of reads) mock.restore()
    syncBuiltinESMExports()
  })
  await alone.get(`${origin.url}/`)
  assert.equal(count(), 0)
  assert.deepEqual(
    (await Promise.all((await filesIn(alone.directory, 'procs')).map((file) => fs.stat(file)))).map(({ size }) => size),
    [0],
  )
  await startCache(t, { directory: alone.directory })
  await alone.manager.runPendingTasks()
  const before = count()
  await alone.get(`${origin.url}/`)
  assert.equal(count(), before + 1)
})

test('several that make one directory at the same moment all have it', async (t) => {
  const directory = join(await temporaryDirectory(), 'new')
  const { lstat, stat } = fs
  // Each folder that is not there when it is looked for is made by another process right after that.
  const made: string[] = []
  for (const [name, look] of Object.entries({ lstat, stat })) {
    const late = async (path: string): Promise<unknown> => {
      try {
        return await look(path)
      } catch (error) {
        await fs.mkdir(path, { recursive: true, mode: 0o700 })
        made.push(path)
        throw error
      }
    }
    t.mock.method(fs, name as 'lstat', late as typeof lstat)
  }
  exportMocks(t)
  const cache = await startCache(t, { directory })
  assert.equal(made.includes(join(directory, 'tmp')), true)
  await cache.manager.put('https://example.com/', { body: 'x' })
})

test('on a network file system one process alone may have the directory', async (t) => {
  const statfs = t.mock.method(fs, 'statfs', async () => ({ type: 0x6969 }))
  syncBuiltinESMExports()
  t.after(() => {
    statfs.mock.restore()
    syncBuiltinESMExports()
  })
  const { manager, directory } = await startCache(t)
  await assert.rejects(StreamingManager.open(directory), (error) => {
    assert.ok(error instanceof DirectoryError)
    assert.match(error.message, new RegExp(`process ${process.pid} has it open, and on a file system of type NFS`))
    return true
  })
  assert.equal((await filesIn(directory, 'procs')).length, 1)
  await manager.close()
  const next = await startCache(t, { directory })
  await next.manager.put('https://example.com/', { body: 'x' })
})

test('planted journals harm nobody', async (t) => {
  const directory = await temporaryDirectory()
  const secret = join(await temporaryDirectory(), 'secret')
  await fs.writeFile(secret, 'secret')
  await fs.mkdir(join(directory, 'procs'), { mode: 0o700 })
  const name = (n: number) => join(directory, 'procs', `${process.ppid}-aaaaaaaa-bbbbbbbb-1-0-${n}`)
  await fs.writeFile(
    name(1),
    '{"note":"stored","key":1}\nnull\n[]\n{"note":"erased","key":"x","bodies":["../../etc"]}\ntorn',
  )
  await fs.symlink(secret, name(2))
  await fs.mkdir(join(directory, 'procs', 'folder'))
  const { manager } = await startCache(t, { directory })
  await manager.put('https://example.com/', { headers: FRESH, body: 'x' })
  await manager.runPendingTasks()
  const found = await manager.get('https://example.com/')
  assert.equal(found && (await text(found.body)), 'x')
  assert.equal(await fs.readFile(secret, 'utf8'), 'secret')
})

test('a note that the disk does not take is written again', async (t) => {
  const caches = (await startCaches(t, 2)) as [TestCache, TestCache]
  const [a, b] = caches
  await settle(caches)
  await a.manager.put('https://example.com/', { headers: FRESH, body: 'x' })
  await settle(caches)
  const opens = t.mock.method(fs, 'open', async () => Promise.reject(new Error('no descriptors left')))
  syncBuiltinESMExports()
  await b.manager.delete('https://example.com/')
  opens.mock.restore()
  syncBuiltinESMExports()
  assert.ok(b.manager.stats().faults > 0)
  await settle(caches)
  assert.equal(await a.manager.get('https://example.com/'), undefined)
})

test('who finds its own registration removed starts over, and is heard again', async (t) => {
  const caches = (await startCaches(t, 2)) as [TestCache, TestCache]
  const [a, b] = caches
  await b.manager.put('https://example.com/', { headers: FRESH, body: 'x' })
  await settle(caches)
  for (const file of await filesIn(a.directory, 'procs')) await fs.rm(file)
  await settle(caches)
  assert.equal((await filesIn(a.directory, 'procs')).length, 2)
  await a.manager.get('https://example.com/').then((found) => found?.body.destroy())
  await b.manager.delete('https://example.com/')
  await settle(caches)
  assert.equal(await a.manager.get('https://example.com/'), undefined)
  assert.deepEqual(await onDisk(a.directory), NOTHING)
})
