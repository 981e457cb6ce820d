/** Files and their folders, while others remove what is empty. */
import assert from 'node:assert/strict'
import { lstat, mkdir, readdir, rm, rmdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { moveInto, withFolder } from '../../src/content-store/files.ts'
import { removeFile } from '../../src/content-store/removal.ts'
import { diskSize, sharedSize } from '../../src/manager/disk-use.ts'
import { filesIn, diskUse, temporaryDirectory } from '../helpers/directory.ts'
import { startCache } from '../helpers/cache.ts'

test('a folder that goes before it is used is made again', async () => {
  const directory = await temporaryDirectory()
  const from = join(directory, 'from')
  const to = join(directory, 'ab', 'cd', 'to')
  await writeFile(from, 'x')
  let removals = 3
  await withFolder(to, async () => {
    if (removals-- > 0) {
      await rmdir(dirname(to)).catch(() => {})
      await rmdir(dirname(dirname(to))).catch(() => {})
    }
    await moveInto(from, to)
  })
  assert.deepEqual(await filesIn(directory, '.'), [to])
})

test('what is missing itself is no endless loop', async () => {
  const directory = await temporaryDirectory()
  await assert.rejects(moveInto(join(directory, 'missing'), join(directory, 'ab', 'cd', 'to')), { code: 'ENOENT' })
})

test('a file goes, one that is missing has gone, and so does a folder in its place', async () => {
  const directory = await temporaryDirectory()
  const [file, missing, folder] = [join(directory, 'file'), join(directory, 'missing'), join(directory, 'folder')]
  await writeFile(file, 'x')
  await mkdir(join(folder, 'not empty'), { recursive: true })
  for (const path of [file, missing, folder]) await removeFile(path)
  assert.deepEqual(await readdir(directory), [])
})

test('a folder in the place of a body goes with its entry', async (t) => {
  const { manager, directory } = await startCache(t)
  await manager.put('https://example.com/', { body: 'body' })
  // The start's look around would find out.
  await manager.runPendingTasks()
  const [content = ''] = await filesIn(directory, 'content-v2')
  await rm(content)
  await mkdir(join(content, 'not empty'), { recursive: true })
  assert.ok(await manager.delete('https://example.com/'))
  assert.deepEqual(await readdir(join(directory, 'content-v2', 'sha256')), [])
})

test('folders go with their last file, and those that a crash has left empty with the next look around', async (t) => {
  const { manager, directory } = await startCache(t)
  const folders = async () =>
    [...(await readdir(join(directory, 'index-v5'))), ...(await readdir(join(directory, 'content-v2', 'sha256')))]
      .length
  for (let i = 0; i < 20; i++) await manager.put(`https://example.com/${i}`, { body: `#${i}` })
  assert.ok((await folders()) > 20)
  await manager.clear()
  assert.equal(await folders(), 0)
  await manager.close()
  for (const kind of ['index-v5', 'content-v2/sha256']) {
    await mkdir(join(directory, kind, 'ab', 'cd'), { recursive: true })
    await mkdir(join(directory, kind, 'ef'), { recursive: true })
  }
  const { manager: next } = await startCache(t, { directory })
  await next.runPendingTasks()
  assert.equal(await folders(), 0)
})

test('what an entry takes is never less than it takes, whatever is in its key and headers', async (t) => {
  const { manager, directory } = await startCache(t, { snapshotInterval: 0 })
  await manager.runPendingTasks()
  const before = await diskUse(directory)
  const awkward = ['"'.repeat(3000), '\u00fc'.repeat(3000), '\u00ff'.repeat(2000), 'x'.repeat(4000), 'y'.repeat(100)]
  let size = 0
  for (const [i, value] of awkward.entries()) {
    await manager.put(`https://example.com/${'k'.repeat(i * 900)}`, { headers: { 'x-a': value }, body: `#${i}` })
  }
  for await (const { diskSize: bytes } of manager.entries()) size += bytes
  await manager.runPendingTasks()
  const { blocks } = await lstat(join(directory, 'snapshot'))
  assert.ok((await diskUse(directory)) - before - blocks * 512 <= size + sharedSize(awkward.length))
  assert.equal(manager.size, size + sharedSize(awkward.length))
})

test('outer folders are counted up to 256 of a kind, inner ones up to 65,536', () => {
  assert.deepEqual([0, 1, 256, 257, 65_536, 65_537].map(sharedSize), [
    0,
    8192,
    256 * 8192,
    256 * 8192,
    256 * 8192,
    255 * 8192,
  ])
  const body = { size: 0, sha256: '', checksums: [] }
  assert.equal(diskSize({ key: 'https://example.com/', fields: [], body }), 3 * 4096)
})
