/** The history: what was answered when, in a file that does not grow. */
import assert from 'node:assert/strict'
import { readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { appendHistory, readHistory, type Stretch } from '../../src/content-store/history-file.ts'
import { Layout } from '../../src/content-store/layout.ts'
import { temporaryDirectory } from '../helpers/directory.ts'

const MINUTE = 60_000

function stretch(i: number): Stretch {
  const from = 1_700_000_000_000 + i * MINUTE
  return { from, to: from + MINUTE, hits: i, misses: 1, bytesServed: 1000 * i, bytesFromNetwork: 10 }
}

test('stretches come as they were noted, oldest first, for their owner alone', async () => {
  const layout = new Layout(await temporaryDirectory())
  assert.deepEqual(await readHistory(layout), [])
  for (const i of [2, 0, 1]) await appendHistory(layout, stretch(i), false)
  assert.deepEqual(await readHistory(layout), [0, 1, 2].map(stretch))
  assert.equal((await stat(layout.history)).mode & 0o777, 0o600)
})

test('it stays within two blocks: what is older is drawn together, and no count is lost', async () => {
  const layout = new Layout(await temporaryDirectory())
  const count = 3000
  let largest = 0
  for (let i = 0; i < count; i++) {
    await appendHistory(layout, stretch(i), true)
    largest = Math.max(largest, (await stat(layout.history)).size)
  }
  assert.ok(largest <= 8_192, `${largest} bytes`)
  const found = await readHistory(layout)
  const sum = (of: (each: Stretch) => number) => found.reduce((total, each) => total + of(each), 0)
  assert.equal(
    sum(({ hits }) => hits),
    (count * (count - 1)) / 2,
  )
  assert.equal(
    sum(({ misses }) => misses),
    count,
  )
  assert.equal(found[0]?.from, stretch(0).from)
  assert.deepEqual(found.at(-1), stretch(count - 1))
  // Without gaps, and the last hour minute by minute.
  for (const [i, { to }] of found.slice(0, -1).entries()) assert.equal(to, found[i + 1]?.from)
  for (const { from, to } of found.slice(-30)) assert.equal(to - from, MINUTE)
})

test('who does not lead leaves it as long as it is', async () => {
  const layout = new Layout(await temporaryDirectory())
  for (let i = 0; i < 200; i++) await appendHistory(layout, stretch(i), false)
  assert.equal((await readHistory(layout)).length, 200)
})

test('what is torn, planted or of another form is passed over', async () => {
  const layout = new Layout(await temporaryDirectory())
  const lines = ['{}', '[1,2]', '[2,1,0,0,0,0]', '[1,2,-3,0,0,0]', '[1,2,3,4,5,"6"]', '[1,2,3,4,5,1e99]', 'null']
  await writeFile(layout.history, `${lines.join('\n')}\n[1,2,3,4,5,6]\n[7,8,9,1`)
  const only = { from: 1, to: 2, hits: 3, misses: 4, bytesServed: 5, bytesFromNetwork: 6 }
  assert.deepEqual(await readHistory(layout), [only])
  await writeFile(layout.history, `[1,2,3,4,5,6]\n`.repeat(100_000))
  assert.deepEqual(await readHistory(layout), [])
})

test('a symbolic link is not followed', async () => {
  const directory = await temporaryDirectory()
  const layout = new Layout(directory)
  const elsewhere = join(await temporaryDirectory(), 'elsewhere')
  await writeFile(elsewhere, '[1,2,3,4,5,6]\n')
  await symlink(elsewhere, layout.history)
  await assert.rejects(appendHistory(layout, stretch(0), true), { code: 'ELOOP' })
  assert.deepEqual(await readHistory(layout), [])
  assert.equal(await readFile(elsewhere, 'utf8'), '[1,2,3,4,5,6]\n')
})
