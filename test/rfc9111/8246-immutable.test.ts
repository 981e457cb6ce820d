/** RFC 8246: the immutable directive. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { fetch } from 'undici'
import type { TestCacheOptions } from '../helpers/cache.ts'
import { answer, BOTH, control, named, stage, type Reply, type RequestFields, type Respond } from './stage.ts'

const HTTPS = 'https://one.test/'
const RELOAD = { 'cache-control': 'max-age=0' }

/** A cache that sees whatever origin is named, and validates what it has with this answer. */
async function start(t: TestContext, reply: Reply | Respond, options: TestCacheOptions) {
  const staged = await stage(t, reply, options)
  const dispatcher = named(t, staged, options)
  return {
    ...staged,
    dispatcher,
    ask: (headers: RequestFields = {}, url = HTTPS) => answer(dispatcher, url, { headers }),
  }
}

/** 304 where it is asked for, else the response. */
function validating(value: string | string[]): Respond {
  return ({ headers }) => ({
    status: headers['if-none-match'] === '"e"' ? 304 : 200,
    ...control(value, { etag: '"e"' }),
  })
}

test('[D.1] while it is fresh a reload does not ask the origin, unless it is forced', async (t) => {
  for (const options of BOTH) {
    const { ask, clock, count, received } = await start(t, validating('max-age=60, immutable'), options)
    await ask()
    for (const age of [0, 10, 49]) {
      clock.pass(age)
      assert.match((await ask(RELOAD)).cache, /^hit/)
      assert.match((await ask()).cache, /^hit/)
    }
    assert.equal(count(), 1)
    for (const forced of [{ 'cache-control': 'no-cache' }, { pragma: 'no-cache' }]) {
      const before = count()
      assert.match((await ask(forced)).cache, /^fwd=request; fwd-status=304/)
      assert.equal(received(before + 1)['if-none-match'], '"e"')
    }
    const both = await ask({ 'cache-control': 'max-age=0, no-cache' })
    assert.match(both.cache, /^fwd=request; fwd-status=304/)
  }
})

test('[D.1] what is not immutable is validated for a reload', async (t) => {
  for (const options of BOTH) {
    const { ask } = await start(t, validating('max-age=60'), options)
    await ask()
    assert.match((await ask(RELOAD)).cache, /^fwd=request; fwd-status=304/)
    assert.match((await ask()).cache, /^hit/)
  }
})

test('[D.1] fetch with cache no-cache is a reload, with cache reload it is forced', async (t) => {
  for (const options of BOTH) {
    const { dispatcher, count, received } = await start(t, validating('max-age=60, immutable'), options)
    const ask = async (cache: 'default' | 'no-cache' | 'reload') => {
      const response = await fetch(HTTPS, { dispatcher, cache })
      assert.equal(await response.text(), 'body')
      return count()
    }
    assert.equal(await ask('default'), 1)
    assert.equal(await ask('no-cache'), 1)
    assert.equal(await ask('reload'), 2)
    assert.equal(received(2)['cache-control'], 'no-cache', 'as fetch says it')
  }
})

test('[D.2] once stale it is validated as usual, and is immutable again after that', async (t) => {
  for (const options of BOTH) {
    for (const reload of [{}, RELOAD]) {
      const { ask, clock, count } = await start(t, validating('max-age=60, immutable'), options)
      await ask()
      clock.pass(60)
      assert.match((await ask(reload)).cache, /^fwd=(stale|request); fwd-status=304/)
      assert.equal(count(), 2)
      assert.match((await ask(RELOAD)).cache, /^hit/)
      assert.equal(count(), 2)
    }
    const window = await start(t, validating('max-age=60, immutable, stale-while-revalidate=60'), options)
    await window.ask()
    window.clock.pass(60)
    assert.match((await window.ask(RELOAD)).cache, /^fwd=request; fwd-status=304/)
    for (const value of ['immutable', 'max-age=0, immutable']) {
      const { ask, count } = await start(t, validating(value), options)
      await ask()
      await ask()
      assert.equal(count(), 2, `${value}: it is no lifetime`)
    }
    const { ask, clock } = await start(
      t,
      (_request, count) => ({ ...control(`max-age=60${count === 1 ? ', immutable' : ''}`), body: `answer ${count}` }),
      options,
    )
    await ask()
    clock.pass(60)
    assert.equal((await ask()).text, 'answer 2', 'nor a promise for ever')
    assert.equal((await ask(RELOAD)).text, 'answer 3')
  }
})

test('[D.3] arguments mean nothing, several are as one, letter case does not count', async (t) => {
  for (const options of BOTH) {
    for (const value of [
      'max-age=60, immutable=1',
      'max-age=60, immutable="x, y"',
      'max-age=60, immutable=0',
      'max-age=60, immutable, immutable',
      'immutable=1, max-age=60, immutable',
      'max-age=60, Immutable',
      'IMMUTABLE,max-age=60',
      ['max-age=60', 'immutable'],
    ]) {
      const { ask } = await start(t, validating(value), options)
      await ask()
      assert.match((await ask(RELOAD)).cache, /^hit/, String(value))
    }
    for (const value of ['max-age=60, immutables', 'max-age=60, x="immutable"', 'max-age=60, im mutable']) {
      const { ask } = await start(t, validating(value), options)
      await ask()
      assert.match((await ask(RELOAD)).cache, /^fwd=request/, value)
    }
  }
})

test('[D.3] in a request it means nothing', async (t) => {
  for (const options of BOTH) {
    const { ask, clock } = await start(t, validating('max-age=60'), options)
    await ask({ 'cache-control': 'immutable' })
    assert.match((await ask({ 'cache-control': 'max-age=0, immutable' })).cache, /^fwd=request/)
    assert.match((await ask({ 'cache-control': 'immutable' })).cache, /^hit/)
    clock.pass(60)
    assert.match((await ask({ 'cache-control': 'immutable' })).cache, /^fwd=stale/)
  }
})

test('[D.4] it is ignored where the response did not come by https', async (t) => {
  for (const options of BOTH) {
    const { ask, clock, count } = await start(t, validating('max-age=60, immutable'), options)
    for (const url of ['http://one.test/', 'http://one.test:443/', 'http://one.test/?https:']) {
      await ask({}, url)
      assert.match((await ask({}, url)).cache, /^hit/)
      assert.match((await ask(RELOAD, url)).cache, /^fwd=request; fwd-status=304/, url)
    }
    clock.pass(30)
    const before = count()
    assert.match((await ask({ 'cache-control': 'max-age=10' }, 'http://one.test/')).cache, /^fwd=request/)
    assert.equal(count(), before + 1)
  }
})

test('[D.4] a body that ends with its connection is not stored at all', async (t) => {
  const head = 'HTTP/1.1 200 OK\r\ncache-control: max-age=60, immutable\r\netag: "e"\r\nconnection: close\r\n\r\n'
  for (const options of BOTH) {
    const { ask, count, cache } = await start(
      t,
      (_request, _count, response) => {
        response.socket?.end(`${head}body`)
        return undefined
      },
      options,
    )
    for (const n of [1, 2]) {
      assert.equal((await ask(RELOAD)).text, 'body')
      assert.equal(count(), n)
    }
    await cache.manager.runPendingTasks()
    assert.equal(cache.manager.entryCount, 0)
  }
})
