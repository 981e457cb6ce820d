/**
 * RFC 9110 sections 14, 15.3.7 and 15.5.17: ranges. This cache stores complete responses only, and serves one part of them
 * at a time; partial responses pass by, so that nothing is ever combined.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BOTH, control, date, LAST_MODIFIED, stage, type Fields, type RequestFields } from './stage.ts'

const BODY = '0123456789'
const WHOLE = { ...control('max-age=60', { etag: '"e"', 'content-type': 'text/plain' }), body: BODY }

test('[B.13] Range is for GET: HEAD is answered as without it, other methods reach the origin with it', async (t) => {
  for (const options of BOTH) {
    const { get, count, received } = await stage(t, WHOLE, options)
    await get()
    const { headers: plain } = await get('/', {}, 'HEAD')
    for (const range of ['bytes=2-4', 'bytes=90-', 'items=0-1']) {
      const { statusCode, headers, text } = await get('/', { range }, 'HEAD')
      assert.deepEqual([statusCode, text], [200, ''], range)
      assert.deepEqual(headers, plain)
      assert.equal(headers['content-range'], undefined)
    }
    assert.equal(count(), 1)
    for (const [i, method] of ['OPTIONS', 'POST'].entries()) {
      const { statusCode, text } = await get('/', { range: 'bytes=2-4' }, method)
      assert.deepEqual([statusCode, text], [200, BODY], method)
      assert.equal(received(i + 2)['range'], 'bytes=2-4')
    }
  }
})

test('[B.13] units that nobody knows, and what is no range, are ignored', async (t) => {
  for (const options of BOTH) {
    const { get, count } = await stage(t, WHOLE, options)
    await get()
    for (const range of [
      'items=0-1',
      'byte=0-1',
      'bytes',
      'bytes=',
      'bytes=-',
      'bytes=4-2',
      'bytes=a-b',
      'bytes=1',
      'bytes=+1-2',
      'bytes=1-2-3',
      'bytes 0-1',
      'bytes:0-1',
      'bytes=0x1-0x2',
      '0-1',
      '',
    ]) {
      const { statusCode, text, headers, cache } = await get('/', { range })
      assert.match(cache, /^hit/)
      assert.deepEqual([statusCode, text, headers['content-range']], [200, BODY, undefined], range)
    }
    assert.equal(count(), 1)
  }
})

const SATISFIABLE: [range: string, where: string, text: string][] = [
  ['bytes=0-0', '0-0', '0'],
  ['bytes=2-4', '2-4', '234'],
  ['Bytes=2-4', '2-4', '234'],
  ['bytes=7-', '7-9', '789'],
  ['bytes=9-', '9-9', '9'],
  ['bytes=0-', '0-9', BODY],
  ['bytes=-3', '7-9', '789'],
  ['bytes=-10', '0-9', BODY],
  ['bytes=-11', '0-9', BODY],
  ['bytes=8-99', '8-9', '89'],
  ['bytes=8-99999999999999999999', '8-9', '89'],
  ['bytes=0-9', '0-9', BODY],
]

test('[B.14] a part that there is: 206 with just its bytes', async (t) => {
  for (const options of BOTH) {
    for (const length of [{}, { 'content-length': '10' }]) {
      const { get, count } = await stage(t, { ...WHOLE, fields: { ...WHOLE.fields, ...length } }, options)
      await get()
      for (const [range, where, text] of SATISFIABLE) {
        const answer = await get('/', { range })
        assert.deepEqual([answer.statusCode, answer.text], [206, text], range)
        assert.equal(answer.headers['content-range'], `bytes ${where}/10`)
        assert.equal(answer.headers['content-length'], String(text.length))
      }
      assert.equal((await get()).text, BODY)
      assert.equal(count(), 1)
    }
  }
})

test('[B.14] a part reaches over chunks of the stored file', async (t) => {
  const body = Buffer.from(Array.from({ length: 200_000 }, (_, i) => i % 251))
  const { get, count } = await stage(t, { ...control('max-age=60'), body })
  await get()
  for (const [first, last] of [
    [65_535, 65_536],
    [65_536, 131_071],
    [1, 199_998],
    [131_072, 131_072],
    [199_999, 199_999],
  ] as const) {
    const answer = await get('/', { range: `bytes=${first}-${last}` })
    assert.equal(answer.statusCode, 206)
    assert.ok(answer.body.equals(body.subarray(first, last + 1)), `${first}-${last}`)
  }
  assert.equal(count(), 1)
})

test('[B.14] a part that there is not: 416 with the length of the whole', async (t) => {
  for (const options of BOTH) {
    const { get, count } = await stage(t, WHOLE, options)
    await get()
    for (const range of ['bytes=10-', 'bytes=10-20', 'bytes=99-99', 'bytes=-0', 'bytes=99999999999999999999-']) {
      const { statusCode, text, headers, cache } = await get('/', { range })
      assert.match(cache, /^hit/)
      assert.deepEqual([statusCode, text, headers['content-range']], [416, '', 'bytes */10'], range)
      // Its own length, and nothing that tells of the whole as if it were this.
      assert.deepEqual(
        [headers['content-length'], headers['content-type'], headers['etag']],
        ['0', undefined, undefined],
      )
    }
    assert.equal(count(), 1)
  }
})

test('[B.15] a 206 has the fields of the 200, its own length and where it lies', async (t) => {
  const fields: Fields = {
    'cache-control': 'max-age=60',
    'content-location': '/en',
    'content-type': 'text/plain',
    etag: '"e"',
    expires: 'Thu, 18 Aug 2050 02:01:18 GMT',
    'last-modified': LAST_MODIFIED,
    vary: 'x-v',
    'x-own': 'kept',
  }
  for (const options of BOTH) {
    for (const length of [{}, { 'content-length': '10' }]) {
      const { get, clock } = await stage(
        t,
        () => ({ fields: { ...fields, ...length, date: date(clock.now(), -5) }, body: BODY }),
        options,
      )
      const made = date(clock.now(), -5)
      await get()
      clock.pass(10)
      const { statusCode, headers } = await get('/', { range: 'bytes=2-4' })
      const { 'cache-status': _, ...rest } = headers
      assert.equal(statusCode, 206)
      assert.deepEqual(rest, {
        ...fields,
        date: made,
        age: '15',
        'content-range': 'bytes 2-4/10',
        'content-length': '3',
      })
    }
  }
})

test('[B.15] a digest of the content is not that of a part; one of the representation is', async (t) => {
  for (const options of BOTH) {
    const digests = { 'content-digest': 'sha-256=:MTI=:', 'repr-digest': 'sha-256=:MTI=:' }
    const { get } = await stage(t, { ...control('max-age=60', digests), body: BODY }, options)
    await get()
    const ask = async (fields: RequestFields) => {
      const { headers } = await get('/', fields)
      return [headers['content-digest'], headers['repr-digest']]
    }
    assert.deepEqual(await ask({}), Object.values(digests))
    assert.deepEqual(await ask({ range: 'bytes=2-4' }), [undefined, digests['repr-digest']])
  }
})

test('[B.16] one range is no multipart; several are answered by the whole', async (t) => {
  for (const options of BOTH) {
    const { get, count } = await stage(t, WHOLE, options)
    await get()
    const one = await get('/', { range: 'bytes=2-4' })
    assert.deepEqual([one.statusCode, one.headers['content-type'], one.text], [206, 'text/plain', '234'])
    for (const range of [
      'bytes=0-1,4-5',
      'bytes=0-1, 4-5',
      'bytes=0-0,-1',
      'bytes=0-1,2-3',
      'bytes=0-5,3-8',
      'bytes=0-1,90-',
    ]) {
      const { statusCode, headers, text, cache } = await get('/', { range })
      assert.match(cache, /^hit/)
      assert.deepEqual([statusCode, headers['content-type'], text], [200, 'text/plain', BODY], range)
      assert.equal(headers['content-range'], undefined)
    }
    assert.equal(count(), 1)
  }
})

test('[B.16] where nothing is stored the origin answers several, and its multipart is not stored', async (t) => {
  const multipart =
    '--x\r\ncontent-range: bytes 0-1/10\r\n\r\n01\r\n--x\r\ncontent-range: bytes 4-5/10\r\n\r\n45\r\n--x--'
  for (const options of BOTH) {
    const { get, received, cache, count } = await stage(
      t,
      ({ headers }) =>
        headers.range === undefined
          ? WHOLE
          : {
              status: 206,
              ...control('max-age=60', { etag: '"e"', 'content-type': 'multipart/byteranges; boundary=x' }),
              body: multipart,
            },
      options,
    )
    const several = { range: 'bytes=0-1,4-5' }
    for (const n of [1, 2]) {
      const { statusCode, text } = await get('/', several)
      assert.deepEqual([statusCode, text, received(n).range], [206, multipart, several.range])
    }
    await cache.manager.runPendingTasks()
    assert.equal(cache.manager.entryCount, 0)
    assert.equal((await get()).text, BODY)
    assert.equal(count(), 3)
  }
})

test('[B.18] a part in a unit that nobody knows changes nothing that is stored', async (t) => {
  for (const options of BOTH) {
    for (const where of ['items 0-4/10', 'bytes 0-4/10', 'items 0-4/*', '0-4', '']) {
      const { get, clock, cache, count } = await stage(
        t,
        [WHOLE, { status: 206, ...control('max-age=60', { etag: '"e"', 'content-range': where }), body: 'items' }],
        options,
      )
      await get()
      clock.pass(61)
      const part = await get('/', { range: where.startsWith('bytes') ? 'bytes=0-4' : 'items=0-4' })
      assert.deepEqual([part.statusCode, part.text, part.headers['content-range']], [206, 'items', where])
      assert.equal(count(), 2)
      await cache.manager.runPendingTasks()
      assert.equal(cache.manager.entryCount, 1)
      const before = await get('/', { 'cache-control': 'max-stale' })
      assert.match(before.cache, /^hit/)
      assert.deepEqual([before.statusCode, before.text, before.headers['age']], [200, BODY, '61'])
    }
  }
})

test('[B.19] parts with one strong validator that make up the whole are not combined: all come from the origin', async (t) => {
  for (const options of BOTH) {
    const { get, cache, count } = await stage(
      t,
      ({ headers }) => {
        const [, first, last] = /^bytes=(\d)-(\d)$/.exec(headers.range ?? '') ?? []
        if (first === undefined || last === undefined) return WHOLE
        const fields = { ...WHOLE.fields, 'content-range': `bytes ${first}-${last}/10` }
        return { status: 206, fields, body: BODY.slice(Number(first), Number(last) + 1) }
      },
      options,
    )
    const ask = async (fields: RequestFields) => {
      const { statusCode, text, headers } = await get('/', fields)
      return [statusCode, text, headers['content-range']]
    }
    assert.deepEqual(await ask({ range: 'bytes=0-4' }), [206, '01234', 'bytes 0-4/10'])
    assert.deepEqual(await ask({ range: 'bytes=5-9' }), [206, '56789', 'bytes 5-9/10'])
    assert.equal((await get('/', { 'cache-control': 'only-if-cached' })).statusCode, 504)
    assert.deepEqual(await ask({ range: 'bytes=0-9' }), [206, BODY, 'bytes 0-9/10'])
    await cache.manager.runPendingTasks()
    assert.equal(cache.manager.entryCount, 0)
    const whole = await get()
    assert.match(whole.cache, /^fwd=uri-miss; stored/)
    assert.deepEqual([whole.statusCode, whole.text, whole.headers['content-range']], [200, BODY, undefined])
    assert.equal(count(), 4)
    // From here on the other way round: parts of the whole that is stored.
    assert.deepEqual(await ask({ range: 'bytes=5-9' }), [206, '56789', 'bytes 5-9/10'])
    assert.equal(count(), 4)
  }
})
