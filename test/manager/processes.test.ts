/** Several processes on one directory: two managers in one process are as strange to each other as two processes. */
import assert from 'node:assert/strict'
import fs from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { syncBuiltinESMExports } from 'node:module'
import { text } from 'node:stream/consumers'
import { test, type TestContext } from 'node:test'
import { startCache, type TestCache } from '../helpers/cache.ts'
import { filesIn, temporaryDirectory } from '../helpers/directory.ts'
import { SMALL_BODY } from '../../src/manager/memory-tier.ts'
import { startOrigin } from '../helpers/origin.ts'
import {
  FRESH,
  NOTHING,
  onDisk,
  settle,
  startCaches,
  startProcess,
  type CacheProcess,
  type Result,
} from '../helpers/processes.ts'

async function startOther(t: TestContext, directory: string, options = {}): Promise<CacheProcess> {
  const other = await startProcess(directory, options)
  t.after(() => other.kill())
  return other
}

/** An origin whose bodies say how often they were asked for. */
async function startCounter(t: TestContext, headers: Record<string, string> = FRESH) {
  let count = 0
  return await startOrigin(t, (_, response) => response.writeHead(200, headers).end(`body ${++count}`))
}

test('what one stores is a hit in another on its next miss, also where it was missed before', async (t) => {
  const origin = await startCounter(t)
  const [a, b] = (await startCaches(t, 2)) as [TestCache, TestCache]
  await a.get(`${origin.url}/x`, { headers: { 'cache-control': 'no-store' } })
  assert.equal(await b.manager.get(`${origin.url}/x`), undefined)
  assert.match((await a.get(`${origin.url}/x`)).cache, /^fwd=uri-miss/)
  await a.manager.runPendingTasks()
  assert.match((await b.get(`${origin.url}/x`)).cache, /^hit/)
  const other = await startOther(t, a.directory)
  assert.match((await other.ask({ do: 'get', url: `${origin.url}/x` })).cache, /^hit/)
  await other.ask({ do: 'get', url: `${origin.url}/y` })
  await other.ask({ do: 'settle' })
  for (const { get } of [a, b]) assert.match((await get(`${origin.url}/y`)).cache, /^hit/)
})

test('a variant that another stores is found beside those that are known, and what it replaces is forgotten', async (t) => {
  const origin = await startOrigin(t, (request, response) =>
    response.writeHead(200, { ...FRESH, vary: 'x-v' }).end(String(request.headers['x-v'])),
  )
  const caches = (await startCaches(t, 2)) as [TestCache, TestCache]
  const [a, b] = caches
  const url = `${origin.url}/`
  await a.get(url, { headers: { 'x-v': '1' } })
  await settle(caches)
  await b.get(url, { headers: { 'x-v': '2' } })
  await settle(caches)
  for (const { get } of caches)
    for (const v of ['1', '2']) assert.match((await get(url, { headers: { 'x-v': v } })).cache, /^hit/)
  await b.manager.put('https://example.com/', { headers: FRESH, body: 'old' })
  await a.manager.get('https://example.com/').then((found) => found?.body.destroy())
  await b.manager.put('https://example.com/', { headers: FRESH, body: 'new' })
  await settle(caches)
  for (const { manager } of caches) {
    const found = await manager.get('https://example.com/')
    assert.equal(found && (await text(found.body)), 'new')
  }
  assert.deepEqual(await onDisk(a.directory), { buckets: 2, contents: 3, temporary: 0 })
})

for (const leads of [true, false]) {
  const who = leads ? 'the leader' : 'a follower'
  test(`what ${who} invalidates is gone everywhere`, async (t) => {
    const origin = await startCounter(t)
    const caches = await startCaches(t, 3)
    const actor = caches[leads ? 0 : 2] as TestCache
    const url = `${origin.url}/`
    const acts: [string, () => Promise<unknown>][] = [
      ['POST', () => actor.get(url, { method: 'POST' })],
      ['delete', () => actor.manager.delete(url)],
      ['clear', () => actor.manager.clear()],
    ]
    for (const [name, act] of acts) {
      for (const { get } of caches) await get(url)
      const before = (await (caches[1] as TestCache).get(url)).text
      await act()
      await settle(caches)
      assert.deepEqual(await onDisk(actor.directory), NOTHING, name)
      for (const { get } of caches) assert.notEqual((await get(url)).text, before, name)
    }
  })

  test(`what is being stored elsewhere when ${who} invalidates it is not stored`, async (t) => {
    const held: ServerResponse[] = []
    // Larger than what waits in memory, so that the disk shows that it has come.
    const old = 'old'.padEnd(SMALL_BODY + 1)
    const origin = await startOrigin(t, (_, response) => {
      response.writeHead(200, { ...FRESH, 'content-length': old.length + 5 })
      response.write(old)
      held.push(response)
    })
    const caches = (await startCaches(t, 2)) as [TestCache, TestCache]
    // Who came last may not have been seen yet.
    await settle(caches)
    const [actor, other] = leads ? caches : (caches.toReversed() as [TestCache, TestCache])
    for (const act of ['delete', 'clear'] as const) {
      const answer = other.get(`${origin.url}/`)
      while (held.length === 0)
        await new Promise((resolve) => origin.server.once('request', () => setImmediate(resolve)))
      while ((await onDisk(other.directory)).temporary === 0) await new Promise((resolve) => setImmediate(resolve))
      await actor.manager[act](`${origin.url}/`)
      held.pop()?.end('stale')
      assert.equal((await answer).text, `${old}stale`)
      await other.manager.runPendingTasks()
      assert.deepEqual(await onDisk(other.directory), NOTHING, act)
    }
  })
}

test('a group that a follower invalidates goes everywhere, also what only others know', async (t) => {
  const origin = await startOrigin(t, (request, response) => {
    const isPost = request.method === 'POST'
    response.writeHead(200, isPost ? { 'cache-group-invalidation': '"g"' } : { ...FRESH, 'cache-groups': '"g"' })
    response.end(request.url)
  })
  const caches = (await startCaches(t, 3)) as [TestCache, TestCache, TestCache]
  const [, b, c] = caches
  await b.get(`${origin.url}/1`)
  await b.get(`${origin.url}/2`)
  await settle(caches)
  assert.deepEqual(await onDisk(b.directory), { buckets: 2, contents: 2, temporary: 0 })
  await c.get(`${origin.url}/other`, { method: 'POST' })
  await settle(caches)
  assert.deepEqual(await onDisk(b.directory), NOTHING)
  for (const { get } of caches) assert.match((await get(`${origin.url}/1`)).cache, /^fwd=uri-miss/)
})

test('an invalidation in another process takes effect within a second', async (t) => {
  const origin = await startCounter(t)
  const { get, directory } = await startCache(t)
  const others = await Promise.all([startOther(t, directory), startOther(t, directory)])
  const [first, second] = others
  const url = `${origin.url}/`
  for (const command of [{ do: 'post', url }, { do: 'delete', url }, { do: 'clear' }] as const) {
    const { text: before } = await get(url)
    for (const other of others) await other.ask({ do: 'get', url })
    await first.ask(command)
    const at = performance.now()
    const isOld = async () => {
      const answers: Pick<Result, 'text'>[] = [await get(url), await second.ask({ do: 'get', url })]
      return answers.some((answer) => answer.text === before)
    }
    while (await isOld()) assert.ok(performance.now() - at < 1000, command.do)
  }
})

test('the limits are those of the directory, kept by the leader; what a follower lets go of stays', async (t) => {
  const caches = await startCaches(t, 3, { maxEntries: 10 })
  const { directory, manager } = caches[0] as TestCache
  for (let i = 0; i < 60; i++) {
    await caches[i % 3]?.manager.put(`https://example.com/${i}`, { headers: FRESH, body: `body ${i}` })
    if (i % 10 === 9) await settle(caches)
  }
  await settle(caches)
  assert.equal(manager.entryCount, 10)
  assert.deepEqual(await onDisk(directory), { buckets: 10, contents: 10, temporary: 0 })
  await manager.resize({ maxEntries: 20 })
  const small = await startCache(t, { directory, maxEntries: 2 })
  let stored = 0
  for (let i = 0; i < 6; i++) {
    if (await small.manager.put(`https://example.com/more/${i}`, { body: `more ${i}` })) stored++
    await settle([...caches, small])
  }
  assert.ok(stored >= 2)
  await settle([...caches, small])
  assert.ok(small.manager.entryCount <= 2)
  assert.equal((await onDisk(directory)).buckets, 10 + stored)
  const listed: string[] = []
  for await (const { key } of small.manager.entries()) listed.push(key)
  assert.equal(new Set(listed).size, 10 + stored)
})

test('maxSize is kept for all', async (t) => {
  const caches = await startCaches(t, 3, { maxSize: 600_000 })
  for (let i = 0; i < 60; i++) {
    await caches[i % 3]?.manager.put(`https://example.com/${i}`, { body: Buffer.alloc(10_000, `#${i};`) })
  }
  await settle(caches)
  const { directory, manager } = caches[0] as TestCache
  const { buckets, contents } = await onDisk(directory)
  assert.equal(buckets, manager.entryCount)
  assert.equal(contents, buckets)
  assert.ok(manager.size <= 600_000 && buckets <= 16 && buckets > 8)
})

test('a follower stores only so much before the leader has heard of it', async (t) => {
  const caches = (await startCaches(t, 2, { maxEntries: 100, maxSize: 2_000_000 })) as [TestCache, TestCache]
  const [leader, follower] = caches
  await settle(caches)
  const polls = t.mock.method(fs, 'readdir', async () => Promise.reject(new Error('slow')))
  syncBuiltinESMExports()
  let stored = 0
  for (let i = 0; i < 10; i++) {
    const body = Buffer.alloc(40_000, `#${i};`)
    if (await follower.manager.put(`https://example.com/${i}`, { headers: FRESH, body })) stored++
  }
  polls.mock.restore()
  syncBuiltinESMExports()
  assert.equal(stored, 2)
  await settle(caches)
  assert.equal(leader.manager.entryCount, 2)
  assert.equal(await follower.manager.put('https://example.com/', { headers: FRESH, body: 'x' }), true)
})

test('a body that records of two processes need stays until both are gone', async (t) => {
  const caches = (await startCaches(t, 3)) as [TestCache, TestCache, TestCache]
  const [leader, b, c] = caches
  await b.manager.put('https://example.com/b', { headers: FRESH, body: 'same' })
  await c.manager.put('https://example.com/c', { headers: FRESH, body: 'same' })
  await b.manager.delete('https://example.com/b')
  await settle(caches)
  assert.deepEqual(await onDisk(leader.directory), { buckets: 1, contents: 1, temporary: 0 })
  for (const { manager } of caches) {
    const found = await manager.get('https://example.com/c')
    assert.equal(found && (await text(found.body)), 'same')
  }
  await leader.manager.delete('https://example.com/c')
  await settle(caches)
  assert.deepEqual(await onDisk(leader.directory), NOTHING)
})

test('a leader that is killed is replaced: its files go, its entries stay, the limits hold', async (t) => {
  const held: ServerResponse[] = []
  const origin = await startOrigin(t, (request, response) => {
    response.writeHead(200, FRESH)
    if (request.url === '/held') held.push(response)
    // What is small is not written before it is whole.
    response.write(request.url === '/held' ? Buffer.alloc(100_000) : `body of ${request.url}`)
    if (request.url !== '/held') response.end()
  })
  const directory = await temporaryDirectory()
  const leader = await startOther(t, directory, { maxEntries: 20 })
  for (let i = 0; i < 20; i++) await leader.ask({ do: 'get', url: `${origin.url}/${i}` })
  await leader.ask({ do: 'settle' })
  const cache = await startCache(t, { directory, maxEntries: 10 })
  const killed = assert.rejects(leader.ask({ do: 'get', url: `${origin.url}/held` }), /killed/)
  while ((await onDisk(directory)).temporary === 0) await new Promise((resolve) => setImmediate(resolve))
  assert.equal((await onDisk(directory)).buckets, 20)
  await leader.kill()
  await killed
  await settle([cache])
  assert.deepEqual(await onDisk(directory), { buckets: 10, contents: 10, temporary: 0 })
  assert.equal(cache.manager.entryCount, 10)
  assert.equal(cache.manager.stats().faults, 0)
  await cache.manager.close()
  assert.deepEqual(await filesIn(directory, 'procs'), [])
})

test('a leader that closes is replaced, and the last to close leaves nothing of it behind', async (t) => {
  const [a, b] = (await startCaches(t, 2, { maxEntries: 3 })) as [TestCache, TestCache]
  for (let i = 0; i < 3; i++) await b.manager.put(`https://example.com/${i}`, { body: `${i}` })
  await b.manager.delete('https://example.com/0')
  await a.manager.close()
  await b.manager.runPendingTasks()
  for (let i = 0; i < 9; i++) await b.manager.put(`https://example.com/more/${i}`, { body: `more ${i}` })
  await b.manager.runPendingTasks()
  assert.equal(b.manager.entryCount, 3)
  assert.deepEqual(await onDisk(b.directory), { buckets: 3, contents: 3, temporary: 0 })
  await b.manager.close()
  assert.deepEqual(await filesIn(a.directory, 'procs'), [])
})

test('what is noted last before a close is heard', async (t) => {
  const [a, b] = (await startCaches(t, 2)) as [TestCache, TestCache]
  await a.manager.put('https://example.com/', { headers: FRESH, body: 'x' })
  await b.manager.delete('https://example.com/')
  await b.manager.close()
  await a.manager.runPendingTasks()
  assert.equal(await a.manager.get('https://example.com/'), undefined)
})

test('what others leave to a leader that closes right after them is done', async (t) => {
  const caches = (await startCaches(t, 2)) as [TestCache, TestCache]
  const [a, b] = caches
  await settle(caches)
  for (let i = 0; i < 5; i++) await b.manager.put(`https://example.com/${i}`, { body: `${i}` })
  for (let i = 0; i < 3; i++) await b.manager.delete(`https://example.com/${i}`)
  await b.manager.close()
  await a.manager.close()
  assert.deepEqual(await onDisk(a.directory), { buckets: 2, contents: 2, temporary: 0 })
  assert.deepEqual(await filesIn(a.directory, 'procs'), [])
  const next = await startCache(t, { directory: a.directory })
  await next.manager.runPendingTasks()
  assert.equal(next.manager.entryCount, 2)
})
