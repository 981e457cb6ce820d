/** What no RFC says and a cache in a client breaks on: a store that fails, and bytes that are not those of the wire. */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFile, rm, truncate, writeFile } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { join } from 'node:path'
import { test } from 'node:test'
import { brotliCompressSync, gunzipSync, gzipSync } from 'node:zlib'
import * as undici8 from 'undici'
import * as undici7 from 'undici7'
import { startCache } from '../helpers/cache.ts'
import { filesIn, leftovers } from '../helpers/directory.ts'
import { BOTH, control, stage } from './stage.ts'

const BODY = randomBytes(200_000)
const WHOLE = { ...control('max-age=60'), body: BODY }

test('[K.6] where nothing can be written every request is answered by the origin, and it heals', async (t) => {
  for (const options of BOTH) {
    const { get, cache, count } = await stage(t, WHOLE, options)
    await cache.manager.runPendingTasks()
    const tmp = join(cache.directory, 'tmp')
    await rm(tmp, { recursive: true })
    await writeFile(tmp, 'a file in the way')
    for (const n of [1, 2, 3]) {
      const { statusCode, body } = await get()
      assert.equal(statusCode, 200)
      assert.ok(body.equals(BODY))
      assert.equal(count(), n)
      await cache.manager.runPendingTasks()
    }
    assert.deepEqual([cache.manager.entryCount, cache.manager.stats().faults], [0, 3])
    await rm(tmp)
    await get()
    assert.match((await get()).cache, /^hit/)
  }
})

test('[K.6] a store whose directory goes while a body comes is not the consumer’s affair', async (t) => {
  for (const options of BOTH) {
    const held: ServerResponse[] = []
    const { origin, cache } = await stage(
      t,
      (_request, _count, response) => {
        response.writeHead(200, { 'cache-control': 'max-age=60', 'content-length': BODY.length })
        response.write(BODY.subarray(0, 100_000))
        held.push(response)
        return undefined
      },
      options,
    )
    await cache.manager.runPendingTasks()
    const { body } = await undici8.request(origin.url, { dispatcher: cache.dispatcher })
    const [first] = (await once(body, 'data')) as [Buffer]
    const rest: Buffer[] = [first]
    body.on('data', (chunk: Buffer) => rest.push(chunk))
    // It may be writing there meanwhile.
    await rm(cache.directory, { recursive: true, maxRetries: 5 })
    await writeFile(cache.directory, 'a file in the way')
    held[0]?.end(BODY.subarray(100_000))
    await once(body, 'end')
    assert.ok(Buffer.concat(rest).equals(BODY))
    await cache.manager.runPendingTasks()
    assert.equal(cache.manager.entryCount, 0)
    assert.ok(cache.manager.stats().faults >= 1)
    assert.equal((await leftovers(cache.directory)).descriptors, 0)
    await rm(cache.directory)
  }
})

/** The line of a bucket with another version of its record, and with the right hash. */
function ofVersion(bucket: string, version: number): string {
  const { metadata, ...line } = JSON.parse(bucket.slice(bucket.indexOf('\t') + 1)) as { metadata: object }
  const json = JSON.stringify({ ...line, metadata: { ...metadata, version } })
  return `\n${createHash('sha1').update(json).digest('hex')}\t${json}`
}

const DAMAGES: Record<string, (path: { bucket: string; content: string }) => Promise<void>> = {
  'a record of another version': async ({ bucket }) =>
    await writeFile(bucket, ofVersion(await readFile(bucket, 'utf8'), 2)),
  'a record that is torn': ({ bucket }) => truncate(bucket, 100),
  'an empty record': ({ bucket }) => truncate(bucket),
  'a record that is no text': ({ bucket }) => writeFile(bucket, randomBytes(1000)),
  'a record that is not there': ({ bucket }) => rm(bucket),
  'content that is not there': ({ content }) => rm(content),
  'content that is short': ({ content }) => truncate(content, 1000),
  'other content': ({ content }) => writeFile(content, randomBytes(BODY.length)),
}

const SNAPSHOTS: Record<string, (path: string) => Promise<void>> = {
  'no snapshot': (path) => rm(path),
  'a snapshot of another version': async (path) =>
    await writeFile(path, (await readFile(path, 'latin1')).replace('"version":3', '"version":9'), 'latin1'),
  'a snapshot that is torn': (path) => truncate(path, 50),
  'a snapshot that is no text': (path) => writeFile(path, randomBytes(1000)),
}

for (const [name, damage] of Object.entries(DAMAGES)) {
  test(`[K.6] the next start finds ${name}: the origin answers, and that is stored`, async (t) => {
    for (const spoil of Object.values(SNAPSHOTS)) {
      const { origin, get, cache, count, clock } = await stage(t, WHOLE)
      await get()
      await cache.manager.close()
      const [bucket = ''] = await filesIn(cache.directory, 'index-v5')
      const [content = ''] = await filesIn(cache.directory, 'content-v2')
      await damage({ bucket, content })
      await spoil(join(cache.directory, 'snapshot'))
      const next = await startCache(t, { directory: cache.directory, clock: clock.now })
      const miss = await next.get(`${origin.url}/`)
      assert.match(miss.cache, /^fwd=uri-miss; stored/)
      assert.ok(miss.body.equals(BODY))
      const hit = await next.get(`${origin.url}/`)
      assert.match(hit.cache, /^hit/)
      assert.ok(hit.body.equals(BODY))
      assert.equal(count(), 2)
    }
  })
}

test('[K.6] a snapshot that is missing or damaged costs no stored response', async (t) => {
  for (const [name, spoil] of Object.entries(SNAPSHOTS)) {
    const { origin, get, cache, count, clock } = await stage(t, WHOLE)
    await get()
    await cache.manager.close()
    await spoil(join(cache.directory, 'snapshot'))
    const next = await startCache(t, { directory: cache.directory, clock: clock.now })
    assert.ok((await next.get(`${origin.url}/`)).body.equals(BODY))
    assert.equal(count(), 1, name)
  }
})

test('[K.10] what is stored is what came over the wire, for request() and for every fetch alike', async (t) => {
  const text = 'the same again and again '.repeat(10_000)
  const codings = { gzip: gzipSync(text), br: brotliCompressSync(text) }
  const fetches = [fetch, undici8.fetch, undici7.fetch] as (typeof fetch)[]
  for (const options of BOTH) {
    for (const [coding, coded] of Object.entries(codings)) {
      for (const length of [{}, { 'content-length': String(coded.length) }]) {
        const { origin, cache, get, count } = await stage(
          t,
          { ...control('max-age=60', { 'content-encoding': coding, ...length }), body: coded },
          options,
        )
        const byFetch = fetches.map((anyFetch) => async (path: string) => {
          const response = await anyFetch(origin.url + path, { dispatcher: cache.dispatcher } as object)
          assert.equal(await response.text(), text)
          assert.equal(response.headers.get('content-encoding'), coding)
        })
        const byRequest = async (path: string) => {
          const { body, headers } = await get(path)
          assert.ok(body.equals(coded))
          assert.equal(headers['content-encoding'], coding)
        }
        const ways = [byRequest, ...byFetch]
        for (const [i, first] of ways.entries()) {
          await first(`/${i}`)
          for (const then of ways) await then(`/${i}`)
          assert.equal(count(), i + 1)
        }
        await cache.manager.runPendingTasks()
        assert.equal((await leftovers(cache.directory)).contents, 1, 'the same bytes, once')
        const [path = ''] = await filesIn(cache.directory, 'content-v2')
        assert.ok((await readFile(path)).equals(coded))
      }
    }
  }
})

test('[K.10] a part of what is stored is a part of those bytes', async (t) => {
  const text = 'the same again and again '.repeat(10_000)
  const coded = gzipSync(text)
  const { origin, cache, get, count } = await stage(t, {
    ...control('max-age=60', { 'content-encoding': 'gzip' }),
    body: coded,
  })
  await (await undici8.fetch(`${origin.url}/`, { dispatcher: cache.dispatcher })).text()
  const half = Math.floor(coded.length / 2)
  const parts = [await get('/', { range: `bytes=0-${half - 1}` }), await get('/', { range: `bytes=${half}-` })]
  for (const { statusCode, headers } of parts) {
    assert.deepEqual([statusCode, headers['content-encoding']], [206, 'gzip'])
  }
  assert.equal(gunzipSync(Buffer.concat(parts.map(({ body }) => body))).toString(), text)
  assert.equal(count(), 1)
})
