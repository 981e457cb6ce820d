/** What is written and removed at the same time, and without being read before: nothing is lost, and nothing left behind. */
import assert from 'node:assert/strict'
import promises, { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { StreamingManager } from '../../src/index.ts'
import { describeBody } from '../../src/content-store/small-bodies.ts'
import { engineOf } from '../../src/manager/streaming-manager.ts'
import type { StoredResponse } from '../../src/stored-response.ts'
import { entriesOf } from '../helpers/cache.ts'
import { leftovers, temporaryDirectory } from '../helpers/directory.ts'
import { recordOf } from '../helpers/record.ts'
import { exportMocks } from '../helpers/mocks.ts'

const URL = 'http://x/'

test('variants of one URL that are written at the same time are all on disk', async () => {
  const directory = await temporaryDirectory()
  const manager = await StreamingManager.open(directory)
  await manager.runPendingTasks()
  const languages = ['de', 'en', 'fr', 'it']
  const put = async (language: string): Promise<boolean> =>
    await manager.put(URL, {
      headers: { 'cache-control': 'max-age=60', vary: 'accept-language' },
      requestHeaders: { 'accept-language': language },
      body: language,
    })
  assert.deepEqual(
    await Promise.all(languages.map(put)),
    languages.map(() => true),
  )
  await manager.close()
  await rm(join(directory, 'snapshot'))
  await using again = await StreamingManager.open(directory)
  assert.equal((await entriesOf(again)).length, languages.length)
})

test('what is evicted takes nothing with it that is just being stored under its key', async () => {
  await using manager = await StreamingManager.temporary()
  await manager.runPendingTasks()
  const { holdings } = engineOf(manager)
  const { first: older, second: newer } = responses()
  const adding = holdings.add(newer)
  holdings.discard(older)
  assert.equal(await adding, true)
  await holdings.tasks.settled()
  assert.deepEqual(
    (await holdings.store.readBucket(newer.key)).map(({ responseTime }) => responseTime),
    [newer.responseTime],
  )
})

for (const [when, call, folder] of [
  ['its body is written', 'rename', 'content-v2'],
  ['its record is written', 'rename', 'index-v5'],
  ['its record is removed', 'unlink', 'index-v5'],
  ['its body is removed', 'unlink', 'content-v2'],
] as const) {
  test(`evicted, stored again while ${when}, evicted again before that is written: nothing is left`, async (t) => {
    await using manager = await StreamingManager.temporary({ flushInterval: 100_000 })
    await manager.runPendingTasks()
    const { holdings } = engineOf(manager)
    const { body, first, second } = responses()
    const [arrived, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const original = promises[call] as (...paths: string[]) => Promise<void>
    t.mock.method(promises, call, async (...paths: string[]) => {
      if (paths.at(-1)?.includes(folder) === true) {
        arrived.resolve()
        await released.promise
      }
      await original(...paths)
    })
    exportMocks(t)
    assert.ok(holdings.addUnwritten(first, body))
    const flushed = holdings.unwritten.flush()
    if (call === 'unlink') await flushed
    else await arrived.promise
    holdings.remove(first)
    await arrived.promise
    assert.ok(holdings.addUnwritten(second, body))
    released.resolve()
    await Promise.all([flushed, holdings.tasks.settled()])
    holdings.remove(second)
    await holdings.tasks.settled()
    const { buckets, contents } = await leftovers(manager.directory)
    assert.deepEqual({ buckets, contents }, { buckets: 0, contents: 0 })
  })
}

for (const [what, folder] of [
  ['record', 'index-v5'],
  ['body', 'content-v2'],
] as const) {
  test(`its ${what} is not removed, for the disk refuses it, it is stored again while that is tried again, and evicted: nothing is left`, async (t) => {
    await using manager = await StreamingManager.temporary({ flushInterval: 100_000 })
    await manager.runPendingTasks()
    const { holdings } = engineOf(manager)
    const { body, first, second } = responses()
    assert.ok(holdings.addUnwritten(first, body))
    await holdings.unwritten.flush()
    let isRefusing = true
    for (const name of ['unlink', 'rm'] as const) {
      const original = promises[name] as (path: string, ...more: unknown[]) => Promise<void>
      t.mock.method(promises, name, async (path: string, ...more: unknown[]) => {
        if (isRefusing && path.includes(folder)) throw Object.assign(new Error('no'), { code: 'EACCES' })
        await original(path, ...more)
      })
    }
    exportMocks(t)
    holdings.remove(first)
    await holdings.tasks.settled()
    assert.ok(holdings.addUnwritten(second, body))
    isRefusing = false
    holdings.doPostponed()
    await holdings.tasks.settled()
    holdings.remove(second)
    await holdings.tasks.settled()
    const { buckets, contents } = await leftovers(manager.directory)
    assert.deepEqual({ buckets, contents }, { buckets: 0, contents: 0 })
  })
}

/** Two responses of one name and one body, one after the other. */
function responses(): { body: Buffer; first: StoredResponse; second: StoredResponse } {
  const body = Buffer.from('body')
  const record = recordOf('a', describeBody(body))
  return { body, first: { ...record, responseTime: 1 }, second: { ...record, responseTime: 2 } }
}
