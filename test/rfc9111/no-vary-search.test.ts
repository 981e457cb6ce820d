/** No-Vary-Search (draft-ietf-httpbis-no-vary-search), behind the option `noVarySearch`. */
import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { test, type TestContext } from 'node:test'
import type { TestCacheOptions } from '../helpers/cache.ts'
import { control, stage, type Reply, type Respond, type Stage } from './stage.ts'

const OPTIONS = { interceptor: { noVarySearch: true } }

/** A stage whose every answer is stored before the next request: a commit under another key is not waited for. */
async function stageOf(
  t: TestContext,
  script: Reply | readonly Reply[] | Respond,
  options: TestCacheOptions = OPTIONS,
): Promise<Stage> {
  const staged = await stage(t, script, options)
  const get: Stage['get'] = async (...request) => {
    const answer = await staged.get(...request)
    await staged.cache.manager.runPendingTasks()
    return answer
  }
  return { ...staged, get }
}

function saying(value: string, more = 'max-age=100'): Reply {
  return control(more, value === '' ? {} : { 'no-vary-search': value })
}

/** Whether what is stored for one query answers the other. */
async function answers(t: TestContext, value: string, first: string, second: string, options = OPTIONS) {
  const { get, count } = await stageOf(t, saying(value), options)
  await get(`/path?${first}`)
  await get(`/path?${second}`)
  return count() === 1
}

test('a stored response answers for queries that differ in what it says does not matter', async (t) => {
  const cases: [value: string, first: string, second: string, expected: boolean][] = [
    ['key-order', 'a=1&b=2', 'b=2&a=1', true],
    ['key-order', 'a=1&a=2', 'a=2&a=1', false],
    ['key-order', 'a=1', 'a=2', false],
    ['params', 'a=1', 'b=2&c', true],
    ['params=?0', 'a=1', 'a=2', false],
    ['params=("a")', 'a=1&b=2', 'b=2&a=3', true],
    ['params=("a")', 'a=1&b=2', 'a=1&b=3', false],
    ['params=("a"), key-order', 'c=1&a=1&b=2', 'b=2&c=1', true],
    ['params=("a")', 'c=1&b=2', 'b=2&c=1', false],
    ['params, except=("b")', 'a=1&b=2', 'b=2&c=3', true],
    ['params, except=("b")', 'a=1&b=2', 'a=1&b=3', false],
    ['params=("a b")', 'a+b=1', 'a%20b=2', true],
    ['params=("a%20b" "%C3%A9")', 'a+b=1&%c3%a9=1', '%C3%A9=2', true],
    ['params=("a=b" "c%26d")', 'a%3Db=1&c%26d=1', '', true],
    ['key-order=?0', 'a=1&b=2', 'b=2&a=1', false],
    ['', 'a=1', 'a=2', false],
  ]
  for (const [value, first, second, expected] of cases) {
    assert.equal(await answers(t, value, first, second), expected, `${value}: ${first}, ${second}`)
  }
})

test('a field that is not understood has no effect', async (t) => {
  for (const value of [
    'key-order=1',
    'key-order="a"',
    'params="a"',
    'params=(a)',
    'params=("a" 1)',
    'params=("a"), except=("b")',
    'except=("b")',
    'params=?0, except=("b")',
    'params, except',
    'params, other',
    'params, &&',
  ]) {
    assert.equal(await answers(t, value, 'a=1', 'a=2&b=1'), false, value)
    assert.equal(await answers(t, value, 'a=1', 'a=1'), true, `${value}: the same query`)
  }
})

test('nothing of it holds without the option, for other paths, and for what is not fresh', async (t) => {
  assert.equal(await answers(t, 'params', 'a=1', 'a=2', { interceptor: { noVarySearch: false } }), false)
  const { get, clock, count } = await stageOf(t, saying('params'))
  await get('/path?a=1')
  await get('/path/?a=1')
  await get('/Path?a=1')
  assert.equal(count(), 3)
  await get('/path')
  assert.equal(count(), 3, 'a URI without a query as well')
  clock.pass(100)
  await get('/path?a=2')
  assert.equal(count(), 4)
})

test('what is stored for the query itself goes before what is equivalent', async (t) => {
  const { get } = await stageOf(t, ({ url }, count) => ({
    ...saying(url?.endsWith('1') ? '' : 'params'),
    body: `${count}`,
  }))
  assert.deepEqual([(await get('/path?a=1')).text, (await get('/path?a=2')).text], ['1', '2'])
  assert.deepEqual([(await get('/path?a=1')).text, (await get('/path?a=3')).text], ['1', '2'])
})

test('what was asked for by another Host is equivalent to nothing', async (t) => {
  const { get, count } = await stageOf(t, saying('params'))
  await get('/path?a=1', { host: 'evil.example' })
  await get('/path?a=2')
  await get('/path', { host: 'other.example' })
  assert.equal(count(), 3)
  await get('/path?a=3', { host: 'evil.example' })
  assert.equal(count(), 3)
})

test('Vary holds between equivalent queries too', async (t) => {
  const { get, count } = await stageOf(t, control('max-age=100', { 'no-vary-search': 'params', vary: 'x-a' }))
  await get('/path?a=1', { 'x-a': '1' })
  await get('/path?a=2', { 'x-a': '2' })
  await get('/path?a=3', { 'x-a': '1' })
  assert.equal(count(), 2)
})

test('what invalidates a URI invalidates what would answer for it, and no more', async (t) => {
  const { get, count } = await stageOf(t, saying('key-order'))
  await get('/path?a=1&b=2')
  await get('/path?a=1&b=3')
  await get('/path?b=2&a=1', {}, 'POST')
  assert.equal(count(), 3)
  await get('/path?b=3&a=1')
  assert.equal(count(), 3)
  await get('/path?a=1&b=2')
  assert.equal(count(), 4)
})

test('nor is what is under way stored when what it would answer for was invalidated meanwhile', async (t) => {
  const arrived = Promise.withResolvers<ServerResponse>()
  let isFirst = true
  const { get, count } = await stageOf(t, ({ url, method }, _count, response) => {
    if (method === 'POST' || url !== '/path?a=1&b=2' || !isFirst) return saying('')
    isFirst = false
    response.writeHead(200, saying('key-order').fields)
    response.write('be')
    arrived.resolve(response)
    return undefined
  })
  const begun = get('/path?a=1&b=2')
  const response = await arrived.promise
  await get('/path?b=2&a=1', {}, 'POST')
  response.end('gun')
  assert.equal((await begun).text, 'begun')
  await get('/path?b=2&a=1')
  assert.equal(count(), 3)
})

test('a 304 may change what matters', async (t) => {
  const { get, clock, count } = await stageOf(t, [
    control('max-age=10', { 'no-vary-search': 'params', etag: '"e"' }),
    { status: 304, fields: { 'cache-control': 'max-age=100', 'no-vary-search': 'key-order', etag: '"e"' } },
    control('max-age=100', { etag: '"e"' }),
  ])
  await get('/path?a=1&b=2')
  clock.pass(20)
  await get('/path?a=1&b=2')
  await get('/path?b=2&a=1')
  assert.equal(count(), 2)
  await get('/path?a=2')
  assert.equal(count(), 3)
})

test('it is known again after a restart', async (t) => {
  const first = await stageOf(t, saying('params'))
  await first.get('/path?a=1')
  await first.cache.manager.close()
  const { directory } = first.cache
  const again = await stageOf(t, saying('params'), { ...OPTIONS, directory, clock: first.clock.now })
  await again.cache.manager.runPendingTasks()
  const { text } = await again.cache.get(`${first.origin.url}/path?a=2`)
  assert.deepEqual([text, first.count()], ['body', 1])
})
