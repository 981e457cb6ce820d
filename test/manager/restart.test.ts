/** Still there tomorrow: restarts, kills, damaged snapshots, and cacache's own eyes on the directory. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, readFile, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import cacache from 'cacache'
import { cacheInterceptor, StreamingManager } from '../../src/index.ts'
import { Exchange } from '../../src/interceptor/exchange.ts'
import { startCache } from '../helpers/cache.ts'
import { filesIn, leftovers, temporaryDirectory } from '../helpers/directory.ts'
import { BASE, bodyOf, fill } from '../helpers/filled.ts'
import { startOrigin } from '../helpers/origin.ts'

async function assertWhole(manager: StreamingManager): Promise<void> {
  for (let i = 0; i < 9; i++) assert.equal(await bodyOf(manager, `${BASE}/${i}`), `body ${i}`)
  await manager.runPendingTasks()
  assert.equal(manager.entryCount, 12)
  let variants = 0
  for await (const { key } of manager.entries()) if (key.startsWith(`${BASE}/v#vary=`)) variants++
  assert.equal(variants, 3)
}

test('a new manager on the same directory has everything, and hits at once', async (t) => {
  const origin = await startOrigin(t, (_, response) =>
    response.writeHead(200, { 'cache-control': 'max-age=60' }).end('body'),
  )
  const first = await startCache(t)
  await first.get(`${origin.url}/`)
  await first.manager.close()
  const second = await startCache(t, { directory: first.directory })
  assert.match((await second.get(`${origin.url}/`)).cache, /^hit/)
  assert.equal(origin.requests.length, 1)
})

const snapshots: Record<string, (path: string) => Promise<void>> = {
  whole: async () => {},
  missing: (path) => rm(path),
  empty: (path) => writeFile(path, ''),
  'of another version': (path) => writeFile(path, '{"version":999,"writtenAt":0,"recordBytes":0,"checksum":0}\n'),
  garbage: (path) => writeFile(path, '\0\x01 not a snapshot'),
  'cut off': async (path) => {
    await writeFile(path, (await readFile(path)).subarray(0, 900))
  },
  'a directory': async (path) => {
    await rm(path)
    await mkdir(path)
  },
}

for (const [name, prepare] of Object.entries(snapshots)) {
  test(`with a snapshot that is ${name} everything is found`, async (t) => {
    const directory = await fill()
    await prepare(join(directory, 'snapshot'))
    const manager = await StreamingManager.open(directory)
    t.after(() => manager.close())
    await assertWhole(manager)
  })
}

test('an old snapshot is corrected: what came after it is found, what is gone is forgotten', async (t) => {
  const directory = await fill()
  const old = join(directory, 'old-snapshot')
  await rename(join(directory, 'snapshot'), old)
  const between = await StreamingManager.open(directory)
  await between.put(`${BASE}/new`, { body: 'new' })
  await between.put(`${BASE}/0`, { body: 'changed' })
  await between.delete(`${BASE}/1`)
  await between.close()
  await rename(old, join(directory, 'snapshot'))
  const manager = await StreamingManager.open(directory)
  t.after(() => manager.close())
  await manager.runPendingTasks()
  assert.equal(await bodyOf(manager, `${BASE}/new`), 'new')
  assert.equal(await bodyOf(manager, `${BASE}/0`), 'changed')
  assert.equal(await bodyOf(manager, `${BASE}/1`), undefined)
  assert.equal(manager.entryCount, 12)
})

test('opened with smaller limits, the directory shrinks to them', async (t) => {
  const directory = await fill()
  const manager = await StreamingManager.open(directory, { maxEntries: 4 })
  t.after(() => manager.close())
  await manager.runPendingTasks()
  assert.equal(manager.entryCount, 4)
  assert.equal((await leftovers(directory)).contents, 4)
})

test('what was asked for often is remembered across a restart', async () => {
  const directory = await temporaryDirectory()
  const options = { maxEntries: 100 }
  const origin = `${BASE}/hot`
  const first = await StreamingManager.open(directory, options)
  const ask = async (manager: StreamingManager, url: string) => {
    const dispatch = cacheInterceptor(manager)((_, handler) => {
      handler.onRequestStart?.(new Exchange({}), null)
      handler.onResponseError?.(new Exchange({}), new Error('no origin'))
      return true
    })
    await new Promise<void>((resolve) => {
      const { origin: at, pathname } = new URL(url)
      dispatch(
        { origin: at, path: pathname, method: 'GET' },
        { onResponseEnd: () => resolve(), onResponseError: () => resolve() },
      )
    })
  }
  const fresh = { headers: { 'cache-control': 'max-age=1000' }, body: 'hot' }
  for (let i = 0; i < 20; i++) await first.put(`${origin}/${i}`, fresh)
  for (let round = 0; round < 8; round++) for (let i = 0; i < 20; i++) await ask(first, `${origin}/${i}`)
  await first.close()
  const second = await StreamingManager.open(directory, options)
  for (let i = 0; i < 300; i++) {
    await ask(second, `${BASE}/once/${i}`)
    await second.put(`${BASE}/once/${i}`, fresh)
  }
  let kept = 0
  for await (const { key } of second.entries()) if (key.startsWith(origin)) kept++
  await second.close()
  assert.equal(kept, 20, 'a scan does not push out what was hot before the restart')
})

test('a delete that comes before the index is read again is not undone by it', async (t) => {
  const directory = await fill()
  await rm(join(directory, 'snapshot'))
  const manager = await StreamingManager.open(directory)
  t.after(() => manager.close())
  const deleted = manager.delete(`${BASE}/3`)
  assert.equal(await deleted, true)
  await manager.runPendingTasks()
  assert.equal(await bodyOf(manager, `${BASE}/3`), undefined)
  assert.equal(manager.entryCount, 11)
  assert.equal((await leftovers(directory)).contents, 11)
})

test('clear() before the index is read again clears the disk too', async (t) => {
  const directory = await fill()
  await rm(join(directory, 'snapshot'))
  const manager = await StreamingManager.open(directory)
  t.after(() => manager.close())
  await manager.clear()
  assert.equal(manager.entryCount, 0)
  assert.deepEqual(await leftovers(directory), { buckets: 0, contents: 0, temporary: 0, descriptors: 0 })
})

test('cacache reads the directory: ls and get find every URL, verify finds nothing wrong', async () => {
  const directory = await fill()
  const listed = await cacache.ls(directory)
  assert.equal(Object.keys(listed).length, 10)
  assert.equal(listed[`${BASE}/4`]?.metadata.statusCode, 200)
  assert.equal((await cacache.get(directory, `${BASE}/4`)).data.toString(), 'body 4')
  assert.equal((await cacache.get(directory, `${BASE}/v`)).data.toString(), 'it')
  const found = (await cacache.verify(directory)) as Record<string, number>
  assert.deepEqual([found['badContentCount'], found['missingContent'], found['totalEntries']], [0, 0, 10])
})

test('after cacache.verify the newest variant of each URL is left, with the snapshot and without', async () => {
  const directory = await fill()
  await cacache.verify(directory)
  for (const snapshot of ['kept', 'removed']) {
    if (snapshot === 'removed') await rm(join(directory, 'snapshot'))
    const manager = await StreamingManager.open(directory)
    await manager.runPendingTasks()
    assert.equal(manager.entryCount, 10)
    assert.equal(await bodyOf(manager, `${BASE}/v`), 'it')
    assert.equal(await bodyOf(manager, `${BASE}/0`), 'body 0')
    await manager.close()
  }
})

test('what cacache has put there by itself is left alone and not served', async (t) => {
  const directory = await fill()
  await cacache.put(directory, `${BASE}/foreign`, 'foreign')
  const manager = await StreamingManager.open(directory)
  t.after(() => manager.close())
  await assertWhole(manager)
  assert.equal(await manager.get(`${BASE}/foreign`), undefined)
  assert.equal((await cacache.get(directory, `${BASE}/foreign`)).data.toString(), 'foreign')
})

test('a process that was killed loses nothing that was committed', async (t) => {
  const directory = await temporaryDirectory()
  const script = `
    const { StreamingManager } = await import(${JSON.stringify(new URL('../../src/index.ts', import.meta.url).href)})
    const manager = await StreamingManager.open(process.argv[1])
    for (let i = 0; ; i++) {
      await manager.put('${BASE}/' + i, { body: 'body ' + i })
      // A body that never ends: killed in the middle of it.
      if (i === 20) await manager.put('${BASE}/half', { body: (async function* () { for (;;) yield Buffer.alloc(65536) })() })
      else process.stdout.write(i + '\\n')
    }`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let committed = -1
  for await (const chunk of child.stdout) {
    committed = Number(String(chunk).trim().split('\n').at(-1))
    if (committed === 19) break
  }
  while ((await leftovers(directory)).temporary === 0) await new Promise((resolve) => setImmediate(resolve))
  child.kill('SIGKILL')
  await once(child, 'exit')
  const manager = await StreamingManager.open(directory)
  t.after(() => manager.close())
  for (let i = 0; i <= committed; i++) assert.equal(await bodyOf(manager, `${BASE}/${i}`), `body ${i}`)
  assert.equal(await manager.get(`${BASE}/half`), undefined)
  await manager.runPendingTasks()
  assert.equal((await leftovers(directory)).temporary, 0)
})

test('content that nothing refers to is removed: in company once it is old enough, alone at once', async () => {
  const directory = await fill()
  const [some = ''] = await filesIn(directory, 'content-v2')
  const orphan = join(dirname(some), 'f'.repeat(60))
  // Of another machine, so that nobody can see that it is not alive.
  const neighbour = join(directory, 'procs', `1-00000000-00000000-${Date.now() + 60_000}-0-0`)
  const openAndLook = async () => {
    const manager = await StreamingManager.open(directory)
    await manager.runPendingTasks()
    await manager.close()
    return (await leftovers(directory)).contents
  }
  await writeFile(orphan, 'orphan')
  await writeFile(neighbour, '')
  assert.equal(await openAndLook(), 13, 'the other may be about to commit it')
  const anHourAgo = Date.now() / 1000 - 3600
  await utimes(orphan, anHourAgo, anHourAgo)
  assert.equal(await openAndLook(), 12)
  await writeFile(orphan, 'orphan')
  await rm(neighbour)
  assert.equal(await openAndLook(), 12)
})

test('a planted symbolic link is not followed', async (t) => {
  const directory = await fill()
  const secret = join(await temporaryDirectory(), 'secret')
  await writeFile(secret, 'body 0')
  const manager = await StreamingManager.open(directory)
  t.after(() => manager.close())
  await manager.runPendingTasks()
  for (const file of await filesIn(directory, 'content-v2')) {
    await rm(file)
    await symlink(secret, file)
  }
  assert.equal(await manager.get(`${BASE}/0`), undefined)
})

test('damaged and planted bucket lines are passed over', async (t) => {
  const directory = await fill()
  await rm(join(directory, 'snapshot'))
  const buckets = await filesIn(directory, 'index-v5')
  for (const [i, bucket] of buckets.entries()) {
    if (i % 3 === 0) await writeFile(bucket, '\nnot a line\n\n{"key"', { flag: 'a' })
    if (i % 3 === 1) await writeFile(bucket, Buffer.alloc(200, 0xff))
  }
  const manager = await StreamingManager.open(directory)
  t.after(() => manager.close())
  await manager.runPendingTasks()
  const damaged = buckets.filter((_, i) => i % 3 === 1).length
  assert.ok(manager.entryCount >= 12 - damaged - 2 && manager.entryCount <= 12 - damaged)
  assert.deepEqual(await readdir(join(directory, 'tmp')), [])
})
