/** Small files are made through the pool and written at once, as long as the disk is quick. */
import assert from 'node:assert/strict'
import fs, { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { Descriptors } from '../../src/content-store/descriptors.ts'
import { MOST_AT_ONCE, WaitingBytes, Writing } from '../../src/content-store/writing.ts'
import { leftovers, temporaryDirectory } from '../helpers/directory.ts'
import { exportMocks } from '../helpers/mocks.ts'

const NEVER_SLOW = Infinity
const ALWAYS_SLOW = -1

async function start(t: TestContext, slowMs: number) {
  const directory = await temporaryDirectory()
  const writing = new Writing(
    new Descriptors({ maxOpenFiles: 4, maxOpenDelay: 1000 }),
    new WaitingBytes(Infinity),
    slowMs,
  )
  const [path, temporary] = [join(directory, 'ab', 'cd', 'file'), join(directory, 'tmp', '1')]
  const { writeSync, closeSync } = fs
  const disk = { atOnce: 0, write: writeSync, close: closeSync }
  t.mock.method(fs, 'writeSync', (descriptor: number, bytes: Buffer, from: number) => {
    disk.atOnce++
    return disk.write(descriptor, bytes, from)
  })
  t.mock.method(fs, 'closeSync', (descriptor: number) => disk.close(descriptor))
  exportMocks(t)
  const replace = (content: string | Buffer): Promise<void> => writing.replaceFile(path, content, temporary)
  const left = async () => {
    const { descriptors } = await leftovers(directory)
    return { descriptors, held: writing.descriptors.held, temporary: readdirSync(join(directory, 'tmp')).length }
  }
  return { replace, path, disk, left }
}

const NOTHING = { descriptors: 0, held: 0, temporary: 0 }

test('a small file is written at once, a large one by the pool; either takes the place of what was there', async (t) => {
  const { replace, path, disk, left } = await start(t, NEVER_SLOW)
  for (const [content, atOnce] of [
    ['', 0],
    ['text of ü', 1],
    [Buffer.alloc(MOST_AT_ONCE, 'a'), 2],
    [Buffer.alloc(MOST_AT_ONCE + 1, 'b'), 2],
  ] as const) {
    await replace(content)
    assert.ok(readFileSync(path).equals(Buffer.from(content)))
    assert.equal(disk.atOnce, atOnce)
  }
  assert.deepEqual(await left(), NOTHING)
})

test('after a slow one the pool has the next ones', async (t) => {
  const { replace, path, disk } = await start(t, ALWAYS_SLOW)
  for (let i = 0; i <= 17; i++) {
    await replace(`#${i}`)
    assert.equal(readFileSync(path, 'utf8'), `#${i}`)
    assert.equal(disk.atOnce, i <= 16 ? 1 : 2)
  }
})

test('what the system takes in parts is whole; what it refuses leaves what was there, and nothing else', async (t) => {
  const { replace, path, disk, left } = await start(t, NEVER_SLOW)
  const { write, close } = disk
  disk.write = (descriptor: number, bytes: unknown, from: unknown) =>
    write(descriptor, (bytes as Buffer).subarray(from as number, (from as number) + 2))
  await replace('12345')
  assert.equal(disk.atOnce, 3)
  assert.equal(readFileSync(path, 'utf8'), '12345')
  disk.write = () => {
    throw Object.assign(new Error('no space'), { code: 'ENOSPC' })
  }
  await assert.rejects(replace('other'), { code: 'ENOSPC' })
  disk.write = write
  disk.close = (descriptor: number) => {
    close(descriptor)
    throw Object.assign(new Error('written later, in vain'), { code: 'EIO' })
  }
  await assert.rejects(replace('other'), { code: 'EIO' })
  assert.equal(readFileSync(path, 'utf8'), '12345')
  assert.deepEqual(await left(), NOTHING)
})
