/** Journals and membership, without a cache on top. */
import assert from 'node:assert/strict'
import { appendFile, readdir, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { ContentStore } from '../../src/content-store/content-store.ts'
import { JournalReader, JournalWriter, type Note } from '../../src/content-store/journal.ts'
import type { Membership, News } from '../../src/content-store/membership.ts'
import { temporaryDirectory } from '../helpers/directory.ts'

const SHA = 'a'.repeat(64)
const NOTES: Note[] = [
  { note: 'stored', key: 'https://example.com/ü', bodies: [SHA] },
  { note: 'erased', key: 'HEAD https://example.com/', bodies: [] },
  { note: 'noticed', bodies: [SHA, SHA] },
  { note: 'invalidated', key: 'https://example.com/', time: 5 },
  { note: 'groups', uri: 'https://example.com/', groups: ['a', 'b'], time: 6 },
  { note: 'cleared', time: 7 },
  { note: 'ended' },
]

function fail(error: unknown): void {
  throw error
}

async function joined(t: TestContext, directory: string): Promise<Membership & { news: News[] }> {
  const store = await ContentStore.open(directory, { maxOpenFiles: 16, maxOpenDelay: 1000, maxQueueSize: 2 ** 24 })
  const news: News[] = []
  const membership = Object.assign(await store.join(), { news, onNews: (each: News) => void news.push(each) })
  t.after(() => membership.leave())
  return membership
}

function heard({ news }: { news: News[] }): Note[] {
  return news.splice(0).flatMap(({ notes }) => notes)
}

test('notes come as they were written, whole lines only, each once', async (t) => {
  const path = join(await temporaryDirectory(), 'journal')
  const writer = await JournalWriter.create('journal', path, fail)
  const reader = new JournalReader(path)
  t.after(() => Promise.all([writer.close(), reader.close()]))
  assert.deepEqual(await reader.read(), [])
  for (const note of NOTES.slice(0, -1)) writer.append(note)
  await writer.flushed()
  await appendFile(path, '{"note":"clea')
  assert.deepEqual(await reader.read(), NOTES.slice(0, -1))
  assert.deepEqual(await reader.read(), [])
  await appendFile(path, 'red","time":8}\n')
  assert.deepEqual(await reader.read(), [{ note: 'cleared', time: 8 }])
  assert.equal(reader.isEnded, false)
  writer.append({ note: 'ended' })
  await writer.flushed()
  assert.deepEqual(await reader.read(), [{ note: 'ended' }])
  assert.equal(reader.isEnded, true)
})

test('a journal longer than what is read at a time, with lines across the pieces', async (t) => {
  const path = join(await temporaryDirectory(), 'journal')
  const writer = await JournalWriter.create('journal', path, fail)
  const reader = new JournalReader(path)
  t.after(() => Promise.all([writer.close(), reader.close()]))
  const notes: Note[] = Array.from({ length: 300 }, (_, i) => ({ note: 'cleared', time: i }))
  const long: Note = { note: 'invalidated', key: `https://example.com/${'é'.repeat(100_000)}`, time: 1 }
  for (const note of [...notes, long, ...notes]) writer.append(note)
  await writer.flushed()
  assert.deepEqual(await reader.read(), [...notes, long, ...notes])
})

const planted = [
  'no JSON',
  'null',
  '5',
  '{"note":"stored","key":5,"bodies":[]}',
  '{"note":"stored","key":"x"}',
  '{"note":"erased","key":"x","bodies":["../../etc/passwd"]}',
  '{"note":"invalidated","key":"x","time":"now"}',
  '{"note":"groups","uri":"no URL","groups":[],"time":1}',
  '{"note":"cleared"}',
  '{"note":"unknown"}',
]

test('planted lines are no notes', async (t) => {
  const path = join(await temporaryDirectory(), 'journal')
  await writeFile(path, `${planted.join('\n')}\n`)
  const reader = new JournalReader(path)
  t.after(() => reader.close())
  assert.deepEqual(await reader.read(), [])
})

test('the earliest leads, each hears all others, and who comes hears what was invalidated just before', async (t) => {
  const directory = await temporaryDirectory()
  const a = await joined(t, directory)
  a.note({ note: 'cleared', time: 1 })
  a.note({ note: 'stored', key: 'x', bodies: [SHA] })
  const b = await joined(t, directory)
  assert.deepEqual([a.isLeader, b.isLeader, a.hasCompany, b.hasCompany], [true, false, false, true])
  await a.poll()
  assert.equal(a.hasCompany, true)
  await a.flushed()
  await b.poll()
  assert.deepEqual(heard(b), [{ note: 'cleared', time: 1 }])
  const c = await joined(t, directory)
  for (const [i, each] of [a, b, c].entries()) each.note({ note: 'cleared', time: 10 + i })
  for (const each of [a, b, c]) await each.flushed()
  for (const each of [a, b, c]) await each.poll()
  for (const [i, each] of [a, b, c].entries()) {
    const times = heard(each).flatMap((note) => (note.note === 'cleared' && note.time >= 10 ? [note.time - 10] : []))
    assert.deepEqual(
      times.sort((x, y) => x - y),
      [0, 1, 2].filter((other) => other !== i),
    )
  }
  await a.leave()
  for (const each of [b, c]) await each.poll()
  assert.deepEqual([b.isLeader, c.isLeader], [true, false])
})

test('a journal that is full is followed by another, and its writer stays one member in its place', async (t) => {
  const directory = await temporaryDirectory()
  const a = await joined(t, directory)
  const b = await joined(t, directory)
  await a.poll()
  const key = 'x'.repeat(100_000)
  for (let time = 0; time < 30; time++) {
    a.note({ note: 'invalidated', key, time })
    if (time % 10 !== 9) continue
    await a.flushed()
    await a.poll()
  }
  await a.flushed()
  await b.poll()
  const times = heard(b).flatMap((note) => (note.note === 'invalidated' ? [note.time] : []))
  assert.deepEqual(
    [...new Set(times)].sort((x, y) => x - y),
    Array.from({ length: 30 }, (_, i) => i),
  )
  assert.equal((await readdir(join(directory, 'procs'))).length, 3)
  assert.deepEqual([a.isLeader, b.isLeader], [true, false])
})

test('a member whose process is gone, or that gives no sign of life, is dead; where pids say nothing, signs do', async (t) => {
  const directory = await temporaryDirectory()
  await (await joined(t, directory)).leave()
  const name = (pid: number, host: string) => join(directory, 'procs', `${pid}-aaaaaaaa-${host}-1-0-0`)
  const elsewhere = name(process.pid, 'bbbbbbbb')
  await writeFile(elsewhere, '')
  const a = await joined(t, directory)
  assert.deepEqual([a.isLeader, a.hasCompany], [false, true])
  assert.ok(a.runs.has('aaaaaaaa'))
  await a.leave()
  const anHourAgo = Date.now() / 1000 - 3600
  await utimes(elsewhere, anHourAgo, anHourAgo)
  const b = await joined(t, directory)
  assert.deepEqual([b.isLeader, b.hasCompany], [true, false])
  await b.leave()
  assert.deepEqual(await readdir(join(directory, 'procs')), [])
})
