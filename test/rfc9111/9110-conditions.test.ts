/** RFC 9110 section 13: conditional requests, as far as a stored response answers them, and the 304 of section 15.4.5. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { BOTH, control, date, LAST_MODIFIED, stage, type Fields, type Reply, type RequestFields } from './stage.ts'

const BODY = '0123456789'
const EARLIER = 'Wed, 21 Oct 2015 07:27:59 GMT'
const VALIDATORS = { etag: '"e"', 'last-modified': LAST_MODIFIED }

/** Asks what is stored, and sees that it is the stored that answers: status and text. */
async function stored(t: TestContext, reply: Reply, options = {}) {
  const { get, count } = await stage(t, reply, options)
  await get()
  return async (fields: RequestFields, method = 'GET') => {
    const answer = await get('/', fields, method)
    assert.match(answer.cache, /^hit/, JSON.stringify(fields))
    assert.equal(count(), 1)
    return [answer.statusCode, answer.text]
  }
}

test('[B.6] If-None-Match compares weakly, member by member; * matches all', async (t) => {
  const cases: [etag: string | undefined, asked: string, expected: number][] = [
    ['W/"a"', '"a"', 304],
    ['"a"', 'W/"a"', 304],
    ['W/"a"', 'W/"a"', 304],
    ['"a"', '"a"', 304],
    ['"a"', '"x", "a"', 304],
    ['"a"', 'W/"x",W/"a" ,"y"', 304],
    ['"a"', '*', 304],
    ['W/"a"', ' * ', 304],
    ['"a,b"', '"x", "a,b"', 304],
    ['""', '""', 304],
    [undefined, '*', 304],
    ['"a"', '"A"', 200],
    ['"a"', '"b"', 200],
    ['"a"', 'W/"b", "aa"', 200],
    ['"a"', '"x,"a"', 200],
    ['"a,b"', '"a", "b"', 200],
    ['"a"', 'a', 200],
    ['"a"', '"*"', 200],
    ['"a"', '', 200],
    ['""', '"a"', 200],
    [undefined, '"a"', 200],
  ]
  for (const options of BOTH) {
    for (const [etag, asked, expected] of cases) {
      const ask = await stored(t, { ...control('max-age=60', etag === undefined ? {} : { etag }), body: BODY }, options)
      for (const method of ['GET', 'HEAD']) {
        const text = expected === 304 || method === 'HEAD' ? '' : BODY
        assert.deepEqual(await ask({ 'if-none-match': asked }, method), [expected, text], `${etag} ${asked}`)
      }
    }
  }
})

test('[B.7] If-Modified-Since is ignored beside If-None-Match, and when it is no date or several', async (t) => {
  for (const options of BOTH) {
    const ask = await stored(t, { ...control('max-age=60', VALIDATORS), body: BODY }, options)
    const status = async (fields: RequestFields) => (await ask(fields))[0]
    assert.equal(await status({ 'if-modified-since': LAST_MODIFIED }), 304)
    assert.equal(await status({ 'if-none-match': '"x"', 'if-modified-since': LAST_MODIFIED }), 200)
    assert.equal(await status({ 'if-none-match': '', 'if-modified-since': LAST_MODIFIED }), 200)
    assert.equal(await status({ 'if-none-match': '"e"', 'if-modified-since': EARLIER }), 304)
    for (const invalid of [
      '',
      'yesterday',
      '0',
      LAST_MODIFIED.replace('GMT', 'UTC'),
      LAST_MODIFIED.replace(' GMT', ''),
      '2050-10-21T07:28:00Z',
      'Wed, 31 Jun 2049 07:28:00 GMT',
      `${LAST_MODIFIED}, ${LAST_MODIFIED}`,
      `${LAST_MODIFIED}; length=10`,
    ]) {
      assert.equal(await status({ 'if-modified-since': invalid }), 200, invalid)
    }
  }
})

test('[B.7] it means nothing to other methods than GET and HEAD: they go to the origin', async (t) => {
  for (const options of BOTH) {
    for (const method of ['OPTIONS', 'QUERY', 'POST']) {
      const { get, count, received } = await stage(t, { ...control('max-age=60', VALIDATORS), body: BODY }, options)
      await get()
      const answer = await get('/', { 'if-modified-since': LAST_MODIFIED, 'if-none-match': '"e"' }, method)
      assert.deepEqual([answer.statusCode, answer.text], [200, BODY], method)
      assert.equal(count(), 2)
      assert.equal(received(2)['if-modified-since'], LAST_MODIFIED)
    }
  }
})

test('[B.8] conditions mean nothing to a response that is not 2xx', async (t) => {
  for (const options of BOTH) {
    for (const status of [301, 307, 308, 404, 410, 500]) {
      const ask = await stored(t, { status, ...control('max-age=60', VALIDATORS), body: BODY }, options)
      for (const fields of [
        { 'if-none-match': '"e"' },
        { 'if-none-match': '*' },
        { 'if-modified-since': LAST_MODIFIED },
        { range: 'bytes=0-1' },
        { range: 'bytes=90-' },
        { range: 'bytes=0-1', 'if-range': '"e"' },
      ]) {
        assert.deepEqual(await ask(fields), [status, BODY], JSON.stringify(fields))
        assert.deepEqual(await ask(fields, 'HEAD'), [status, ''])
      }
    }
    for (const status of [200, 203]) {
      const ask = await stored(t, { status, ...control('max-age=60', VALIDATORS), body: BODY }, options)
      assert.deepEqual(await ask({ 'if-none-match': '"e"' }), [304, ''], 'while these are')
    }
  }
})

test('[B.9] the range comes last, and only where the answer would be 200', async (t) => {
  const range = { range: 'bytes=2-4' }
  const cases: [fields: RequestFields, expected: [number, string]][] = [
    [{ 'if-none-match': '"e"' }, [304, '']],
    [{ 'if-modified-since': LAST_MODIFIED }, [304, '']],
    [{ 'if-none-match': '"x"' }, [206, '234']],
    [{ 'if-modified-since': EARLIER }, [206, '234']],
    [{ 'if-none-match': '"x"', 'if-modified-since': LAST_MODIFIED }, [206, '234']],
    [{ 'if-none-match': '"e"', 'if-range': '"x"' }, [304, '']],
    [{ 'if-none-match': '"e"', 'if-range': '"e"' }, [304, '']],
    [{ 'if-none-match': '"x"', 'if-range': '"e"' }, [206, '234']],
    [{ 'if-none-match': '"x"', 'if-range': '"x"' }, [200, BODY]],
    [{ 'if-modified-since': EARLIER, 'if-range': '"x"' }, [200, BODY]],
    [{ 'if-none-match': '"e"', range: 'bytes=90-' }, [304, '']],
    [{ 'if-none-match': '"x"', range: 'bytes=90-' }, [416, '']],
  ]
  for (const options of BOTH) {
    const ask = await stored(t, { ...control('max-age=60', VALIDATORS), body: BODY }, options)
    for (const [fields, expected] of cases) {
      assert.deepEqual(await ask({ ...range, ...fields }), expected, JSON.stringify(fields))
    }
    // If-Match comes before all of them, and is the origin's to judge.
    const { get, count } = await stage(t, { ...control('max-age=60', VALIDATORS), body: BODY }, options)
    await get()
    await get('/', { ...range, 'if-match': '"e"', 'if-none-match': '"e"' })
    assert.equal(count(), 2)
  }
})

test('[B.10] a 304 has the fields that the 200 has of those it must have, an Age, and no others', async (t) => {
  const must: Fields = {
    'content-location': '/en',
    etag: '"e"',
    vary: 'x-v',
    'cache-control': 'max-age=60',
    expires: 'Thu, 18 Aug 2050 02:01:18 GMT',
  }
  for (const options of BOTH) {
    for (const named of [must, { 'cache-control': 'max-age=60', etag: '"e"' }]) {
      const others = { 'content-type': 'text/plain', 'content-language': 'en', 'content-length': '10' }
      const { get, clock, count } = await stage(
        t,
        () => ({ fields: { ...named, ...others, date: date(clock.now(), -5) }, body: BODY }),
        options,
      )
      const made = date(clock.now(), -5)
      await get()
      clock.pass(10)
      for (const method of ['GET', 'HEAD']) {
        const { statusCode, headers, text } = await get('/', { 'if-none-match': '"e"' }, method)
        const { 'cache-status': _, ...fields } = headers
        assert.deepEqual([statusCode, text], [304, ''])
        assert.deepEqual(fields, { ...named, date: made, age: '15' })
      }
      assert.equal(count(), 1)
    }
  }
})

test('[B.17] If-Range: an exact and strong match, else the whole; nothing without a Range', async (t) => {
  const cases: [fields: Fields, ifRange: string, expected: 200 | 206][] = [
    [{ etag: '"e"' }, '"e"', 206],
    [{ etag: '"e"' }, '"E"', 200],
    [{ etag: '"e"' }, 'W/"e"', 200],
    [{ etag: 'W/"e"' }, 'W/"e"', 200],
    [{ etag: 'W/"e"' }, '"e"', 200],
    [{ etag: '"e"' }, '"x", "e"', 200],
    [{ etag: '"e"' }, '*', 200],
    [{ etag: '"e"' }, '', 200],
    [{}, '"e"', 200],
    [VALIDATORS, LAST_MODIFIED, 206],
    [VALIDATORS, EARLIER, 200],
    [VALIDATORS, 'Wed, 21 Oct 2015 07:28:01 GMT', 200],
    [VALIDATORS, 'Wednesday, 21-Oct-15 07:28:00 GMT', 200],
    [{ etag: '"e"' }, LAST_MODIFIED, 200],
    [{ ...VALIDATORS, date: LAST_MODIFIED, expires: 'Thu, 18 Aug 2050 02:01:18 GMT' }, LAST_MODIFIED, 200],
  ]
  for (const options of BOTH) {
    for (const [fields, ifRange, expected] of cases) {
      const cacheControl = 'expires' in fields ? {} : { 'cache-control': 'max-age=60' }
      const ask = await stored(t, { fields: { ...cacheControl, ...fields }, body: BODY }, options)
      const asked = { range: 'bytes=2-4', 'if-range': ifRange }
      assert.deepEqual(await ask(asked), expected === 206 ? [206, '234'] : [200, BODY], JSON.stringify([fields, asked]))
      assert.deepEqual(await ask({ 'if-range': ifRange }), [200, BODY], 'without Range')
      assert.deepEqual(await ask({ 'if-range': '"other"' }), [200, BODY], 'without Range')
    }
  }
})
