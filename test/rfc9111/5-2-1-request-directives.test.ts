/** RFC 9111 section 5.2.1: directives of requests. */
import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { answer, BOTH, control, filesWith, LAST_MODIFIED, named, reuse, stage, type Fields } from './stage.ts'

test('[A83] max-age: a response of at most that age', async (t) => {
  for (const options of BOTH) {
    const reused = await reuse(t, options)
    const atAge = (directive: string, age: { pass?: number; fields?: Fields }) =>
      reused(control('max-age=100', age.fields), {
        first: {},
        second: { 'cache-control': directive },
        pass: age.pass ?? 0,
      })
    for (const age of [{ pass: 10 }, { fields: { age: '10' } }, { pass: 4, fields: { age: '6' } }]) {
      assert.equal(await atAge('max-age=11', age), true)
      assert.equal(await atAge('max-age=10', age), true)
      assert.equal(await atAge('max-age=9', age), false)
      assert.equal(await atAge('max-age=0', age), false)
      assert.equal(await atAge('max-age=x', age), false)
    }
    assert.equal(await atAge('max-age=0', {}), false, 'an answer of this moment, too')
    assert.equal(await atAge('max-age=1000', { pass: 100 }), false, 'it makes nothing fresh')
  }
})

test('[A84] max-stale: a response that is stale by no more than that, or by any time', async (t) => {
  for (const options of BOTH) {
    const reused = await reuse(t, options)
    const stale = (directive: string, seconds: number, ofResponse = 'max-age=10') =>
      reused(control(ofResponse), { first: {}, second: { 'cache-control': directive }, pass: 10 + seconds })
    assert.equal(await stale('max-stale=5', 5), true)
    assert.equal(await stale('max-stale=5', 4), true)
    assert.equal(await stale('max-stale=5', 6), false)
    assert.equal(await stale('max-stale=0', 1), false)
    assert.equal(await stale('max-stale=x', 1), false)
    assert.equal(await stale('max-stale', 1e8), true)
    assert.equal(await stale('foo', 0), false)
    assert.equal(await stale('max-stale', 1, 'max-age=10, must-revalidate'), false)
    assert.equal(await stale('max-stale', 1, 'max-age=10, no-cache'), false)
    assert.equal(await stale('max-stale=20, max-age=5', 5), true, 'older by what it may be stale')
  }
})

test('[A85] min-fresh: a response that stays fresh for so long', async (t) => {
  for (const options of BOTH) {
    const reused = await reuse(t, options)
    const minFresh = (directive: string, pass = 4) =>
      reused(control('max-age=10'), { first: {}, second: { 'cache-control': directive }, pass })
    assert.equal(await minFresh('min-fresh=5'), true)
    assert.equal(await minFresh('min-fresh=6'), true)
    assert.equal(await minFresh('min-fresh=7'), false)
    assert.equal(await minFresh('min-fresh=0'), true)
    assert.equal(await minFresh('min-fresh=0', 10), false)
    assert.equal(await minFresh('min-fresh=1000'), false)
  }
})

test('[A86] no-cache: what is stored is validated before its use, by all validators that it has', async (t) => {
  const sets: Fields[] = [
    { etag: '"e"' },
    { 'last-modified': LAST_MODIFIED },
    { etag: '"e"', 'last-modified': LAST_MODIFIED },
    {},
  ]
  for (const options of BOTH) {
    for (const validators of sets) {
      const { get, received, count } = await stage(
        t,
        ({ headers }) =>
          headers['if-none-match'] === undefined && headers['if-modified-since'] === undefined
            ? control('max-age=100', validators)
            : { status: 304, fields: validators },
        options,
      )
      await get()
      const { cache, text } = await get('/', { 'cache-control': 'no-cache' })
      const isConditional = Object.keys(validators).length > 0
      assert.match(cache, isConditional ? /^fwd=request; fwd-status=304/ : /^fwd=request; stored/)
      assert.equal(text, 'body')
      const { 'if-none-match': none, 'if-modified-since': since } = received(2)
      assert.deepEqual([none, since], [validators['etag'], validators['last-modified']])
      assert.match((await get()).cache, /^hit/)
      assert.equal(count(), 2)
    }
  }
})

test('[A86] so is a fresh immutable response, which a reload leaves as it is', async (t) => {
  for (const options of BOTH) {
    const staged = await stage(t, control('max-age=100, immutable', { etag: '"e"' }), options)
    const dispatcher = named(t, staged, options)
    const ask = (value?: string) =>
      answer(dispatcher, 'https://one.test/', value === undefined ? {} : { headers: { 'cache-control': value } })
    await ask()
    assert.match((await ask('max-age=0')).cache, /^hit/)
    assert.match((await ask('no-cache')).cache, /^fwd=request/)
    assert.match((await ask('max-age=0, no-cache')).cache, /^fwd=request/)
    assert.equal(staged.count(), 3)
  }
})

test('[A87] no-store: nothing of the request or of its answer is stored', async (t) => {
  for (const options of BOTH) {
    const { get, count, cache } = await stage(
      t,
      control('max-age=60', { 'x-planted': 'planted-field', vary: 'x-secret' }),
      options,
    )
    const headers = { 'x-secret': 'planted-secret' }
    for (const value of ['no-store', 'No-Store', 'max-age=60, no-store', 'no-store="x"']) {
      await get('/planted-path', { ...headers, 'cache-control': value })
    }
    assert.equal(count(), 4)
    assert.equal(cache.manager.entryCount, 0)
    await cache.manager.runPendingTasks()
    assert.deepEqual(await filesWith(cache.directory, 'planted'), [])
    assert.deepEqual(await filesWith(cache.directory, 'body'), [])
    assert.match((await get('/planted-path', headers)).cache, /^fwd=uri-miss; stored/)
    await cache.manager.close()
    assert.equal((await filesWith(cache.directory, 'planted-field')).length > 0, true, 'what is stored is found so')
  }
})

test('[A87] what is stored already may answer, and stays as it was', async (t) => {
  const noStore = { 'cache-control': 'no-store' }
  for (const options of BOTH) {
    const { get, clock, count } = await stage(
      t,
      [
        { ...control('max-age=10', { etag: '"e"' }), body: 'stored' },
        { status: 304, fields: { etag: '"e"', 'cache-control': 'max-age=100', 'x-of-304': 'yes' } },
        { status: 503 },
      ],
      options,
    )
    await get()
    assert.match((await get('/', noStore)).cache, /^hit/)
    assert.match((await get()).cache, /^hit/)
    clock.pass(20)
    assert.equal((await get('/', noStore)).text, 'stored')
    assert.equal((await get('/', noStore)).statusCode, 503)
    const { text, headers } = await get('/', { 'cache-control': 'max-stale' })
    assert.deepEqual([text, headers['cache-control'], headers['x-of-304']], ['stored', 'max-age=10', undefined])
    assert.equal(count(), 3)
  }
})

test('[A89] only-if-cached: a stored response or 504, never the origin', async (t) => {
  for (const options of BOTH) {
    const { get, clock, count, cache, origin } = await stage(
      t,
      ({ url }) => control(url === '/swr' ? 'max-age=10, stale-while-revalidate=60' : 'max-age=10', { etag: '"e"' }),
      options,
    )
    const only = async (path = '/', others = '', more = {}, method = 'GET') =>
      (await get(path, { 'cache-control': `only-if-cached${others}`, ...more }, method)).statusCode
    assert.equal(await only(), 504)
    assert.equal(await only('/', '', {}, 'HEAD'), 504)
    await get()
    await get('/swr')
    assert.equal(await only(), 200)
    assert.equal(await only('/', '', {}, 'HEAD'), 200)
    assert.equal(await only('/', '', { 'if-none-match': '"e"' }), 304)
    assert.equal(await only('/', '', { 'if-none-match': '"f"' }), 200)
    assert.equal(await only('/', '', { range: 'bytes=0-1' }), 206)
    assert.equal(await only('/', ', no-cache'), 504)
    assert.equal(await only('/', ', max-age=0'), 504)
    assert.equal(await only('/', ', min-fresh=60'), 504)
    // Conditions that only the origin may judge, and there is none to be asked; methods that nothing is stored for.
    assert.equal(await only('/', '', { 'if-match': '"e"' }), 504)
    assert.equal(await only('/', '', { 'if-unmodified-since': LAST_MODIFIED }), 504)
    for (const method of ['OPTIONS', 'TRACE', 'QUERY']) assert.equal(await only('/', '', {}, method), 504, method)
    const content = Readable.from(['content'])
    for (const body of ['content', content]) {
      const headers = { 'cache-control': 'only-if-cached' }
      const { statusCode } = await cache.dispatcher.request({
        origin: origin.url,
        path: '/',
        method: 'GET',
        headers,
        body,
      })
      assert.equal(statusCode, 504, 'with content that only the origin understands')
    }
    assert.equal(content.destroyed, true)
    clock.pass(20)
    assert.equal(await only(), 504)
    assert.equal(await only('/', ', max-stale=5'), 504)
    assert.equal(await only('/', ', max-stale=10'), 200)
    assert.equal(await only('/', ', max-stale'), 200)
    assert.equal(await only('/', '', { 'if-none-match': '"e"' }), 504)
    assert.equal(await only('/swr'), 200, 'allowed stale')
    await cache.manager.runPendingTasks()
    assert.equal(count(), 2)
    assert.equal(await only('/', '', {}, 'POST'), 200, 'what is not safe is written through')
    assert.equal(count(), 3)
  }
})
