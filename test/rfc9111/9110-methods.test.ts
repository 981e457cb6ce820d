/** RFC 9110 section 9: which methods a stored response answers, and which are safe. */
import assert from 'node:assert/strict'
import { createServer, type AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import type { Dispatcher } from 'undici'
import { startCache, type TestCacheOptions } from '../helpers/cache.ts'
import { BOTH, control, LAST_MODIFIED, PRIVATE, stage, type Fields } from './stage.ts'

test('[B.11] a stored response to GET answers HEAD with the same fields and no content', async (t) => {
  const fields: Fields = { 'content-type': 'text/plain', etag: '"e"', link: ['</a>; rel=x', '</b>; rel=y'] }
  for (const options of BOTH) {
    for (const length of [{ 'content-length': '4' }, {}]) {
      const { get, count } = await stage(t, control('max-age=60', { ...fields, ...length }), options)
      await get()
      const byGet = await get()
      const byHead = await get('/', {}, 'HEAD')
      assert.match(byHead.cache, /^hit/)
      assert.deepEqual([byGet.text, byHead.text, byHead.statusCode], ['body', '', 200])
      assert.deepEqual(byHead.headers, byGet.headers)
      assert.equal(byHead.headers['content-length'], length['content-length'])
      assert.equal(count(), 1)
    }
  }
})

test('[B.11] a 404 and a redirect answer it, too; a response to HEAD does not answer GET', async (t) => {
  for (const options of BOTH) {
    for (const status of [301, 404]) {
      const { get, count } = await stage(t, { status, ...control('max-age=60', { 'content-length': '4' }) }, options)
      await get()
      assert.equal((await get('/', {}, 'HEAD')).statusCode, status)
      assert.equal(count(), 1)
    }
    const { get, count } = await stage(t, control('max-age=60', { 'content-length': '4' }), options)
    await get('/', {}, 'HEAD')
    assert.match((await get('/', {}, 'HEAD')).cache, /^hit/)
    assert.equal((await get()).text, 'body')
    assert.equal(count(), 2)
  }
})

/** Whether a POST is answered so that GET, and HEAD, need not ask. */
async function answersGet(
  t: TestContext,
  fields: Fields | ((url: string) => Fields),
  options: TestCacheOptions,
  { status = 200, request = {}, method = 'POST' }: { status?: number; request?: object; method?: string } = {},
) {
  const { get, count, origin } = await stage(
    t,
    () => ({ status, fields: typeof fields === 'function' ? fields(origin.url) : fields, body: `answer ${count()}` }),
    options,
  )
  await get('/a/b?c', { ...request }, method)
  const head = await get('/a/b?c', {}, 'HEAD')
  const isByHead = count() === 1
  const { text } = await get('/a/b?c')
  assert.equal(text === 'answer 1', isByHead)
  assert.equal(head.statusCode, status)
  // Whatever is stored, a POST is for the origin.
  const before = count()
  assert.equal((await get('/a/b?c', {}, method)).text, `answer ${before + 1}`)
  return isByHead
}

test('[B.12] a response to POST that states its freshness and is of the target answers GET and HEAD, no POST', async (t) => {
  const state = (location: string, value = 'max-age=60') => ({ 'cache-control': value, 'content-location': location })
  for (const options of BOTH) {
    for (const location of ['/a/b?c', 'b?c', './b?c', '../a/b?c']) {
      assert.equal(await answersGet(t, state(location), options), true, location)
    }
    assert.equal(await answersGet(t, (url) => state(`${url}/a/b?c`), options), true)
    assert.equal(await answersGet(t, (url) => state(url.replace('http:', '') + '/a/b?c'), options), true)
    const expires = { expires: 'Thu, 18 Aug 2050 02:01:18 GMT', 'content-location': '/a/b?c' }
    assert.equal(await answersGet(t, expires, options), true)
    assert.equal(await answersGet(t, state('/a/b?c', 's-maxage=60'), options), options !== PRIVATE)
    assert.equal(await answersGet(t, state('/a/b?c', 'private, max-age=60'), options), options === PRIVATE)
  }
})

test('[B.12] else it does not: of another URI or of none, with a guess only, or not to be stored', async (t) => {
  const target = { 'content-location': '/a/b?c' }
  const fresh = { 'cache-control': 'max-age=60' }
  for (const options of BOTH) {
    for (const fields of [
      fresh,
      { ...fresh, 'content-location': '/a/b' },
      { ...fresh, 'content-location': '/a/b?C' },
      { ...fresh, 'content-location': '/a/b?c#d' },
      { ...fresh, 'content-location': 'http://other.test/a/b?c' },
      { ...fresh, location: '/a/b?c' },
      target,
      { ...target, 'last-modified': LAST_MODIFIED },
      { ...target, 'cache-control': 'public', 'last-modified': LAST_MODIFIED },
      { ...target, 'cache-control': 'max-age=60, no-store' },
      { ...target, 'cache-control': 'max-age=0' },
      { ...target, ...fresh, vary: '*' },
    ]) {
      assert.equal(await answersGet(t, fields, options), false, JSON.stringify(fields))
    }
    const both = { ...target, ...fresh }
    for (const status of [206, 400, 500]) assert.equal(await answersGet(t, both, options, { status }), false)
    const noStore = { 'cache-control': 'no-store' }
    assert.equal(await answersGet(t, both, options, { request: noStore }), false)
    const credentials = { authorization: 'Basic eDp5' }
    assert.equal(await answersGet(t, both, options, { request: credentials }), options === PRIVATE)
    for (const method of ['PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
      assert.equal(await answersGet(t, both, options, { method }), false, method)
    }
  }
})

test('[B.12] it takes the place of what was stored before, and goes stale as a response to GET does', async (t) => {
  for (const options of BOTH) {
    const { get, clock, count } = await stage(
      t,
      ({ method }) => ({
        ...control('max-age=60', { 'content-location': '/', etag: `"${count()}"` }),
        body: `${method} ${count()}`,
      }),
      options,
    )
    assert.equal((await get()).text, 'GET 1')
    await get('/', {}, 'POST')
    assert.equal((await get()).text, 'POST 2')
    clock.pass(61)
    assert.equal((await get()).text, 'GET 3')
  }
})

/** Node's own server takes no method that it does not know. Answers every request so. */
async function startAnyMethod(t: TestContext): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.on('data', (data) => {
      const head = 'HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ncontent-length: 4\r\n\r\n'
      socket.write(data.toString().startsWith('HEAD ') ? head : `${head}body`)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('[B.23] GET, HEAD, OPTIONS, TRACE and QUERY are safe, every other method is not, known or unknown', async (t) => {
  const url = await startAnyMethod(t)
  const methods: [method: string, isSafe: boolean][] = [
    ...['GET', 'HEAD', 'OPTIONS', 'TRACE', 'QUERY'].map((method): [string, boolean] => [method, true]),
    ...['POST', 'PUT', 'DELETE', 'PATCH', 'FOO', 'MKCOL', 'PROPFIND', 'SEARCH', 'GETX', 'PURGE'].map(
      (method): [string, boolean] => [method, false],
    ),
  ]
  for (const options of BOTH) {
    const { get, dispatcher } = await startCache(t, options)
    for (const [i, [method, isSafe]] of methods.entries()) {
      const path = `/${i}`
      await get(url + path)
      const asked: Dispatcher.RequestOptions = {
        origin: url,
        path,
        method,
        headers: { 'if-match': '*' },
      }
      const { body } = await dispatcher.request(asked)
      await body.dump()
      assert.match((await get(url + path)).cache, isSafe ? /^hit/ : /^fwd=uri-miss/, method)
    }
  }
})
