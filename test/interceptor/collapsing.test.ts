/** Requests for one missing response share one request to the origin: who is answered by it, and who is not. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { test, type TestContext } from 'node:test'
import { fetch, pipeline, request } from 'undici'
import { ManualClock, startCache, type AskOptions, type TestCacheOptions } from '../helpers/cache.ts'
import { leftovers } from '../helpers/directory.ts'
import { startOrigin } from '../helpers/origin.ts'

type Respond = (response: ServerResponse, request: IncomingMessage, count: number) => void

/** An origin that answers when it is told to: `release` answers all that have come and all that will. */
async function startHeld(t: TestContext, respond: Respond, options?: TestCacheOptions) {
  const held: (() => void)[] = []
  let isReleased = false
  const origin = await startOrigin(t, (request, response) => {
    const count = origin.requests.length
    const answer = () => respond(response, request, count)
    if (isReleased) answer()
    else held.push(answer)
  })
  const cache = await startCache(t, options)
  await cache.manager.runPendingTasks()
  const release = () => {
    isReleased = true
    for (const answer of held.splice(0)) answer()
  }
  const askAll = (count: number, ask?: (i: number) => AskOptions) =>
    Array.from({ length: count }, (_, i) => cache.get(`${origin.url}/`, ask?.(i)))
  return { ...cache, origin, url: `${origin.url}/`, release, askAll, arrived: once(origin.server, 'request') }
}

const fresh = { 'cache-control': 'max-age=60' }

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

test('the first byte reaches all before the last has arrived; who comes then reads from the start', async (t) => {
  let finish: (() => void) | undefined
  const { dispatcher, url, release, arrived, origin } = await startHeld(t, (response) => {
    response.writeHead(200, fresh).write('first ')
    finish = () => response.end('last')
  })
  const all = Array.from({ length: 50 }, () => request(url, { dispatcher }))
  await arrived
  release()
  const bodies = (await Promise.all(all)).map(({ body }) => body)
  const firsts = await Promise.all(bodies.map((body) => once(body, 'data') as Promise<[Buffer]>))
  const late = await request(url, { dispatcher })
  const [lateFirst] = (await once(late.body, 'data')) as [Buffer]
  assert.deepEqual(new Set([...firsts.map(([chunk]) => String(chunk)), String(lateFirst)]), new Set(['first ']))
  finish?.()
  assert.deepEqual(new Set(await Promise.all([...bodies, late.body].map((body) => text(body)))), new Set(['last']))
  assert.equal(origin.requests.length, 1)
})

test('a stalled leader, or follower, slows nobody, and reads all in the end', async (t) => {
  const content = Buffer.alloc(6_000_000, 'stalled')
  for (const stalls of [0, 1]) {
    const { dispatcher, url, release, arrived, origin, manager, directory } = await startHeld(t, (response) =>
      response.writeHead(200, { ...fresh, 'content-length': content.length }).end(content),
    )
    const all = Array.from({ length: 5 }, () => request(url, { dispatcher }))
    await arrived
    release()
    const bodies = (await Promise.all(all)).map(({ body }) => body)
    const [stalled] = bodies.splice(stalls, 1)
    for (const each of bodies) assert.ok(Buffer.from(await each.arrayBuffer()).equals(content))
    await manager.runPendingTasks()
    assert.equal((await leftovers(directory)).descriptors, 1, 'that of the stalled one')
    await manager.clear()
    assert.ok(Buffer.from(await (stalled ?? assert.fail()).arrayBuffer()).equals(content), 'evicted meanwhile or not')
    assert.equal(origin.requests.length, 1)
    assert.equal((await leftovers(directory)).descriptors, 0)
  }
})

for (const when of ['before the header section', 'in the body'] as const) {
  test(`a leader that leaves ${when} hands over; with the last one the request goes`, async (t) => {
    let finish: (() => void) | undefined
    const { dispatcher, url, release, arrived, origin, manager, directory } = await startHeld(t, (response) => {
      response.writeHead(200, fresh).write('first ')
      finish = () => response.end('last')
    })
    const controllers = Array.from({ length: 4 }, () => new AbortController())
    const ask = () => controllers.map(({ signal }) => request(url, { dispatcher, signal }))
    const leaving = new Error('left')
    const left = (answer: ReturnType<typeof request> | undefined) =>
      assert.rejects(async () => await (await answer)?.body.text(), leaving)

    const all = ask()
    await arrived
    if (when === 'in the body') {
      release()
      await Promise.all(all)
    }
    controllers[0]?.abort(leaving)
    await left(all[0])
    release()
    await Promise.all(all.slice(1))
    finish?.()
    for (const each of all.slice(1)) assert.equal(await (await each).body.text(), 'first last')
    assert.equal(origin.requests.length, 1)

    await manager.clear()
    const abandoned = controllers.map(() => new AbortController())
    const others = abandoned.map(({ signal }) => request(url, { dispatcher, signal }))
    await Promise.all(others)
    const gone = once(origin.requests[1]?.socket ?? assert.fail(), 'close')
    for (const each of abandoned) each.abort(leaving)
    for (const each of others) await left(each)
    await gone
    await manager.runPendingTasks()
    assert.deepEqual(await leftovers(directory), { buckets: 0, contents: 0, temporary: 0, descriptors: 0 })
  })
}

test('all that wait leave before there is an answer: the request ends', async (t) => {
  const { dispatcher, url, arrived, origin, manager } = await startHeld(t, () => {})
  const controllers = Array.from({ length: 3 }, () => new AbortController())
  const all = controllers.map(({ signal }) => assert.rejects(request(url, { dispatcher, signal })))
  await arrived
  const gone = once(origin.requests[0]?.socket ?? assert.fail(), 'close')
  for (const each of controllers) each.abort()
  await Promise.all([...all, gone])
  assert.equal(manager.stats().collapsed, 0)
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

for (const tagged of [true, false]) {
  test(`a stale response is validated once for all: ${tagged ? '304' : '200'}`, async (t) => {
    const clock = new ManualClock()
    const { askAll, get, url, origin, manager, release } = await startHeld(
      t,
      (response, { headers }, count) => {
        response.setHeader('date', new Date(clock.now()).toUTCString())
        if (tagged && headers['if-none-match'] === '"1"') response.writeHead(304, fresh).end()
        else response.writeHead(200, { ...fresh, etag: `"${tagged ? 1 : count}"` }).end(`answer ${count}`)
      },
      { clock: clock.now },
    )
    release()
    await get(url)
    await manager.runPendingTasks()
    clock.pass(100)
    const answers = await Promise.all(askAll(20))
    assert.equal(origin.requests.length, 2)
    for (const { text } of answers) assert.equal(text, tagged ? 'answer 1' : 'answer 2')
    for (const { cache } of answers.slice(1)) {
      assert.match(cache, tagged ? /^fwd=stale; fwd-status=304; collapsed; ttl=60$/ : /^fwd=stale; collapsed; ttl=\d+$/)
    }
    assert.equal(manager.stats().collapsed, 19)
  })
}

test('a failing origin: stale to those for whom that is allowed, an error for each of the others', async (t) => {
  const clock = new ManualClock()
  const { askAll, get, url, origin, manager, release } = await startHeld(
    t,
    (response, _, count) => {
      if (count > 1) response.writeHead(503).end('failing')
      else response.writeHead(200, { ...fresh, etag: '"1"' }).end('stored')
    },
    { clock: clock.now },
  )
  release()
  await get(url)
  await manager.runPendingTasks()
  clock.pass(100)
  const headers = (i: number) => (i % 2 === 0 ? { 'cache-control': 'stale-if-error=1000' } : {})
  const answers = await Promise.all(askAll(10, (i) => ({ headers: headers(i) })))
  for (const [i, { text, cache }] of answers.entries()) {
    assert.equal(text, i % 2 === 0 ? 'stored' : 'failing')
    if (i > 0 && i % 2 === 0) assert.match(cache, /^fwd=stale; fwd-status=503; collapsed; ttl=-40$/)
  }
  // One that could use it stale led, the others who may not be answered so have asked for themselves.
  assert.equal(origin.requests.length, 1 + 1 + 5)
})

test('an origin that breaks off: its leader fails, the others go on by range, or by the whole compared', async (t) => {
  const content = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7) % 251))
  for (const fields of [{ etag: '"1"' }, {}, { 'x-changed': 'yes' }]) {
    const isTagged = 'etag' in fields
    const hasChanged = 'x-changed' in fields
    let breakOff: (() => void) | undefined
    const { dispatcher, url, release, arrived, origin, manager, directory } = await startHeld(
      t,
      (response, { headers }, count) => {
        const own = { ...fresh, ...fields, 'content-length': content.length }
        if (count === 1) {
          response.writeHead(200, own).write(content.subarray(0, 200_000))
          breakOff = () => response.destroy()
        } else if (headers.range !== undefined) {
          const start = Number(/=(\d+)/.exec(headers.range)?.[1])
          const range = `bytes ${start}-${content.length - 1}/${content.length}`
          const part = { ...own, 'content-range': range, 'content-length': content.length - start }
          response.writeHead(206, part).end(content.subarray(start))
        } else response.writeHead(200, own).end(hasChanged ? Buffer.alloc(content.length, 'changed') : content)
      },
    )
    const all = Array.from({ length: 4 }, () => request(url, { dispatcher }))
    await arrived
    release()
    const bodies = (await Promise.all(all)).map(({ body }) => body)
    const firsts = await Promise.all(bodies.map((body) => once(body, 'data') as Promise<[Buffer]>))
    const read = bodies.map(async (body, i) => Buffer.concat([firsts[i]?.[0] ?? Buffer.of(), await wholeOf(body)]))
    const leader = assert.rejects(read[0] ?? assert.fail(), { code: 'UND_ERR_SOCKET' })
    const others = read.slice(1).map(async (each) => {
      if (hasChanged) await assert.rejects(each, { message: /other side closed/ })
      else assert.ok((await each).equals(content))
    })
    breakOff?.()
    await Promise.all([leader, ...others])
    assert.equal(origin.requests.length, 4)
    assert.equal(origin.requests.filter(({ headers }) => headers.range !== undefined).length, isTagged ? 3 : 0)
    await manager.runPendingTasks()
    assert.deepEqual(await leftovers(directory), { buckets: 0, contents: 0, temporary: 0, descriptors: 0 })
  }
})

async function wholeOf(body: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks)
}

test('closing the manager in the middle: all get all', async (t) => {
  let finish: (() => void) | undefined
  const { dispatcher, url, release, arrived, manager } = await startHeld(t, (response) => {
    response.writeHead(200, fresh).write(Buffer.alloc(500_000, 'a'))
    finish = () => response.end(Buffer.alloc(500_000, 'b'))
  })
  const all = Array.from({ length: 4 }, () => request(url, { dispatcher }))
  await arrived
  release()
  const bodies = (await Promise.all(all)).map(({ body }) => body)
  await manager.close()
  finish?.()
  const expected = Buffer.concat([Buffer.alloc(500_000, 'a'), Buffer.alloc(500_000, 'b')])
  for (const body of await Promise.all(bodies.map(wholeOf))) assert.ok(body.equals(expected))
})

test('a follower that leaves at once, or whose handler throws, is nobody else’s affair', async (t) => {
  const content = Buffer.alloc(1_000_000, 'x')
  const { dispatcher, get, url, release, arrived, origin } = await startHeld(t, (response) =>
    response.writeHead(200, fresh).end(content),
  )
  const first = get(url)
  await arrived
  const thrown = new Promise<Error>((resolve) => {
    dispatcher.dispatch(
      { origin: origin.url, path: '/', method: 'GET' },
      {
        onRequestStart: () => {},
        onResponseStart: () => {
          throw new Error('thrown by the consumer')
        },
        onResponseData: () => {},
        onResponseEnd: () => {},
        onResponseError: (_, error) => resolve(error),
      },
    )
  })
  const last = get(url)
  release()
  assert.match((await thrown).message, /thrown by the consumer/)
  for (const { body } of await Promise.all([first, last])) assert.ok(body.equals(content))
  assert.equal(origin.requests.length, 1)
})
