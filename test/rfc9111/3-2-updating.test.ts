/** RFC 9111 section 3.2: updating stored header fields. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { control, stage, type Fields } from './stage.ts'

const ETAG = { etag: '"e"' }

/** The fields of a hit after a 304 with these. */
async function updated(t: Parameters<typeof stage>[0], before: Fields, after: Fields) {
  const { get, clock } = await stage(t, [
    { ...control('max-age=10', { ...ETAG, ...before }), body: 'x'.repeat(36) },
    { status: 304, fields: { 'cache-control': 'max-age=1000', ...ETAG, ...after } },
  ])
  await get()
  clock.pass(20)
  await get()
  const answer = await get()
  assert.match(answer.cache, /^hit/)
  assert.equal(answer.body.length, 36)
  return answer.headers
}

test('[A17] an update adds fields and replaces all lines of the names it has', async (t) => {
  const headers = await updated(
    t,
    { link: ['</a>', '</b>'], 'x-a': 'old', 'x-kept': 'kept' },
    { link: '</c>', 'x-a': ['new', 'newer'], 'x-added': 'added' },
  )
  assert.deepEqual(
    ['link', 'x-a', 'x-kept', 'x-added', 'cache-control'].map((name) => headers[name]),
    ['</c>', ['new', 'newer'], 'kept', 'added', 'max-age=1000'],
  )
})

test('[A18] Content-Length and what is never stored are not updated', async (t) => {
  const headers = await updated(
    t,
    { 'content-length': '36', 'x-b': 'old' },
    { 'content-length': '10', connection: 'x-a', 'x-a': 'listed', 'keep-alive': 'timeout=1' },
  )
  assert.deepEqual(
    ['content-length', 'x-a', 'connection', 'keep-alive', 'x-b'].map((name) => headers[name]),
    ['36', undefined, undefined, undefined, 'old'],
  )
})

test('[A19] other fields that begin with Content- are updated', async (t) => {
  const before = { 'content-foo': 'old', 'x-content-foo': 'old', 'content-language': 'de' }
  const headers = await updated(t, before, { 'content-foo': 'new', 'x-content-foo': 'new', 'content-language': 'fr' })
  assert.deepEqual(
    Object.keys(before).map((name) => headers[name]),
    ['new', 'new', 'fr'],
  )
})
