/** What `manager.put` takes beside headers and body, and what it refuses. */
import assert from 'node:assert/strict'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { Response as UndiciResponse } from 'undici'
import { InvalidOptionError, type JsonValue, type PutResponse } from '../../src/index.ts'
import { entriesOf, startCache } from '../helpers/cache.ts'
import { temporaryDirectory } from '../helpers/directory.ts'

const URL_A = 'https://example.com/a'
/** Bytes of JSON; a string has two more than its letters. */
const MOST_METADATA = 2 ** 20

test('metadata is kept with what is put, read from get and entries, and still there after a restart', async (t) => {
  const directory = await temporaryDirectory()
  const metadata = { build: 17, of: ['a', null, true], und: 'ä' }
  const first = await startCache(t, { directory })
  await first.manager.put(URL_A, { body: 'a', metadata })
  await first.manager.put(`${URL_A}/none`, { body: 'a' })
  const read = async ({ manager }: typeof first) => {
    const found = await manager.get(URL_A)
    found?.body.destroy()
    const listed = await entriesOf(manager)
    return [found?.metadata, listed.find(({ key }) => key === URL_A)?.metadata]
  }
  assert.deepEqual(await read(first), [metadata, metadata])
  assert.ok((await entriesOf(first.manager)).some((entry) => !('metadata' in entry)))
  await first.manager.close()
  const second = await startCache(t, { directory })
  assert.deepEqual(await read(second), [metadata, metadata])
  assert.equal(await second.manager.purge({ predicate: (entry) => entry.metadata !== undefined }), 1)
})

for (const metadata of [null, 0, false, ''] as const) {
  test(`metadata ${JSON.stringify(metadata)} is metadata, too`, async (t) => {
    const { manager } = await startCache(t)
    await manager.put(URL_A, { metadata })
    assert.deepEqual(
      (await entriesOf(manager)).map((entry) => entry.metadata),
      [metadata],
    )
  })
}

test('metadata of 1 MiB is kept, of a byte more is refused', async (t) => {
  const { manager } = await startCache(t)
  const most = 'x'.repeat(MOST_METADATA - 2)
  assert.equal(await manager.put(URL_A, { metadata: most }), true)
  assert.equal((await entriesOf(manager))[0]?.metadata, most)
  await assert.rejects(manager.put(URL_A, { metadata: `${most}x` }), { option: 'metadata' })
})

const self: Record<string, unknown> = {}
const unwritable: Record<string, unknown> = {
  'a function': () => 1,
  'a BigInt': 1n,
  'a promise': Promise.resolve(1),
  'what refers to itself': Object.assign(self, { self }),
}

for (const [name, metadata] of Object.entries(unwritable)) {
  test(`metadata that is ${name} is refused, and nothing is stored`, async (t) => {
    const { manager } = await startCache(t)
    const putting = manager.put(URL_A, { metadata: metadata as JsonValue })
    await assert.rejects(putting, { code: 'USC_ERR_INVALID_OPTION', option: 'metadata' })
    assert.equal(manager.entryCount, 0)
  })
}

const wrong: readonly [option: string, response: unknown][] = [
  ['response', undefined],
  ['response', null],
  ['response', 'hello'],
  ['status', { status: 404, body: 'x' }],
  ['metdata', { metdata: {} }],
  ['body', { body: 17 }],
  ['headers', { headers: 'etag' }],
  ['headers', { headers: null }],
  ['requestHeaders', { requestHeaders: 17 }],
  ['statusMessage', { statusMessage: 17 }],
  ['tags', { tags: 'news' }],
]

for (const [option, response] of wrong) {
  test(`put(url, ${JSON.stringify(response)}) says that ${option} is wrong`, async (t) => {
    const { manager } = await startCache(t)
    await assert.rejects(manager.put(URL_A, response as PutResponse), (error) => {
      assert.ok(error instanceof InvalidOptionError, String(error))
      assert.equal(error.option, option)
      return true
    })
  })
}

test('a Response of npm undici is one like that of Node, with its status', async (t) => {
  const { manager } = await startCache(t)
  const response = new UndiciResponse('gone', { status: 410, statusText: 'Gone', headers: { etag: '"x"' } })
  await manager.put(URL_A, response)
  const found = await manager.get(URL_A)
  assert.ok(found)
  assert.equal(found.statusCode, 410)
  assert.equal(found.statusMessage, 'Gone')
  assert.equal(found.headers['etag'], '"x"')
  assert.equal(await text(found.body), 'gone')
})
