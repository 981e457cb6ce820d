/** The time between a start and the end of its look around: what the snapshot says, and what is done before it is read. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import { cp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { dirname, join } from 'node:path'
import { mock, test } from 'node:test'
import { crc32 } from 'node:zlib'
import { StreamingManager } from '../../src/index.ts'
import type { CacheEngine } from '../../src/manager/cache-engine.ts'
import { engineOf } from '../../src/manager/streaming-manager.ts'
import { filesIn, leftovers, temporaryDirectory } from '../helpers/directory.ts'
import { BASE, bodyOf, fill } from '../helpers/filled.ts'

test('open does not wait for the snapshot, and what is asked for before it has been read hits', async (t) => {
  const directory = await fill()
  const manager = await StreamingManager.open(directory, { maxRestoreDelay: 0 })
  t.after(() => manager.close())
  assert.equal(manager.entryCount, 0)
  const found = bodyOf(manager, `${BASE}/4`)
  assert.equal(manager.entryCount, 0, 'it is read from the disk')
  assert.equal(await found, 'body 4')
  await manager.runPendingTasks()
  assert.equal(manager.entryCount, 12)
})

// Of records of some 15 KB: 3.8 MB and 4.5 MB.
for (const [count, isWaitedFor] of [
  [250, true],
  [290, false],
] as const) {
  test(`a snapshot of ${count} large records is ${isWaitedFor ? '' : 'not '}waited for by open, which takes 4 MiB for small`, async (t) => {
    const directory = await temporaryDirectory()
    const first = await StreamingManager.open(directory)
    const headers = { 'x-large': 'x'.repeat(15_000) }
    await Promise.all(Array.from({ length: count }, (_, i) => first.put(`${BASE}/${i}`, { headers, body: `${i}` })))
    await first.close()
    const manager = await StreamingManager.open(directory, { maxRestoreDelay: 60_000 })
    t.after(() => manager.close())
    assert.equal(manager.entryCount, isWaitedFor ? count : 0)
    await manager.runPendingTasks()
    assert.equal(manager.entryCount, count)
  })
}

test('what is stored, deleted or found damaged before the snapshot has been read is not undone by it', async (t) => {
  const directory = await fill()
  const content = (body: string) => {
    const hash = createHash('sha256').update(body).digest('hex')
    return join(directory, 'content-v2/sha256', hash.slice(0, 2), hash.slice(2, 4), hash.slice(4))
  }
  await writeFile(content('body 3'), 'other!')
  const manager = await StreamingManager.open(directory, { maxRestoreDelay: 0 })
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
  for (const when of ['now', 'after the comparison with the disk']) {
    assert.equal(await bodyOf(manager, `${BASE}/0`), 'changed', when)
    assert.equal(await bodyOf(manager, `${BASE}/new`), 'new', when)
    assert.equal(await manager.get(`${BASE}/1`), undefined, when)
    assert.equal(await manager.get(`${BASE}/3`), undefined, when)
    await manager.runPendingTasks()
    assert.equal(manager.entryCount, 11)
  }
  await manager.close()
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
    const manager = await StreamingManager.open(directory, { maxRestoreDelay: 0 })
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
  const manager = await StreamingManager.open(directory, { maxRestoreDelay: 0 })
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
  // What follows the records is the index's, and no text: any byte may be in it.
  const end = lines.findIndex((line) => line.startsWith('WTLX'))
  const keys = lines.slice(1, end).map((line) => (JSON.parse(line) as { key: string }).key)
  assert.equal(keys.length, 11)
  assert.ok(!keys.includes(`${BASE}/0`))
})

test('a hit before the snapshot has been read makes a new one only where it has found what that does not know', async () => {
  const directory = await fill()
  const snapshot = () => readFile(join(directory, 'snapshot'))
  const before = await snapshot()
  const hit = async (name: string): Promise<void> => {
    const manager = await StreamingManager.open(directory, { maxRestoreDelay: 0 })
    assert.equal(manager.entryCount, 0)
    assert.notEqual(await bodyOf(manager, `${BASE}/${name}`), undefined)
    await manager.runPendingTasks()
    await manager.close()
  }
  await hit('4')
  assert.ok((await snapshot()).equals(before))
  const more = await StreamingManager.open(directory)
  await more.put(`${BASE}/new`, { body: 'new' })
  await more.close()
  await writeFile(join(directory, 'snapshot'), before)
  await hit('new')
  assert.match((await snapshot()).toString('latin1'), /"key":"[^"]*\/new"/)
})

/** Counts what is done in folders of buckets and bodies until all is compared. */
async function look(directory: string): Promise<{ listed: number; entries: number }> {
  const listed: string[] = []
  // What is slow goes another way.
  const ways = [
    { of: fs, name: 'readdirSync' as const },
    { of: fs.promises, name: 'readdir' as const },
  ].map(({ of, name }) => {
    const list = Reflect.get(of, name) as (...given: unknown[]) => unknown
    return mock.method(of as unknown as Record<string, typeof list>, name, (...given: unknown[]) => {
      listed.push(String(given[0]))
      return list(...given)
    })
  })
  syncBuiltinESMExports()
  const manager = await StreamingManager.open(directory, { maxRestoreDelay: 0 })
  await manager.runPendingTasks()
  for (const way of ways) way.mock.restore()
  syncBuiltinESMExports()
  const entries = manager.entryCount
  await manager.close()
  const isSecond = (path: string) => /(?:index-v5|sha256)\/..\/..$/.test(path)
  return { listed: listed.filter(isSecond).length, entries }
}

/** Makes all folders look as if nothing had changed in them for long. */
async function ageFolders(directory: string): Promise<void> {
  const anHourAgo = Date.now() / 1000 - 3600
  for (const root of ['index-v5', 'content-v2/sha256'])
    for (const entry of await readdir(join(directory, root), { recursive: true, withFileTypes: true }))
      if (entry.isDirectory()) await utimes(join(entry.parentPath, entry.name), anHourAgo, anHourAgo)
}

test('a snapshot that is written while a body is about to go does not hide it from the next start', async (t) => {
  const directory = await fill()
  const manager = await StreamingManager.open(directory)
  t.after(() => manager.close())
  await manager.runPendingTasks()
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  const { unlink: remove } = fs.promises
  const slow = t.mock.method(fs.promises, 'unlink', async (...args: Parameters<typeof remove>) => {
    if (String(args[0]).includes('content-v2')) await released
    await remove(...args)
  })
  syncBuiltinESMExports()
  const deleted = manager.delete(`${BASE}/4`)
  while (slow.mock.callCount() < 2) await new Promise((resolve) => setImmediate(resolve))
  await engineOf(manager).holdings.writeSnapshot()
  // As if it were killed now.
  const copy = await temporaryDirectory()
  await cp(directory, copy, { recursive: true })
  slow.mock.restore()
  syncBuiltinESMExports()
  release()
  await deleted
  await rm(join(copy, 'procs'), { recursive: true })
  await ageFolders(copy)
  const next = await StreamingManager.open(copy)
  await next.runPendingTasks()
  await next.close()
  assert.equal((await leftovers(copy)).contents, next.entryCount)
})

test('what has not changed since a snapshot of the whole is not looked at', async () => {
  const directory = await fill()
  const age = () => ageFolders(directory)
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
  // The last bucket's folders may have gone with it.
  const folder = join(directory, 'index-v5', bucket.slice(directory.length).split('/')[2] ?? '')
  await rm(folder, { recursive: true, force: true })
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
