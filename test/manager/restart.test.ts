/** Still there tomorrow: restarts, kills, damaged snapshots, and cacache's own eyes on the directory. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { mock, test } from 'node:test'
import { crc32 } from 'node:zlib'
import cacache from 'cacache'
import { cacheInterceptor, StreamingManager } from '../../src/index.ts'
import { Exchange } from '../../src/interceptor/exchange.ts'
import type { CacheEngine } from '../../src/manager/cache-engine.ts'
import { engineOf } from '../../src/manager/streaming-manager.ts'
import { startCache } from '../helpers/cache.ts'
import { filesIn, leftovers, temporaryDirectory } from '../helpers/directory.ts'
import { startOrigin } from '../helpers/origin.ts'

const BASE = 'https://example.com'

/** A directory with twelve stored responses, three of them variants of one URL. */
async function fill(): Promise<string> {
  const directory = await temporaryDirectory()
  const manager = await StreamingManager.open(directory)
  for (let i = 0; i < 9; i++) await manager.put(`${BASE}/${i}`, { headers: { etag: `"${i}"` }, body: `body ${i}` })
  for (const language of ['de', 'fr', 'it']) {
    const requestHeaders = { 'accept-language': language }
    await manager.put(`${BASE}/v`, { headers: { vary: 'accept-language' }, body: language, requestHeaders })
  }
  await manager.close()
  return directory
}

async function bodyOf(manager: StreamingManager, url: string): Promise<string | undefined> {
  const found = await manager.get(url)
  return found && (await text(found.body))
}

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

test('open does not wait for the snapshot, and what is asked for before it has been read hits', async (t) => {
  const directory = await fill()
  const manager = await StreamingManager.open(directory)
  t.after(() => manager.close())
  assert.equal(manager.entryCount, 0)
  const found = bodyOf(manager, `${BASE}/4`)
  assert.equal(manager.entryCount, 0, 'it is read from the disk')
  assert.equal(await found, 'body 4')
  await manager.runPendingTasks()
  assert.equal(manager.entryCount, 12)
})

test('what is stored, deleted or found damaged before the snapshot has been read is not undone by it', async (t) => {
  const directory = await fill()
  const content = (body: string) => {
    const hash = createHash('sha256').update(body).digest('hex')
    return join(directory, 'content-v2/sha256', hash.slice(0, 2), hash.slice(2, 4), hash.slice(4))
  }
  await writeFile(content('body 3'), 'other!')
  const manager = await StreamingManager.open(directory)
  t.after(() => manager.close())
  const done = Promise.all([
    manager.put(`${BASE}/0`, { body: 'changed' }),
    manager.put(`${BASE}/new`, { body: 'new' }),
    manager.delete(`${BASE}/1`),
    manager.get(`${BASE}/3`),
    manager.resize({ maxEntries: 100 }),
  ])
  assert.equal(manager.entryCount, 0)
  assert.deepEqual(await done, [true, true, true, undefined, undefined])
  for (const look of ['now', 'after the comparison with the disk', 'after another start']) {
    assert.equal(await bodyOf(manager, `${BASE}/0`), 'changed', look)
    assert.equal(await bodyOf(manager, `${BASE}/new`), 'new', look)
    assert.equal(await manager.get(`${BASE}/1`), undefined, look)
    assert.equal(await manager.get(`${BASE}/3`), undefined, look)
    await manager.runPendingTasks()
    assert.equal(manager.entryCount, 11)
    if (look.startsWith('after the')) await manager.close()
    if (look.startsWith('after the')) break
  }
  const next = await StreamingManager.open(directory)
  t.after(() => next.close())
  await next.runPendingTasks()
  assert.equal(next.entryCount, 11)
  assert.equal(await next.get(`${BASE}/1`), undefined)
  const { descriptors: _, ...files } = await leftovers(directory)
  assert.deepEqual(files, { buckets: 9, contents: 11, temporary: 0 })
})

/** What other processes note, while the snapshot is being read. */
const NOTES: Record<string, { note: (engine: CacheEngine, directory: string) => Promise<void>; left: string }> = {
  'an invalidation': { note: async (engine) => engine.invalidateUntil(`${BASE}/2`, Date.now()), left: 'all but 2' },
  'an invalidation that came before what is stored': {
    note: async (engine) => engine.invalidateUntil(`${BASE}/2`, 0),
    left: 'all',
  },
  'a group': {
    note: async (engine) => engine.invalidateGroupsUntil(`${BASE}/x`, new Set(['even']), Date.now()),
    left: 'odd ones',
  },
  'that all was cleared': { note: async (engine) => engine.clearUntil(Date.now()), left: 'none' },
  'a changed bucket': {
    note: async (engine, directory) => {
      for (const bucket of await filesIn(directory, 'index-v5'))
        if ((await readFile(bucket, 'utf8')).includes(`${BASE}/2"`)) await rm(bucket)
      await engine.noticeChange(`${BASE}/2`)
    },
    left: 'all but 2',
  },
  'what it has missed': { note: async (engine) => engine.startOver(), left: 'all' },
}

for (const [name, { note, left }] of Object.entries(NOTES)) {
  test(`while the snapshot is read another process tells ${name}: ${left} are left`, async (t) => {
    const directory = await temporaryDirectory()
    const first = await StreamingManager.open(directory)
    for (let i = 0; i < 6; i++) {
      const group = i % 2 === 0 ? '"even"' : '"odd"'
      await first.put(`${BASE}/${i}`, { headers: { 'cache-groups': group }, body: `body ${i}` })
    }
    await first.close()
    const manager = await StreamingManager.open(directory)
    t.after(() => manager.close())
    const noted = note(engineOf(manager), directory)
    assert.equal(manager.entryCount, 0)
    await noted
    const numbers = { all: [0, 1, 2, 3, 4, 5], 'all but 2': [0, 1, 3, 4, 5], 'odd ones': [1, 3, 5], none: [] }[left]
    const expected = numbers?.map((i) => `${BASE}/${i}`)
    const found = []
    for (let i = 0; i < 6; i++) if ((await bodyOf(manager, `${BASE}/${i}`)) === `body ${i}`) found.push(`${BASE}/${i}`)
    assert.deepEqual(found, expected)
    await manager.runPendingTasks()
    const entries = []
    for await (const { key } of manager.entries()) entries.push(key)
    assert.deepEqual(entries.toSorted(), expected)
  })
}

test('clear() before the snapshot has been read clears what it says', async (t) => {
  const directory = await fill()
  const manager = await StreamingManager.open(directory)
  const cleared = manager.clear()
  assert.equal(manager.entryCount, 0)
  await cleared
  await manager.close()
  assert.deepEqual(await leftovers(directory), { buckets: 0, contents: 0, temporary: 0, descriptors: 0 })
  const next = await StreamingManager.open(directory)
  t.after(() => next.close())
  await next.runPendingTasks()
  assert.equal(next.entryCount, 0)
})

test('closed at once, a manager leaves the snapshot as it was; with something to say, it says all', async () => {
  const directory = await fill()
  const snapshot = () => readFile(join(directory, 'snapshot'))
  const before = await snapshot()
  const second = await StreamingManager.open(directory)
  await second.close()
  assert.ok((await snapshot()).equals(before))
  const third = await StreamingManager.open(directory)
  engineOf(third).invalidate(`${BASE}/0`)
  await third.close()
  const lines = (await snapshot()).toString('latin1').split('\n')
  const keys = lines.slice(1, -1).map((line) => (JSON.parse(line) as { key: string }).key)
  assert.equal(keys.length, 11)
  assert.ok(!keys.includes(`${BASE}/0`))
})

/** Counts what is done in folders of buckets and bodies until all is compared. */
async function look(directory: string): Promise<{ listed: number; entries: number }> {
  const listed: string[] = []
  const list = fs.readdirSync
  const listing = mock.method(fs, 'readdirSync', (...of: Parameters<typeof list>) => {
    listed.push(String(of[0]))
    return list(...of)
  })
  syncBuiltinESMExports()
  const manager = await StreamingManager.open(directory)
  await manager.runPendingTasks()
  listing.mock.restore()
  syncBuiltinESMExports()
  const entries = manager.entryCount
  await manager.close()
  const isSecond = (path: string) => /(?:index-v5|sha256)\/..\/..$/.test(path)
  return { listed: listed.filter(isSecond).length, entries }
}

test('what has not changed since a snapshot of the whole is not looked at', async () => {
  const directory = await fill()
  const age = async () => {
    const anHourAgo = Date.now() / 1000 - 3600
    for (const root of ['index-v5', 'content-v2/sha256'])
      for (const entry of await readdir(join(directory, root), { recursive: true, withFileTypes: true }))
        if (entry.isDirectory()) await utimes(join(entry.parentPath, entry.name), anHourAgo, anHourAgo)
  }
  // Folders of the same first letters may be one.
  const { listed } = await look(directory)
  assert.ok(listed > 15 && listed <= 22, `${listed} folders are new`)
  await age()
  assert.deepEqual(await look(directory), { listed: 0, entries: 12 })
  const [bucket = ''] = await filesIn(directory, 'index-v5')
  await rm(bucket)
  const gone = await look(directory)
  assert.ok(gone.listed >= 1 && gone.listed <= 2, `${gone.listed} folders have changed`)
  assert.ok(gone.entries === 11 || gone.entries === 9, 'one URL is gone')
  await age()
  assert.deepEqual(await look(directory), { listed: 0, entries: gone.entries })
  await rm(join(directory, 'index-v5', bucket.slice(directory.length).split('/')[2] ?? ''), { recursive: true })
  const [content = ''] = await filesIn(directory, 'content-v2')
  await rm(dirname(content), { recursive: true })
  assert.equal((await look(directory)).entries, gone.entries - 1, 'a folder that is gone has changed, too')
})

const INEXACT: Record<string, (directory: string) => Promise<void>> = {
  'is from a clock ahead': (directory) =>
    editHeader(directory, (header) => ({ ...header, writtenAt: Date.now() + 1e9 })),
  'is not of the whole': (directory) => editHeader(directory, (header) => ({ ...header, isWhole: false })),
}

for (const [name, make] of Object.entries(INEXACT)) {
  test(`with a snapshot that ${name} every folder is looked at`, async () => {
    const directory = await fill()
    await make(directory)
    const { listed, entries } = await look(directory)
    assert.ok(listed > 15)
    assert.equal(entries, 12)
  })
}

type Header = { version: number; writtenAt: number; isWhole: boolean; recordBytes: number; indexBytes: number }

async function editHeader(directory: string, change: (header: Header) => Header): Promise<void> {
  const path = join(directory, 'snapshot')
  const bytes = await readFile(path)
  const { version, writtenAt, isWhole, recordBytes, indexBytes } = change(JSON.parse(bytes.toString('utf8', 0, 256)))
  const about = [version, writtenAt, isWhole, recordBytes, indexBytes]
  const checksum = crc32(JSON.stringify(about), crc32(bytes.subarray(256)))
  const header = { version, writtenAt, isWhole, recordBytes, indexBytes, checksum }
  await writeFile(path, Buffer.concat([Buffer.from(`${JSON.stringify(header).padEnd(255)}\n`), bytes.subarray(256)]))
}

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
