/** Small bodies in memory: what is held, what is not, and that it is as right as the disk. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crc32 } from 'node:zlib'
import { MemoryTier, SMALL_BODY } from '../../src/manager/memory-tier.ts'
import { startCache } from '../helpers/cache.ts'
import { startOrigin } from '../helpers/origin.ts'
import { recordOf } from '../helpers/record.ts'
import type { StoredResponse } from '../../src/stored-response.ts'

function stored(name: string, body: Buffer, responseTime = 0): StoredResponse {
  const described = { size: body.length, sha256: name.padEnd(64, '0'), checksums: crc32(body) }
  return { ...recordOf(name, described), fields: ['etag', `"${responseTime}"`], responseTime }
}

test('what was added is there for the same response, and for one that was freshened with its new fields', () => {
  const tier = new MemoryTier(1_000_000)
  const body = Buffer.from('body')
  const before = stored('a', body)
  tier.add(before, body)
  assert.equal(tier.get(before)?.body, body)
  const after = { ...before, fields: ['etag', '"new"'] }
  assert.equal(tier.get(after)?.body, body)
  assert.equal(tier.get(after)?.fields.at(0, undefined).headers['etag'], '"new"')
})

test('a body of another response under the same name, or one that somebody has written in, is not there', () => {
  const tier = new MemoryTier(1_000_000)
  const body = Buffer.from('body')
  const first = stored('a', body)
  tier.add(first, body)
  assert.equal(tier.get({ ...first, body: { ...first.body, sha256: 'f'.repeat(64) } }), undefined)
  tier.add(first, body)
  body[0] = 0
  assert.equal(tier.get(first), undefined)
  assert.equal(tier.size, 0)
})

test('it never holds more bytes than its bound, and nothing with a bound of 0', () => {
  const tier = new MemoryTier(100_000)
  for (let i = 0; i < 300; i++) {
    const body = Buffer.alloc(i * 30, 'x')
    tier.get(stored(`${i}`, body))
    tier.add(stored(`${i}`, body), body)
    assert.ok(tier.size <= 100_000)
  }
  assert.ok(tier.size > 50_000)
  const none = new MemoryTier(0)
  none.add(stored('a', Buffer.from('a')), Buffer.from('a'))
  assert.equal(none.get(stored('a', Buffer.from('a'))), undefined)
})

for (const size of [SMALL_BODY, SMALL_BODY + 1]) {
  test(`a body of ${size} bytes is ${size > SMALL_BODY ? 'not ' : ''}held in memory once it was read`, async (t) => {
    const origin = await startOrigin(t, (_, response) =>
      response.writeHead(200, { 'cache-control': 'max-age=100' }).end(Buffer.alloc(size, 'b')),
    )
    const { get, manager } = await startCache(t)
    for (let i = 0; i < 3; i++) assert.equal((await get(`${origin.url}/`)).text.length, size)
    assert.equal(manager.stats().memory > 0, size === SMALL_BODY)
    await manager.delete(`${origin.url}/`)
    assert.equal(manager.stats().memory, 0)
  })
}
