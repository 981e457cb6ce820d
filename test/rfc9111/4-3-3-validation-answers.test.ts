/** RFC 9111 section 4.3.3: what answers a validation. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BOTH, control, stage } from './stage.ts'

const ETAG = { etag: '"e"' }

test('[A67] a full response is the answer, and takes the place of what was stored', async (t) => {
  for (const options of BOTH) {
    const { get, clock, count } = await stage(
      t,
      [
        { ...control('max-age=10', ETAG), body: 'A' },
        { ...control('max-age=10', { etag: '"f"' }), body: 'B' },
        { status: 404, ...control('no-store'), body: 'C' },
        { ...control('max-age=10'), body: 'D' },
      ],
      options,
    )
    assert.equal((await get()).text, 'A')
    clock.pass(20)
    assert.equal((await get()).text, 'B')
    const hit = await get()
    assert.match(hit.cache, /^hit/)
    assert.deepEqual([hit.text, hit.headers['etag']], ['B', '"f"'])
    clock.pass(20)
    assert.equal((await get()).text, 'C')
    // Neither the former one, even for those who take anything, nor the one that must not be stored.
    assert.equal((await get('/', { 'cache-control': 'max-stale' })).text, 'D')
    assert.equal(count(), 4)
  }
})

test('[A67] what it has proved wrong goes, also where its successor is too large to be stored', async (t) => {
  const { get, clock, count } = await stage(
    t,
    [
      { ...control('max-age=10', { ...ETAG, 'content-length': '1' }), body: 'A' },
      { ...control('max-age=10', { 'content-length': '200' }), body: 'B'.repeat(200) },
    ],
    { maxBodySize: 100 },
  )
  await get()
  clock.pass(20)
  for (const asked of [2, 3]) {
    assert.equal((await get('/', { 'cache-control': asked === 2 ? 'foo' : 'max-stale' })).text.length, 200)
    assert.equal(count(), asked)
  }
})

test('[A68] a failing server: its answer, or the stale response where a directive lets it be passed over', async (t) => {
  const cases: [directives: string, passedOver: boolean][] = [
    ['max-age=10', false],
    ['max-age=10, stale-if-error=60', true],
    ['max-age=10, stale-if-error=5', false],
    ['max-age=10, stale-if-error=60, must-revalidate', false],
    ['max-age=10, stale-if-error=60, no-cache', false],
  ]
  for (const options of BOTH) {
    for (const status of [500, 502, 503, 504]) {
      for (const [directives, passedOver] of cases) {
        const { get, clock } = await stage(
          t,
          [
            { ...control(directives, ETAG), body: 'stored' },
            { status, body: 'failing' },
            { status: 304, fields: ETAG },
          ],
          options,
        )
        await get()
        clock.pass(20)
        const { statusCode, text } = await get()
        assert.deepEqual([statusCode, text], passedOver ? [200, 'stored'] : [status, 'failing'], directives)
        assert.equal((await get()).text, 'stored', 'a failure says nothing about what is stored')
      }
    }
  }
})
