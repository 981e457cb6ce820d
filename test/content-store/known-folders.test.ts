/** What is known of folders, and which calls it spares the file system. */
import assert from 'node:assert/strict'
import promises from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { KnownFolders } from '../../src/content-store/known-folders.ts'
import { startCache } from '../helpers/cache.ts'
import { exportMocks } from '../helpers/mocks.ts'

const OTHERS = '0'.repeat(60)
const path = (outer: string, inner: string): string => join('/cache/index-v5', outer, inner, OTHERS)

test('of a new directory all folders are missing, of another nothing is known', () => {
  assert.equal(new KnownFolders(true, () => true).isMissing(path('ff', 'ff')), true)
  assert.equal(new KnownFolders(false, () => true).isMissing(path('ff', 'ff')), false)
})

test('a folder is there from its first file on, and missing when it has been removed', () => {
  const known = new KnownFolders(true, () => true)
  known.noteThere(path('ab', 'cd'))
  assert.deepEqual([known.isMissing(path('ab', 'cd')), known.isMissing(path('ab', 'ce'))], [false, true])
  known.noteMissing(path('ab', 'cd'))
  assert.equal(known.isMissing(path('ab', 'cd')), true)
})

test('an outer folder has others in it as long as one is known that has not been removed', () => {
  const known = new KnownFolders(false, () => true)
  known.noteMissing(path('ab', '00'))
  for (const inner of ['cd', 'cd', 'ce']) known.noteThere(path('ab', inner))
  assert.deepEqual([known.hasOthers(path('ab', 'cd')), known.hasOthers(path('ac', 'cd'))], [true, false])
  for (const inner of ['ce', 'ce']) known.noteMissing(path('ab', inner))
  assert.deepEqual([known.hasOthers(path('ab', 'cd')), known.hasOthers(path('ab', 'ce'))], [false, true])
})

test('beside other processes nothing is known, nor of that time afterwards', () => {
  let isAlone = true
  const known = new KnownFolders(true, () => isAlone)
  for (const inner of ['cd', 'ce']) known.noteThere(path('ab', inner))
  isAlone = false
  assert.deepEqual([known.isMissing(path('00', '00')), known.hasOthers(path('ab', 'cd'))], [false, false])
  known.noteThere(path('ab', 'cf'))
  isAlone = true
  assert.deepEqual([known.isMissing(path('00', '00')), known.hasOthers(path('ab', 'cd'))], [false, false])
})

test('in a new directory no rename fails for want of its folder, and none is removed while it has others in it', async (t) => {
  const calls = counting(t)
  const { manager } = await startCache(t, { snapshotInterval: 0, flushInterval: 1 })
  await manager.runPendingTasks()
  calls.failed.length = 0
  const urls = Array.from({ length: 600 }, (_, i) => `https://example.com/${i}`)
  for (const url of urls) await manager.put(url, { body: url })
  await manager.runPendingTasks()
  assert.deepEqual(calls.failed, [])
  for (const url of urls.slice(0, 300)) await manager.delete(url)
  await manager.runPendingTasks()
  const outer = calls.failed.filter((call) => /(?:index-v5|sha256).[0-9a-f]{2}$/.test(call))
  assert.deepEqual(outer, [])
})

/** Calls of the file system that have failed: name, error, path. */
function counting(t: TestContext): { readonly failed: string[] } {
  const failed: string[] = []
  for (const name of ['rename', 'rmdir', 'mkdir'] as const) {
    const original = promises[name] as (...given: unknown[]) => Promise<unknown>
    t.mock.method(promises, name, async (...given: unknown[]) => {
      try {
        return await original(...given)
      } catch (error) {
        failed.push(`${name} ${(error as NodeJS.ErrnoException).code} ${String(given[0])}`)
        throw error
      }
    })
  }
  exportMocks(t)
  return { failed }
}
