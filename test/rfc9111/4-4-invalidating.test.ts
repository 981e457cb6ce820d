/** RFC 9111 section 4.4: invalidating stored responses. */
import assert from 'node:assert/strict'
import { createServer, type AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { startCache } from '../helpers/cache.ts'
import { answer, BOTH, control, named, stage, type Fields } from './stage.ts'

const UNSAFE = ['POST', 'PUT', 'DELETE', 'PATCH', 'M-SEARCH', 'PROPPATCH']
const SAFE = ['GET', 'HEAD', 'OPTIONS', 'TRACE', 'QUERY']

/** A cache with `/`, whose origin answers other methods than GET as told. */
async function start(t: TestContext, status: number, fields: Fields, options = {}) {
  const staged = await stage(
    t,
    ({ method }) => (method === 'GET' ? control('max-age=60', { vary: 'x-v' }) : { status, fields }),
    options,
  )
  const isStored = async (path = '/', headers = {}) =>
    (await staged.get(path, { ...headers, 'cache-control': 'only-if-cached' })).statusCode === 200
  await staged.get()
  return { ...staged, isStored }
}

test('[A75] a method that is not safe invalidates its target where it succeeds, every variant of it', async (t) => {
  for (const options of BOTH) {
    for (const method of UNSAFE) {
      for (const status of [200, 201, 204, 299, 301, 303, 399]) {
        const { get, isStored } = await start(t, status, { location: '/elsewhere' }, options)
        await get('/', { 'x-v': '1' })
        await get('/other')
        await get('/', {}, method)
        const found = [await isStored(), await isStored('/', { 'x-v': '1' }), await isStored('/other')]
        assert.deepEqual(found, [false, false, true], `${method} ${status}`)
      }
    }
  }
})

test('[A75] so does a method that nobody knows', async (t) => {
  // Node’s own server takes no method that it does not know.
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.on('data', () =>
      socket.write('HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ncontent-length: 4\r\n\r\nbody'),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  for (const options of BOTH) {
    const { get, dispatcher } = await startCache(t, options)
    await get(url)
    assert.match((await get(url)).cache, /^hit/)
    const { body } = await dispatcher.request({ origin: url, path: '/', method: 'FOO' })
    await body.dump()
    assert.match((await get(url)).cache, /^fwd=uri-miss/)
  }
})

test('[A76] an error invalidates nothing, a safe method never does', async (t) => {
  for (const options of BOTH) {
    for (const method of UNSAFE) {
      for (const status of [400, 404, 405, 412, 500, 503]) {
        const { get, isStored } = await start(t, status, { location: '/' }, options)
        await get('/', {}, method)
        assert.equal(await isStored(), true, `${method} ${status}`)
      }
    }
    for (const method of SAFE) {
      const { get, isStored, count } = await start(t, 200, { location: '/', 'content-location': '/' }, options)
      await get('/other', {}, method)
      // From the origin, also where the cache could answer.
      await get('/', { 'if-match': '*' }, method)
      assert.equal(count(), 3, method)
      assert.equal(await isStored(), true, method)
    }
  }
})

test('[A77] same-origin Location and Content-Location go, too, however they are written', async (t) => {
  for (const options of BOTH) {
    let fields: Fields = {}
    const { get, origin } = await stage(
      t,
      ({ method }) => (method === 'GET' ? control('max-age=60') : { status: 201, fields }),
      options,
    )
    const host = new URL(origin.url).host
    for (const name of ['location', 'content-location']) {
      for (const form of ['/a/b?c', 'b?c', './b?c', '../a/b?c', `//${host}/a/b?c`, `${origin.url}/a/b?c`, '/a/b?c#d']) {
        fields = { [name]: form }
        await get('/a/b?c')
        assert.match((await get('/a/b?c')).cache, /^hit/)
        await get('/a/target', {}, 'POST')
        assert.match((await get('/a/b?c')).cache, /^fwd=uri-miss/, `${name}: ${form}`)
      }
    }
  }
})

test('[A78] what Location and Content-Location name of another origin stays', async (t) => {
  let location = ''
  const staged = await stage(t, ({ method }) =>
    method === 'GET' ? control('max-age=60') : { status: 201, fields: { location, 'content-location': location } },
  )
  const dispatcher = named(t, staged)
  const ask = (url: string, method?: 'POST') => answer(dispatcher, url, method && { method })
  const here = 'http://one.test/target'
  for (const other of ['http://two.test/a', 'http://one.test:8080/a', 'https://one.test/a', 'http://sub.one.test/a']) {
    location = other
    await ask(other)
    await ask(here)
    await ask(here, 'POST')
    assert.match((await ask(other)).cache, /^hit/, other)
    assert.match((await ask(here)).cache, /^fwd/)
  }
  location = 'http://ONE.test:80/a'
  await ask('http://one.test/a')
  await ask(here, 'POST')
  assert.match((await ask('http://one.test/a')).cache, /^fwd/, 'the same origin, written otherwise')
})
