/** Buckets that are changed without being read: nothing is lost that somebody else has put there. */
import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { StreamingManager } from '../../src/index.ts'
import { describeBody } from '../../src/content-store/small-bodies.ts'
import { engineOf } from '../../src/manager/streaming-manager.ts'
import { entriesOf } from '../helpers/cache.ts'
import { temporaryDirectory } from '../helpers/directory.ts'
import { recordOf } from '../helpers/record.ts'

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
  const [older, newer] = [1, 2].map((responseTime) => ({
    ...recordOf('a', describeBody(Buffer.from('body'))),
    responseTime,
  }))
  assert.ok(older !== undefined && newer !== undefined)
  const adding = holdings.add(newer)
  holdings.discard(older)
  assert.equal(await adding, true)
  await holdings.tasks.settled()
  assert.deepEqual(
    (await holdings.store.readBucket(newer.key)).map(({ responseTime }) => responseTime),
    [newer.responseTime],
  )
})
