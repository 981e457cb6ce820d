/** Bodies are opened to be read, and nothing else. */
import assert from 'node:assert/strict'
import fs from 'node:fs'
import { stat, utimes } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { test } from 'node:test'
import type * as opening from '../../src/content-store/opening.ts'
import { filesIn } from '../helpers/directory.ts'
import { startCache } from '../helpers/cache.ts'

type Opening = typeof opening

for (const [name, size] of [
  ['small', 1000],
  ['large', 200_000],
] as const) {
  test(
    `a hit of a ${name} body writes nothing, not even when it was read`,
    { skip: process.platform !== 'linux' },
    async (t) => {
      const { manager, directory } = await startCache(t, { maxMemory: 0 })
      await manager.put('https://example.com/', { body: Buffer.alloc(size, 'body') })
      await manager.runPendingTasks()
      const [content = ''] = await filesIn(directory, 'content-v2')
      // Where a file was read before it was last written, Linux would note the next reading.
      await utimes(content, 1000, 2000)
      assert.equal(
        Buffer.concat((await (await manager.get('https://example.com/'))?.body.toArray()) as Buffer[]).length,
        size,
      )
      assert.equal((await stat(content)).atimeMs, 1_000_000)
    },
  )
}

test('where the system refuses to read so, it is read as ever, and not tried again', async (t) => {
  const { manager, directory } = await startCache(t, { maxMemory: 0 })
  await manager.put('https://example.com/', { body: 'body' })
  await manager.runPendingTasks()
  const { openSync, constants } = fs
  let refusals = 0
  const open = t.mock.method(fs, 'openSync', (path: string, flags: number, mode?: number) => {
    if (!path.startsWith(directory) || (flags & (constants.O_NOATIME ?? 0)) === 0) return openSync(path, flags, mode)
    refusals++
    throw Object.assign(new Error('Not the owner'), { code: 'EPERM' })
  })
  syncBuiltinESMExports()
  t.after(() => {
    open.mock.restore()
    syncBuiltinESMExports()
  })
  for (let i = 0; i < 3; i++) {
    const body = (await (await manager.get('https://example.com/'))?.body.toArray()) as Buffer[]
    assert.equal(String(Buffer.concat(body)), 'body')
  }
  assert.equal(refusals, process.platform === 'linux' ? 1 : 0)
})

test('several that are refused at a time through the thread pool are all opened', async (t) => {
  const { open, closeSync, constants } = fs
  let refusals = 0
  const mocked = t.mock.method(
    fs,
    'open',
    (path: string, flags: number, done: (error: Error | null, fd?: number) => void) => {
      if ((flags & (constants.O_NOATIME ?? 0)) === 0) return open(path, flags, done)
      refusals++
      setImmediate(() => done(Object.assign(new Error('Not the owner'), { code: 'EPERM' })))
    },
  )
  syncBuiltinESMExports()
  t.after(() => {
    mocked.mock.restore()
    syncBuiltinESMExports()
  })
  // Another instance of the module, to which nothing has been refused yet.
  const fresh = '../../src/content-store/opening.ts?fresh'
  const { openInPool } = (await import(fresh)) as Opening
  const opened = () => Promise.all(Array.from({ length: 3 }, () => openInPool(import.meta.filename)))
  for (const descriptor of [...(await opened()), ...(await opened())]) closeSync(descriptor)
  assert.equal(refusals, process.platform === 'linux' ? 3 : 0)
})
