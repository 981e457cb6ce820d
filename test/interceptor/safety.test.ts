/** What a shared cache must not give to another user, and what changes behind its back. Advisories are named. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { OutgoingHttpHeaders, RequestListener, ServerResponse } from 'node:http'
import { test, type TestContext } from 'node:test'
import { readFile } from 'node:fs/promises'
import { Agent, Client, request } from 'undici'
import { cacheInterceptor } from '../../src/index.ts'
import { answer, startCache, type AskOptions, type TestCacheOptions } from '../helpers/cache.ts'
import { filesIn } from '../helpers/directory.ts'
import { startOrigin } from '../helpers/origin.ts'

async function isShared(
  t: TestContext,
  fields: OutgoingHttpHeaders | Record<string, string | string[]>,
  ask: AskOptions = {},
  options?: TestCacheOptions,
) {
  const origin = await startOrigin(t, (_, response) => response.writeHead(200, fields).end('body'))
  const { get } = await startCache(t, options)
  await get(`${origin.url}/`, ask)
  await get(`${origin.url}/`, ask)
  return origin.requests.length === 1
}

const neverShared: Record<string, Record<string, string | string[]>> = {
  'no-store': { 'cache-control': 'no-store, max-age=60' },
  'No-Store in other letters': { 'cache-control': 'max-age=60, No-Store' },
  'no-store on a second line': { 'cache-control': ['max-age=60', 'no-store'] },
  'no-store with an argument': { 'cache-control': 'no-store="x", max-age=60' },
  private: { 'cache-control': 'private, max-age=60' },
  'Private in other letters': { 'cache-control': 'Private, max-age=60' },
  'private="" (CVE-2026-13697)': { 'cache-control': 'private="", max-age=60' },
  'private=" authorization" (CVE-2026-9678)': { 'cache-control': 'private=" authorization", max-age=60' },
  'private = "x" with spaces (CVE-2026-14643)': { 'cache-control': 'max-age=60, private = "x"' },
  'private twice, with and without argument': { 'cache-control': 'private, private="x", max-age=60' },
  'a quote that never ends': { 'cache-control': 'max-age=60, ext="never, no-store' },
  'set-cookie': { 'cache-control': 'max-age=60', 'set-cookie': 'id=1' },
  'vary: *': { 'cache-control': 'max-age=60', vary: 'accept, *' },
  'a malformed vary': { 'cache-control': 'max-age=60', vary: 'a b' },
}

for (const [name, fields] of Object.entries(neverShared)) {
  test(`a shared cache does not store ${name}`, async (t) => {
    assert.equal(await isShared(t, fields), false)
  })
}

test('set-cookie is stored when the origin says that it is for everybody', async (t) => {
  assert.equal(await isShared(t, { 'cache-control': 'public, max-age=60', 'set-cookie': 'id=1' }), true)
})

test('an answer to Authorization is stored only with leave (RFC 9111 section 3.5)', async (t) => {
  const ask = { headers: { authorization: 'Bearer secret' } }
  assert.equal(await isShared(t, { 'cache-control': 'max-age=60' }, ask), false)
  for (const leave of ['public', 'must-revalidate', 's-maxage=60']) {
    assert.equal(await isShared(t, { 'cache-control': `max-age=60, ${leave}` }, ask), true, leave)
  }
})

test('an answer to a Cookie is stored only when it is for everybody or varies on it', async (t) => {
  const ask = { headers: { cookie: 'user=1' } }
  assert.equal(await isShared(t, { 'cache-control': 'max-age=60' }, ask), false)
  assert.equal(await isShared(t, { 'cache-control': 'max-age=60, public' }, ask), true)
  assert.equal(await isShared(t, { 'cache-control': 'max-age=60', vary: 'Cookie' }, ask), true)
})

test('a private cache stores what is private, and a shared one over the same manager does not see it', async (t) => {
  const origin = await startOrigin(t, (_, response) => {
    response.writeHead(200, { 'cache-control': 'private, max-age=60', 'set-cookie': 'id=1' }).end('mine')
  })
  const { get, manager } = await startCache(t, { interceptor: { type: 'private' } })
  await get(`${origin.url}/`)
  assert.match((await get(`${origin.url}/`)).cache, /^hit/)
  const client = new Client(origin.url)
  t.after(() => client.destroy())
  const { body, headers } = await request(`${origin.url}/`, { dispatcher: client.compose(cacheInterceptor(manager)) })
  await body.dump()
  assert.match(String(headers['cache-status']), /fwd=uri-miss$/)
  assert.equal(origin.requests.length, 2)
})

test('no request header lies on disk, not even what Vary nominates', async (t) => {
  const origin = await startOrigin(t, (_, response) => {
    response.writeHead(200, { 'cache-control': 'public, max-age=60', vary: 'authorization, cookie' }).end('body')
  })
  const { get, manager, directory } = await startCache(t)
  await get(`${origin.url}/`, { headers: { authorization: 'Bearer very-secret', cookie: 'id=very-secret' } })
  await manager.close()
  const files = [...(await filesIn(directory, '.'))]
  assert.ok(files.length >= 3)
  for (const file of files) assert.doesNotMatch(await readFile(file, 'utf8'), /very-secret/, file)
})

test('each variant answers its own requests; absent is not empty', async (t) => {
  const origin = await startOrigin(t, (request, response) => {
    response
      .writeHead(200, { 'cache-control': 'max-age=60', vary: 'X-Lang' })
      .end(`for ${String(request.headers['x-lang'])}`)
  })
  const { get, manager } = await startCache(t)
  const languages = ['de', 'fr', '', undefined]
  for (const round of [1, 2]) {
    for (const language of languages) {
      const headers: Record<string, string> = language === undefined ? {} : { 'x-lang': language }
      const { text, cache } = await get(`${origin.url}/`, { headers })
      assert.equal(text, `for ${language}`)
      assert.match(cache, round === 1 ? /^fwd=/ : /^hit/)
    }
  }
  assert.equal(origin.requests.length, 4)
  assert.equal(manager.entryCount, 4)
  assert.match((await get(`${origin.url}/`, { headers: { 'x-lang': 'it' } })).cache, /^fwd=vary-miss/)
})

for (const method of ['POST', 'PUT', 'DELETE', 'PATCH'] as const) {
  test(`${method} reaches the origin, and invalidates when it did not fail (RFC 9111 section 4.4)`, async (t) => {
    let status = 500
    const origin = await startOrigin(t, (request, response) => {
      if (request.method === method) response.writeHead(status).end()
      else response.writeHead(200, { 'cache-control': 'max-age=60', vary: 'x-v' }).end('body')
    })
    const { get, manager } = await startCache(t)
    await get(`${origin.url}/`, { headers: { 'x-v': '1' } })
    await get(`${origin.url}/`, { headers: { 'x-v': '2' } })
    await get(`${origin.url}/`, { method, body: 'x' })
    await manager.runPendingTasks()
    assert.equal(manager.entryCount, 2)
    status = 303
    await get(`${origin.url}/`, { method, body: 'x' })
    await manager.runPendingTasks()
    assert.equal(manager.entryCount, 0)
  })
}

test('a successful unsafe request invalidates Location and Content-Location of its own origin, of no other', async (t) => {
  const other = await startOrigin(t, (_, response) =>
    response.writeHead(200, { 'cache-control': 'max-age=60' }).end('body'),
  )
  const origin = await startOrigin(t, (request, response) => {
    if (request.method !== 'POST') response.writeHead(200, { 'cache-control': 'max-age=60' }).end('body')
    else response.writeHead(201, { location: '/new', 'content-location': `${origin.url}/here#x` }).end()
  })
  const { get, manager } = await startCache(t)
  const urls = [`${origin.url}/new`, `${origin.url}/here`, `${origin.url}/untouched`, `${other.url}/new`]
  for (const url of urls) await get(url)
  await get(`${origin.url}/`, { method: 'POST', body: 'x' })
  await manager.runPendingTasks()
  const left: string[] = []
  for await (const { key } of manager.entries()) left.push(key)
  assert.deepEqual(left.sort(), [`${origin.url}/untouched`, `${other.url}/new`].sort())
})

test("an unsafe request cannot invalidate what is another origin's", async (t) => {
  const victim = await startOrigin(t, (_, response) =>
    response.writeHead(200, { 'cache-control': 'max-age=60' }).end('body'),
  )
  const attacker = await startOrigin(t, (_, response) => response.writeHead(201, { location: `${victim.url}/` }).end())
  const { get, manager } = await startCache(t)
  await get(`${victim.url}/`)
  await get(`${attacker.url}/`, { method: 'POST', body: 'x' })
  await manager.runPendingTasks()
  assert.equal(manager.entryCount, 1)
})

test('a POST whose answer states its freshness and names its target answers later GETs, no later POST', async (t) => {
  const fields: Record<string, Record<string, string>> = {
    '/stored': { 'cache-control': 'max-age=60', 'content-location': '/stored' },
    '/another': { 'cache-control': 'max-age=60', 'content-location': '/other' },
    '/unnamed': { 'cache-control': 'max-age=60' },
    '/guessed': { 'last-modified': new Date(0).toUTCString(), 'content-location': '/guessed' },
  }
  const origin = await startOrigin(t, (request, response) => {
    response.writeHead(200, fields[request.url ?? ''] ?? {}).end(`${request.method} ${origin.requests.length}`)
  })
  const { get, manager } = await startCache(t)
  for (const path of Object.keys(fields)) await get(origin.url + path, { method: 'POST', body: 'x' })
  await manager.runPendingTasks()
  assert.equal(manager.entryCount, 1)
  assert.equal((await get(`${origin.url}/stored`)).text, 'POST 1')
  assert.equal((await get(`${origin.url}/stored`, { method: 'POST', body: 'x' })).text, 'POST 5')
  assert.equal((await get(`${origin.url}/stored`)).text, 'POST 5')
})

test('cache groups: a successful unsafe request invalidates those of its origin that it names (RFC 9875)', async (t) => {
  const groups: Record<string, string> = {
    '/a': '"one"',
    '/b': '"one", "two"',
    '/c': '"two";x=1',
    '/d': 'one',
    '/e': '"ONE"',
  }
  const listener = (status: number): RequestListener => {
    return (request, response) => {
      const group = groups[request.url ?? '']
      if (request.method === 'POST') response.writeHead(status, { 'cache-group-invalidation': '"one"' }).end()
      else
        response
          .writeHead(200, {
            'cache-control': 'max-age=60',
            'cache-group-invalidation': '"two"',
            ...(group && { 'cache-groups': group }),
          })
          .end()
    }
  }
  const failing = await startOrigin(t, listener(500))
  const origin = await startOrigin(t, listener(204))
  const { get, manager } = await startCache(t)
  for (const path of Object.keys(groups)) await get(origin.url + path)
  await get(`${failing.url}/a`)
  await get(`${failing.url}/x`, { method: 'POST', body: 'x' })
  await manager.runPendingTasks()
  assert.equal(manager.entryCount, 6, 'a safe request and a failed one invalidate nothing')
  await get(`${origin.url}/x`, { method: 'POST', body: 'x' })
  await manager.runPendingTasks()
  const left: string[] = []
  for await (const { key } of manager.entries()) left.push(key.replace(origin.url, ''))
  assert.deepEqual(left.sort(), ['/c', '/d', '/e', `${failing.url}/a`])
})

test('OPTIONS and QUERY are safe: they invalidate nothing', async (t) => {
  const origin = await startOrigin(t, (_, response) =>
    response.writeHead(200, { 'cache-control': 'max-age=60' }).end('body'),
  )
  const { get, manager } = await startCache(t)
  await get(`${origin.url}/`)
  await get(`${origin.url}/`, { method: 'OPTIONS' })
  await get(`${origin.url}/`, { method: 'QUERY', body: 'q' })
  await manager.runPendingTasks()
  assert.equal(manager.entryCount, 1)
})

test('what was being fetched when its URL was invalidated is not stored', async (t) => {
  const held: ServerResponse[] = []
  const origin = await startOrigin(t, (request, response) => {
    if (request.method === 'POST') response.writeHead(200).end()
    else held.push(response.writeHead(200, { 'cache-control': 'max-age=60' }))
  })
  const { get, manager } = await startCache(t)
  const before = get(`${origin.url}/`)
  await once(origin.server, 'request')
  await get(`${origin.url}/`, { method: 'POST', body: 'change' })
  held[0]?.end('from before the change')
  await before
  await manager.runPendingTasks()
  assert.equal(manager.entryCount, 0)
  assert.equal(manager.stats().refusals, 1)
})

test('a bound dispatcher decides the origin, not the caller (GHSA-vp8m-p9jh-q5pm)', async (t) => {
  const attacker = await startOrigin(t, (_, response) =>
    response.writeHead(200, { 'cache-control': 'max-age=60' }).end('evil'),
  )
  const victim = await startOrigin(t, (_, response) =>
    response.writeHead(200, { 'cache-control': 'max-age=60' }).end('good'),
  )
  const { get, manager } = await startCache(t)
  const client = new Client(attacker.url)
  t.after(() => client.destroy())
  const { body } = await client
    .compose(cacheInterceptor(manager))
    .request({ origin: victim.url, path: '/', method: 'GET' })
  assert.equal(await body.text(), 'evil')
  assert.equal((await get(`${victim.url}/`)).text, 'good')
})

test('another Host is another key', async (t) => {
  const origin = await startOrigin(t, (request, response) => {
    response.writeHead(200, { 'cache-control': 'max-age=60' }).end(`site ${request.headers.host}`)
  })
  const { get } = await startCache(t)
  assert.equal((await get(`${origin.url}/`, { headers: { host: 'evil.example' } })).text, 'site evil.example')
  assert.equal((await get(`${origin.url}/`)).text, `site ${new URL(origin.url).host}`)
  assert.match((await get(`${origin.url}/`, { headers: { host: 'EVIL.example' } })).cache, /^hit/)
})

test('partitions share a manager and nothing that is stored', async (t) => {
  const origin = await startOrigin(t, ({ headers, method }, response) => {
    const fields = { 'cache-control': 'max-age=60', 'cache-groups': '"g"', 'no-vary-search': 'params' }
    response.writeHead(200, method === 'POST' ? { 'cache-group-invalidation': '"g"' } : fields)
    response.end(`for ${String(headers['x-user'])}`)
  })
  const { manager } = await startCache(t)
  const agent = new Agent()
  t.after(() => agent.destroy())
  const ask = async (partition: string | undefined, path: string, method: 'GET' | 'POST' = 'GET'): Promise<string> => {
    const dispatcher = agent.compose(cacheInterceptor(manager, { ...(partition && { partition }), noVarySearch: true }))
    const headers = { 'x-user': partition ?? 'nobody' }
    const { text } = await answer(dispatcher, origin.url + path, { method, headers })
    await manager.runPendingTasks()
    return text
  }
  const partitions = ['a', 'b', 'a#partition=b', 'é /?', undefined]
  for (const round of [1, 2]) {
    for (const partition of partitions) assert.equal(await ask(partition, '/path?q=1'), `for ${partition ?? 'nobody'}`)
    assert.equal(origin.requests.length, partitions.length, `round ${round}`)
  }
  for (const partition of partitions) assert.equal(await ask(partition, '/path?q=2'), `for ${partition ?? 'nobody'}`)
  assert.equal(origin.requests.length, partitions.length, 'equivalent within a partition')

  await ask('a', '/other', 'POST')
  for (const partition of partitions) await ask(partition, '/path?q=1')
  assert.equal(origin.requests.length, partitions.length + 2, 'a group is of its partition')
  await ask('b', '/path?q=3', 'POST')
  for (const partition of partitions) await ask(partition, '/path?q=1')
  assert.equal(origin.requests.length, partitions.length + 4, 'and so is what an unsafe request invalidates')

  const keys: string[] = []
  for await (const { key } of manager.entries()) keys.push(key)
  assert.equal(keys.length, partitions.length)
  for (const key of keys) assert.equal(await manager.delete(key), true)
})
