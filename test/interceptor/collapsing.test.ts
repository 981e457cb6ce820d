/** Requests for one missing response share one request to the origin: who is answered by it, and who is not. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { fetch, pipeline, request } from 'undici'
import { engineOf } from '../../src/manager/streaming-manager.ts'
import { startCache, type AskOptions } from '../helpers/cache.ts'
import { leftovers } from '../helpers/directory.ts'
import { fresh, startHeld } from '../helpers/held.ts'
import { startOrigin } from '../helpers/origin.ts'

test('1,000 callers of a cold key: one request, the right bytes for each, and one commit', async (t) => {
  const content = Buffer.alloc(100_000, 'abcdefg')
  const { askAll, release, arrived, origin, manager, directory } = await startHeld(t, (response) =>
    response.writeHead(200, { ...fresh, 'content-length': content.length }).end(content),
  )
  const all = askAll(1000)
  await arrived
  release()
  const answers = await Promise.all(all)
  assert.equal(origin.requests.length, 1)
  for (const { body } of answers) assert.ok(body.equals(content))
  assert.match(answers[0]?.cache ?? '', /^fwd=uri-miss; stored$/)
  for (const { cache, headers } of answers.slice(1)) {
    assert.match(cache, /^fwd=uri-miss; collapsed; ttl=\d+$/)
    assert.match(String(headers['age']), /^\d+$/)
  }
  const { misses, collapsed, hits, stores } = manager.stats()
  await manager.runPendingTasks()
  assert.deepEqual([misses, collapsed, hits], [1, 999, 0])
  assert.ok(stores <= 1)
  assert.deepEqual(await leftovers(directory), { buckets: 1, contents: 1, temporary: 0, descriptors: 0 })
})

test('fetch, pipeline and request share one, and neither is answered before its call has returned', async (t) => {
  const { dispatcher, url, release, arrived, origin } = await startHeld(t, (response) =>
    response.writeHead(200, fresh).end('shared'),
  )
  const first = request(url, { dispatcher })
  await arrived
  const fetched = fetch(url, { dispatcher })
  const piped = pipeline(url, { dispatcher, method: 'GET' }, ({ body }) => body)
  piped.end()
  release()
  assert.equal(await (await first).body.text(), 'shared')
  assert.equal(await (await fetched).text(), 'shared')
  assert.equal(await text(piped), 'shared')
  assert.equal(origin.requests.length, 1)
})

test('a leader that fails before its answer: everybody else asks at once', async (t) => {
  const { askAll, release, arrived, origin } = await startHeld(t, (response, _, count) => {
    if (count === 1) response.destroy()
    else response.writeHead(200, fresh).end('answer')
  })
  const [first, ...others] = askAll(5)
  const failed = assert.rejects(first ?? assert.fail(), { code: 'UND_ERR_SOCKET' })
  await arrived
  release()
  await failed
  for (const { text, cache } of await Promise.all(others)) {
    assert.equal(text, 'answer')
    assert.match(cache, /^fwd=uri-miss; stored; collapsed=\?0$/)
  }
  assert.equal(origin.requests.length, 5)
})

for (const [name, fields, code] of [
  ['uncacheable', { 'cache-control': 'no-store' }, 200],
  ['private', { 'cache-control': 'private, max-age=60' }, 200],
  ['a cookie of one user', { ...fresh, 'set-cookie': 'user=1' }, 200],
  ['a cookie, though the origin says public', { 'cache-control': 'public, max-age=60', 'set-cookie': 'user=1' }, 200],
  ['to be validated each time', { 'cache-control': 'no-cache', etag: '"1"' }, 200],
  ['an error', {}, 503],
] as const) {
  test(`what is ${name} is shared with nobody`, async (t) => {
    const { askAll, release, arrived, origin, manager } = await startHeld(t, (response, { headers }) => {
      const own = 'set-cookie' in fields ? { 'set-cookie': `user=${String(headers['x-user'])}` } : {}
      response.writeHead(code, { ...fields, ...own }).end(headers['x-user'])
    })
    const all = askAll(20, (i) => ({ headers: { 'x-user': String(i) } }))
    await arrived
    release()
    for (const [i, { text, headers, statusCode, cache }] of (await Promise.all(all)).entries()) {
      assert.equal(text, String(i))
      assert.equal(statusCode, code)
      if ('set-cookie' in fields) assert.equal(headers['set-cookie'], `user=${i}`)
      assert.equal(cache.includes('collapsed=?0'), i > 0, cache)
    }
    assert.equal(origin.requests.length, 20)
    assert.equal(manager.stats().collapsed, 0)
  })
}

test('after an uncacheable answer callers wait for nobody, until one can be stored', async (t) => {
  let fields: Record<string, string> = { 'cache-control': 'no-store' }
  const origin = await startOrigin(t, (_, response) => void held.push(response))
  const { get } = await startCache(t)
  const url = `${origin.url}/`
  const answer = (i: number) => held[i]?.writeHead(200, fields).end('answer')
  const held: ServerResponse[] = []
  const come = async (count: number) => {
    while (held.length < count) await once(origin.server, 'request')
  }
  const first = get(url)
  await come(1)
  answer(0)
  await first
  const both = [get(url), get(url)]
  await come(3)
  fields = fresh
  answer(1)
  answer(2)
  for (const { cache } of await Promise.all(both)) assert.match(cache, /^fwd=uri-miss; stored$/)
  await get(url)
  const later = Array.from({ length: 5 }, () => get(`${url}?other`))
  await come(4)
  answer(3)
  await Promise.all(later)
  assert.equal(held.length, 4)
})

test('what a full cache does not take is remembered only where somebody has waited for it', async (t) => {
  const origin = await startOrigin(t, (_, response) =>
    response.writeHead(200, { ...fresh, 'content-length': 6 }).end('answer'),
  )
  const { get, manager } = await startCache(t)
  const { catalogue, hitForMiss } = engineOf(manager)
  t.mock.method(catalogue, 'wouldAdmit', () => false)
  const [alone, many] = ['alone', 'many'].map((name) => `${origin.url}/${name}`) as [string, string]
  assert.match((await get(alone)).cache, /^fwd=uri-miss$/)
  assert.equal(hitForMiss.has(alone), false)
  await Promise.all([get(many), get(many), get(many)])
  assert.equal(hitForMiss.has(many), true)
  assert.equal(origin.requests.length, 4)
})

test('variants: each is fetched once, also when nobody knew that there are any', async (t) => {
  const { askAll, release, arrived, origin, manager } = await startHeld(t, (response, { headers }) =>
    response.writeHead(200, { ...fresh, vary: 'accept-language' }).end(headers['accept-language']),
  )
  const languages = ['de', 'en', 'fr']
  const ask = (i: number): AskOptions => ({ headers: { 'accept-language': languages[i % 3] ?? '' } })
  const all = askAll(30, ask)
  await arrived
  release()
  for (const [i, { text }] of (await Promise.all(all)).entries()) assert.equal(text, languages[i % 3])
  assert.equal(origin.requests.length, 3)
  assert.equal(manager.stats().collapsed, 27)
})

test('who knows the variant finds the flight that did not', async (t) => {
  const held = new Map<string, ServerResponse>()
  const origin = await startOrigin(t, ({ headers }, response) => {
    const language = String(headers['accept-language'])
    response.writeHead(200, { ...fresh, vary: 'accept-language' }).write(language)
    held.set(language, response)
  })
  const { get, dispatcher, manager } = await startCache(t)
  const url = `${origin.url}/`
  const ask = (language: string) => ({ headers: { 'accept-language': language } })
  const english = await request(url, { dispatcher, ...ask('en') })
  const german = await request(url, { dispatcher, ...ask('de') })
  held.get('de')?.end()
  assert.equal(await german.body.text(), 'de')
  await manager.runPendingTasks()
  const late = get(url, ask('en'))
  held.get('en')?.end(' in full')
  assert.equal((await late).text, 'en in full')
  assert.equal(await english.body.text(), 'en in full')
  assert.equal(origin.requests.length, 2)
})

test('answers whose Vary changes each time do not send callers one after the other', async (t) => {
  const { askAll, release, arrived, origin } = await startHeld(t, (response, { headers }, count) =>
    response.writeHead(200, { ...fresh, vary: `x-${count}` }).end(headers['x-own']),
  )
  const own = (i: number) => ({ 'x-own': String(i), 'x-1': String(i), 'x-2': String(i), 'x-3': String(i) })
  const all = askAll(6, (i) => ({ headers: own(i) }))
  await arrived
  release()
  for (const [i, { text }] of (await Promise.all(all)).entries()) assert.equal(text, String(i))
  assert.ok(origin.requests.length <= 6)
})

test('HEAD, empty bodies and 204', async (t) => {
  for (const [method, code] of [
    ['HEAD', 200],
    ['GET', 204],
    ['GET', 200],
  ] as const) {
    const { askAll, release, arrived, origin } = await startHeld(t, (response) =>
      response
        .writeHead(code, { ...fresh, ...(code === 200 && { 'content-length': method === 'HEAD' ? 5 : 0 }) })
        .end(),
    )
    const all = askAll(5, () => ({ method }))
    await arrived
    release()
    for (const { statusCode, body } of await Promise.all(all)) assert.deepEqual([statusCode, body.length], [code, 0])
    assert.equal(origin.requests.length, 1)
  }
})

test('parts and conditions are answered by what is arriving, where its length is known', async (t) => {
  const { get, url, release, arrived, origin } = await startHeld(t, (response) =>
    response.writeHead(200, { ...fresh, etag: '"1"', 'content-length': 10 }).end('0123456789'),
  )
  const whole = get(url)
  await arrived
  const part = get(url, { headers: { range: 'bytes=2-4' } })
  const tail = get(url, { headers: { range: 'bytes=-3' } })
  const same = get(url, { headers: { 'if-none-match': '"1"' } })
  const none = get(url, { headers: { range: 'bytes=20-' } })
  release()
  assert.equal((await whole).text, '0123456789')
  const { statusCode, text, headers, cache } = await part
  assert.deepEqual([statusCode, text, headers['content-range']], [206, '234', 'bytes 2-4/10'])
  assert.match(cache, /collapsed; ttl/)
  assert.equal((await tail).text, '789')
  assert.deepEqual([(await same).statusCode, (await same).text], [304, ''])
  assert.equal((await none).statusCode, 416)
  assert.equal(origin.requests.length, 1)
})

test('a part of what has no length or no strong tag is asked for by itself', async (t) => {
  for (const fields of [{ etag: '"1"' }, { 'content-length': 10 }]) {
    const { get, url, release, arrived, origin } = await startHeld(t, (response, { headers }) => {
      if (headers.range === undefined) response.writeHead(200, { ...fresh, ...fields }).end('0123456789')
      else response.writeHead(206, { 'content-range': 'bytes 2-4/10' }).end('234')
    })
    const whole = get(url)
    await arrived
    const part = get(url, { headers: { range: 'bytes=2-4' } })
    release()
    assert.equal((await whole).text, '0123456789')
    assert.equal((await part).text, '234')
    assert.equal(origin.requests.length, 2)
  }
})

test('what the request forbids: no-cache, max-age=0, no-store and a reload ask for themselves', async (t) => {
  for (const value of ['no-cache', 'max-age=0', 'no-store']) {
    const { get, url, release, arrived, origin } = await startHeld(t, (response) =>
      response.writeHead(200, fresh).end('answer'),
    )
    const first = get(url)
    await arrived
    const own = get(url, { headers: { 'cache-control': value } })
    await once(origin.server, 'request')
    release()
    await Promise.all([first, own])
    assert.equal(origin.requests.length, 2, value)
  }
})

test('requests with credentials and without do not wait for one another', async (t) => {
  const { get, url, release, arrived, origin } = await startHeld(t, (response, { headers }) =>
    response.writeHead(200, fresh).end(headers.authorization ?? 'for all'),
  )
  const own = ['a', 'b'].map((authorization) => get(url, { headers: { authorization } }))
  await arrived
  const others = Array.from({ length: 5 }, () => get(url))
  await once(origin.server, 'request')
  release()
  assert.deepEqual(
    (await Promise.all(own)).map(({ text }) => text),
    ['a', 'b'],
  )
  for (const { text } of await Promise.all(others)) assert.equal(text, 'for all')
  assert.equal(origin.requests.length, 3)
})

test('what joins after an invalidation does not get the older answer', async (t) => {
  let version = 1
  const held: (() => void)[] = []
  const origin = await startOrigin(t, ({ method }, response) => {
    const body = `version ${version}`
    if (method === 'GET') held.push(() => response.writeHead(200, fresh).end(body))
    else {
      version++
      response.end()
    }
  })
  const { get } = await startCache(t)
  const url = `${origin.url}/`
  const before = [get(url), get(url)]
  await once(origin.server, 'request')
  await get(url, { method: 'POST', body: 'change' })
  const after = [get(url), get(url)]
  await once(origin.server, 'request')
  for (const answer of held) answer()
  for (const { text } of await Promise.all(before)) assert.equal(text, 'version 1')
  for (const { text } of await Promise.all(after)) assert.equal(text, 'version 2')
  assert.equal((await get(url)).text, 'version 2')
  assert.equal(held.length, 2)
})

test('collapse: false sends each to the origin', async (t) => {
  const { askAll, release, origin } = await startHeld(t, (response) => response.writeHead(200, fresh).end('answer'), {
    interceptor: { collapse: false },
  })
  const all = askAll(5)
  release()
  for (const { cache } of await Promise.all(all)) assert.match(cache, /^fwd=uri-miss; stored$/)
  assert.equal(origin.requests.length, 5)
})
