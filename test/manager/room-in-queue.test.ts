/** Small responses for which there is no room where they would wait for the disk: they are held until there is. */
import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { test, type TestContext } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { request } from 'undici'
import type { RefusalEvent, StreamingManager } from '../../src/index.ts'
import { engineOf } from '../../src/manager/streaming-manager.ts'
import { startCache } from '../helpers/cache.ts'
import { startOrigin } from '../helpers/origin.ts'
import { small, startQueue, startSmallOrigin, turn } from '../helpers/write-behind.ts'

test('who finds no room is called when there is, first come first, and its room is kept until it leaves', async () => {
  const { queue, release } = startQueue({ maxUnwritten: 4_000 })
  const called: string[] = []
  const come = (name: string) => () => void called.push(name)
  const [first, second, gone] = [come('first'), come('second'), come('gone')]
  for (const name of ['a', 'b', 'c', 'd']) queue.add(small(name, 'x'.repeat(500)))
  assert.ok(queue.mayCome(3_501, () => assert.fail('it would never fit')))
  for (const each of [first, gone, second]) assert.ok(!queue.mayCome(500, each))
  assert.deepEqual([queue.leave(gone), queue.leave(gone)], [true, false])
  await turn()
  release[0]?.()
  await turn()
  assert.deepEqual(called, ['first'])
  assert.ok(!queue.hasRoomFor(0), 'it is kept')
  assert.ok(!queue.leave(first), 'it waits no more')
  assert.ok(queue.hasRoomFor(500))
  queue.add(small('first', 'x'.repeat(500)))
  await turn()
  assert.deepEqual(called, ['first'])
  release[1]?.()
  await turn()
  assert.deepEqual(called, ['first', 'second'])
  queue.leave(second)
  assert.equal(queue.size, 3_000)
})

test('room that is not taken goes to the next, and what is dropped makes some', async () => {
  const { queue } = startQueue({ maxUnwritten: 4_000 })
  for (const name of ['a', 'b', 'c', 'd']) queue.add(small(name, 'x'.repeat(500)))
  const called: string[] = []
  const first = () => void called.push('first')
  queue.mayCome(500, first)
  queue.mayCome(500, () => void called.push('second'))
  queue.drop(small('d', 'x'.repeat(500)).record)
  assert.deepEqual(called, ['first'])
  queue.leave(first)
  await turn()
  assert.deepEqual(called, ['first', 'second'])
})

test('when somebody has waited in vain, nobody waits until something has been written', async () => {
  const { queue, release } = startQueue({ maxUnwritten: 4_000 })
  for (const name of ['a', 'b', 'c', 'd']) queue.add(small(name, 'x'.repeat(500)))
  await turn()
  const gone = () => {}
  assert.ok(!queue.mayCome(500, gone))
  queue.leave(gone)
  assert.ok(queue.mayCome(500, gone))
  assert.ok(!queue.hasRoomFor(500), 'it is not stored')
  release[0]?.()
  await turn()
  assert.ok(!queue.mayCome(2_000, gone))
  assert.ok(!queue.mayCome(2_100, gone), 'it has grown, and still waits')
})

test('what comes while the queue is being written is written next, if it is too much', async () => {
  const { queue, written, release } = startQueue({ maxUnwritten: 4_000, flushInterval: 2 ** 30 })
  for (const name of ['a', 'b', 'c']) queue.add(small(name, 'x'.repeat(500)))
  await turn()
  for (const name of ['d', 'e']) queue.add(small(name, 'x'.repeat(501)))
  for (let n = 0; n < 5; n++) {
    release[n]?.()
    await turn()
  }
  assert.equal(written.length, 5)
})

test('when too much waits, the newest are held until there is room, and all are stored', async (t) => {
  const origin = await startSmallOrigin(t, 1_000)
  const { get, manager } = await startCache(t, { maxUnwritten: 5_000 })
  await Promise.all(Array.from({ length: 50 }, (_, n) => get(`${origin.url}/${n}`)))
  assert.deepEqual([manager.stats().stores, manager.stats().refusals], [50, 0])
  await manager.runPendingTasks()
  assert.equal(manager.entryCount, 50)
})

test('when there is no room for maxStoreDelay, the response goes on and is not stored, and an event says so', async (t) => {
  const origin = await startSmallOrigin(t, 1_000)
  const { get, manager } = await startCache(t, { maxUnwritten: 1_600, maxStoreDelay: 10 })
  const { written } = holdWrites(t, manager)
  const refused = reasonsOf(t)
  await get(`${origin.url}/first`)
  assert.equal((await get(`${origin.url}/second`)).body.length, 1_000)
  assert.deepEqual([manager.stats().stores, refused], [1, ['slow-disk']])
  written.resolve()
  await manager.runPendingTasks()
  await get(`${origin.url}/third`)
  assert.equal(manager.stats().stores, 2)
})

test('a caller that leaves while its response is held leaves nothing behind', async (t) => {
  const origin = await startSmallOrigin(t, 1_000)
  const { get, manager, dispatcher } = await startCache(t, { maxUnwritten: 1_600 })
  const { written } = holdWrites(t, manager)
  const refused = reasonsOf(t)
  await get(`${origin.url}/first`)
  const { body } = await request(`${origin.url}/second`, { dispatcher })
  body.destroy()
  await once(body, 'error')
  written.resolve()
  await manager.runPendingTasks()
  assert.deepEqual([refused, manager.entryCount], [['aborted'], 1])
  await get(`${origin.url}/second`)
  assert.equal(manager.entryCount, 2)
})

test('room that was kept for what turns out to be large is for others', async (t) => {
  const large = Promise.withResolvers<ServerResponse>()
  const origin = await startOrigin(t, ({ url }, response) => {
    response.writeHead(200, { 'cache-control': 'max-age=100' }).write(Buffer.alloc(40_000))
    if (url === '/large') large.resolve(response)
    else response.end()
  })
  const { get, manager, dispatcher } = await startCache(t, { maxUnwritten: 70_000 })
  const { written } = holdWrites(t, manager)
  await get(`${origin.url}/small`)
  const { body } = await request(`${origin.url}/large`, { dispatcher })
  const whole = Promise.withResolvers<void>()
  let received = 0
  body.on('data', (chunk: Buffer) => {
    received += chunk.length
    if (received === 80_000) whole.resolve()
  })
  await once(body, 'data')
  written.resolve()
  await manager.runPendingTasks()
  const response = await large.promise
  response.write(Buffer.alloc(40_000))
  await whole.promise
  const { unwritten } = engineOf(manager).holdings
  assert.ok(unwritten.hasRoomFor(69_000))
  response.end()
  await once(body, 'end')
})

test('closing ends a put that waits for room', async (t) => {
  const { manager } = await startCache(t, { maxUnwritten: 1_600 })
  const { written } = holdWrites(t, manager)
  const first = manager.put('https://example.com/first', { body: Buffer.alloc(1_000) })
  const second = manager.put('https://example.com/second', { body: Buffer.alloc(1_000) })
  await nextTurn()
  const closed = manager.close()
  await nextTurn()
  written.resolve()
  assert.deepEqual(await Promise.all([first, second]), [true, false])
  await closed
})

/** Why responses were not stored, as long as the test runs. */
function reasonsOf(t: TestContext): string[] {
  const reasons: string[] = []
  const note = (event: unknown) => void reasons.push((event as RefusalEvent).reason)
  subscribe('undici-streaming-cache:refuse', note)
  t.after(() => unsubscribe('undici-streaming-cache:refuse', note))
  return reasons
}

/** The disk takes no small body until `written` is resolved. */
function holdWrites(t: TestContext, manager: StreamingManager) {
  const { store } = engineOf(manager).holdings
  const writeSmall = store.writeSmall.bind(store)
  const written = Promise.withResolvers<void>()
  t.mock.method(store, 'writeSmall', async (...given: Parameters<typeof writeSmall>) => {
    await written.promise
    await writeSmall(...given)
  })
  return { written }
}
