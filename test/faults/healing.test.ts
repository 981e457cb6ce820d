/** What a fault of the disk has kept from being done is done when the fault has gone. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { startCache, type TestCache, type TestCacheOptions } from '../helpers/cache.ts'
import { leftovers } from '../helpers/directory.ts'
import { FailingDisk, FAULTS } from './failing-disk.ts'

const URL_OF = (name: string): string => `https://example.com/${name}`

async function start(t: TestContext, options: TestCacheOptions = {}): Promise<TestCache & { disk: FailingDisk }> {
  const cache = await startCache(t, options)
  const disk = new FailingDisk(cache.directory)
  t.after(() => disk.restore())
  return { ...cache, disk }
}

test('what was made void while the disk was read-only goes later, and is not there after a restart', async (t) => {
  const { manager, directory, disk } = await start(t)
  await manager.put(URL_OF('void'), { body: 'void' })
  await manager.runPendingTasks()
  disk.fault = FAULTS['read-only']
  await manager.delete(URL_OF('void'))
  assert.equal((await leftovers(directory)).buckets, 1)
  disk.fault = undefined
  await manager.put(URL_OF('next'), { body: 'next' })
  await manager.runPendingTasks()
  assert.deepEqual(await leftovers(directory), { buckets: 1, contents: 1, temporary: 0, descriptors: 0 })
  await manager.close()
  const { manager: again } = await startCache(t, { directory })
  assert.equal(await again.get(URL_OF('void')), undefined)
})

test('a temporary file that would not go is removed with the next one', async (t) => {
  const { manager, directory, disk } = await start(t)
  disk.fault = { code: 'EIO', operations: ['write', 'remove'] }
  await manager.put(URL_OF('a'), { body: Buffer.alloc(100_000, 'a') })
  await manager.runPendingTasks()
  assert.equal(manager.entryCount, 0)
  assert.equal((await leftovers(directory)).temporary, 1)
  disk.fault = undefined
  await manager.put(URL_OF('b'), { body: 'b' })
  await manager.runPendingTasks()
  assert.equal((await leftovers(directory)).temporary, 0)
})

test('a start without descriptors forgets nothing, and looks around again when it has some', async (t) => {
  const { manager, directory } = await startCache(t)
  for (const name of ['a', 'b', 'c']) await manager.put(URL_OF(name), { body: name })
  await manager.close()
  const disk = new FailingDisk(directory)
  t.after(() => disk.restore())
  disk.fault = { code: 'EMFILE', operations: ['list'] }
  const opened = startCache(t, { directory })
  // The folder of members can be listed, the others cannot.
  disk.except = 'procs'
  const { manager: next } = await opened
  await next.runPendingTasks()
  assert.equal(next.entryCount, 3)
  assert.equal(next.stats().faults, 1)
  disk.fault = undefined
  await next.put(URL_OF('d'), { body: 'd' })
  await next.runPendingTasks()
  assert.equal(next.entryCount, 4)
  assert.deepEqual(await leftovers(directory), { buckets: 4, contents: 4, temporary: 0, descriptors: 0 })
})
