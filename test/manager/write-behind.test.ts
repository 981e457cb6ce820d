/** Small responses between their arrival and the disk. */
import assert from 'node:assert/strict'
import promises, { readdir } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { request } from 'undici'
import { StreamingManager } from '../../src/index.ts'
import { sweep } from '../../src/manager/recovery.ts'
import { engineOf } from '../../src/manager/streaming-manager.ts'
import { WriteBehind } from '../../src/manager/write-behind.ts'
import { startCache } from '../helpers/cache.ts'
import { leftovers } from '../helpers/directory.ts'
import { small, startQueue, startSmallOrigin, turn } from '../helpers/write-behind.ts'

test('what waits is written after flushInterval, not before', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { queue, written } = startQueue({ flushInterval: 500 })
  queue.add(small('a'))
  t.mock.timers.tick(250)
  t.mock.timers.tick(249)
  await turn()
  assert.deepEqual(written, [])
  t.mock.timers.tick(1)
  await turn()
  assert.deepEqual(written, ['a'])
})

test('what has come in the last half of flushInterval has its turn with the next', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { queue, written, release } = startQueue({ flushInterval: 1000 })
  const early = small('early')
  queue.add(early)
  queue.add(small('dropped'))
  t.mock.timers.tick(499)
  queue.add(small('with it'))
  t.mock.timers.tick(1)
  queue.add(small('late'))
  queue.drop(small('dropped').record)
  await turn()
  assert.deepEqual(written, [])
  t.mock.timers.tick(500)
  await turn()
  assert.deepEqual(written, ['early', 'with it'])
  t.mock.timers.tick(500)
  for (const done of release) done()
  for (let i = 0; i < 5; i++) await turn()
  assert.deepEqual(written, ['early', 'with it', 'late'])
  t.mock.timers.tick(10_000)
  assert.ok(!queue.has(early.record))
})

test('it is written at once when half of the room is taken, and there is no room beyond the bound', async () => {
  const { queue, written } = startQueue({ maxUnwritten: 4_000 })
  assert.ok(queue.hasRoomFor(3_500))
  assert.ok(!queue.hasRoomFor(3_501))
  queue.add(small('a', 'x'.repeat(1_500)))
  await turn()
  assert.equal(written.length, 0)
  queue.add(small('b', 'y'))
  await turn()
  assert.equal(written.length, 2)
  assert.equal(queue.size, 2_501)
})

test('what is dropped before its turn is not written; what is being written answers until it is', async () => {
  const { queue, written, release } = startQueue()
  const [a, b] = [small('a'), small('b')]
  queue.add(a)
  queue.add(b)
  assert.equal(queue.bodyOf(a.record), a.body)
  assert.ok(queue.drop(b.record))
  assert.ok(!queue.has(b.record))
  assert.equal(queue.bodyOf(b.record), b.body, 'for whoever is about to be given it')
  const flushed = queue.flush()
  await turn()
  assert.deepEqual(written, ['a'])
  assert.equal(queue.bodyOf(a.record), a.body)
  assert.ok(!queue.drop(a.record), 'the disk has to hear of it')
  release[0]?.()
  await flushed
  assert.equal(queue.bodyOf(a.record), undefined)
  assert.equal(queue.size, 0)
})

test('two of one name are written one after the other, the later last', async () => {
  const { queue, written, release } = startQueue()
  queue.add(small('a', 'first'))
  const first = queue.flush()
  await turn()
  queue.add(small('a', 'second'))
  const second = queue.flush()
  await turn()
  assert.deepEqual(written, ['first'])
  release[0]?.()
  await first
  await turn()
  assert.deepEqual(written, ['first', 'second'])
  release[1]?.()
  await second
  assert.equal(queue.size, 0)
})

test('who waits for what is waiting now does not wait for what comes meanwhile', async () => {
  let count = 0
  const queue: WriteBehind = new WriteBehind({ maxUnwritten: 1_000_000, flushInterval: 1_000 }, async () => {
    if (count < 100) queue.add(small(`later ${count++}`))
  })
  queue.add(small('a'))
  await queue.flush()
  assert.equal(count, 1)
  assert.ok(queue.size > 0)
})

test('a body that somebody has written in is not there', () => {
  const { queue } = startQueue()
  const a = small('a')
  queue.add(a)
  a.body[0] = 0
  assert.equal(queue.bodyOf(a.record), undefined)
})

async function filesIn(directory: string): Promise<number> {
  const found = await readdir(join(directory, 'content-v2'), { recursive: true, withFileTypes: true })
  return found.filter((each) => each.isFile()).length
}

test('a small response answers at once, with nothing on disk, and is there after close()', async (t) => {
  const origin = await startSmallOrigin(t)
  const { get, manager, directory } = await startCache(t, { flushInterval: 100_000, maxMemory: 0 })
  for (let i = 0; i < 20; i++) {
    await get(`${origin.url}/${i}`)
    assert.match((await get(`${origin.url}/${i}`)).cache, /^hit/)
  }
  assert.equal(await filesIn(directory), 0)
  await manager.close()
  assert.equal(await filesIn(directory), 20)
  const again = await StreamingManager.open(directory)
  t.after(() => again.close())
  for (let i = 0; i < 20; i++) assert.ok(await again.get(`${origin.url}/${i}`))
})

test('what is evicted, deleted or replaced before its turn never touches the disk', async (t) => {
  const origin = await startSmallOrigin(t)
  const { get, manager, directory } = await startCache(t, { flushInterval: 100_000, maxEntries: 10 })
  for (let i = 0; i < 200; i++) await get(`${origin.url}/${i}`)
  const kept = manager.entryCount
  assert.ok(kept <= 10)
  const { value } = await manager.entries().next()
  await manager.delete(value?.key ?? '')
  assert.equal(await filesIn(directory), 0)
  await manager.runPendingTasks()
  assert.equal(await filesIn(directory), kept - 1)
})

test('a response that is replaced by one with the same bytes before it is written is there, and written', async (t) => {
  const { manager, get } = await startCache(t, { flushInterval: 100_000, interceptor: { collapse: false } })
  const origin = await startSmallOrigin(t)
  const url = `${origin.url}/same`
  await Promise.all([get(url), get(url), get(url)])
  assert.equal(origin.requests.length, 3)
  assert.match((await get(url)).cache, /^hit/)
  await manager.runPendingTasks()
  assert.match((await get(url)).cache, /^hit/)
  assert.equal(manager.stats().faults, 0)
})

test('what would not fit in an empty queue is not stored, and that is counted', async (t) => {
  const origin = await startSmallOrigin(t, 1_000)
  const { get, manager } = await startCache(t, { maxUnwritten: 1_000 })
  assert.equal((await get(`${origin.url}/a`)).body.length, 1_000)
  assert.deepEqual([manager.stats().stores, manager.stats().refusals], [0, 1])
})

test('a consumer that writes in the chunks it was given spoils nothing for the next', async (t) => {
  const origin = await startSmallOrigin(t)
  for (const maxMemory of [0, 1_000_000]) {
    const { get, dispatcher, manager } = await startCache(t, { flushInterval: 100_000, maxMemory })
    const url = `${origin.url}/spoilt`
    const expected = (await get(url)).text
    for (let i = 0; i < 3; i++) {
      const { body } = await request(url, { dispatcher })
      for await (const chunk of body) (chunk as Buffer).fill(0)
      assert.equal((await get(url)).text, expected)
    }
    await manager.runPendingTasks()
    assert.equal((await get(url)).text, expected)
  }
})

test('what is written while the directory is being looked through is not taken for gone', async (t) => {
  const origin = await startSmallOrigin(t)
  const { get, manager } = await startCache(t, { flushInterval: 100_000 })
  await manager.runPendingTasks()
  await get(`${origin.url}/late`)
  const engine = engineOf(manager)
  const { store, unwritten } = engine.holdings
  const buckets = store.buckets.bind(store)
  t.mock.method(store, 'buckets', async function* (...parameters: Parameters<typeof buckets>) {
    yield* buckets(...parameters)
    await unwritten.flush()
  })
  await sweep(engine)
  assert.equal(manager.entryCount, 1)
  assert.equal((await manager.get(`${origin.url}/late`))?.bodySize, (await get(`${origin.url}/late`)).body.length)
  assert.equal(origin.requests.length, 1)
})

test('what is being written when all has to be learned anew is found afterwards', async (t) => {
  const origin = await startSmallOrigin(t)
  const { get, manager, directory } = await startCache(t, { flushInterval: 100_000 })
  await manager.runPendingTasks()
  await get(`${origin.url}/late`)
  const engine = engineOf(manager)
  const [arrived, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const { rename } = promises
  const renames = t.mock.method(promises, 'rename', async (from: string, to: string) => {
    if (to.includes('index-v5')) {
      arrived.resolve()
      await released.promise
    }
    await rename(from, to)
  })
  syncBuiltinESMExports()
  const writing = engine.holdings.unwritten.flush()
  await arrived.promise
  engine.startOver()
  const sweeping = sweep(engine)
  for (let turn = 0; turn < 200; turn++) await nextTurn()
  released.resolve()
  await Promise.all([writing, sweeping])
  renames.mock.restore()
  syncBuiltinESMExports()
  await manager.runPendingTasks()
  assert.equal((await leftovers(directory)).buckets, manager.entryCount)
})
