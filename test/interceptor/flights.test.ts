/** A body that many share while it arrives: who stalls, leaves or comes late, and what goes wrong on the way. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { request, type Dispatcher } from 'undici'
import { leftovers } from '../helpers/directory.ts'
import { fresh, startHeld, wholeOf } from '../helpers/held.ts'

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

test('a leader that holds the network lets go of it when another comes', async (t) => {
  const content = Buffer.alloc(6_000_000, 'held')
  const { dispatcher, url, release, arrived, origin } = await startHeld(t, (response) =>
    response.writeHead(200, fresh).end(content),
  )
  const chunks: Buffer[] = []
  const paused = Promise.withResolvers<Dispatcher.DispatchController>()
  const ended = Promise.withResolvers<void>()
  dispatcher.dispatch(
    { origin: origin.url, path: '/', method: 'GET' },
    {
      onRequestStart: () => {},
      onResponseStart: (controller) => {
        controller.pause()
        paused.resolve(controller)
      },
      onResponseData: (_, chunk) => void chunks.push(chunk),
      onResponseEnd: () => ended.resolve(),
      onResponseError: (_, error) => ended.reject(error),
    },
  )
  await arrived
  release()
  const controller = await paused.promise
  assert.ok((await wholeOf((await request(url, { dispatcher })).body)).equals(content))
  controller.resume()
  await ended.promise
  assert.ok(Buffer.concat(chunks).equals(content))
  assert.equal(origin.requests.length, 1)
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

for (const why of ['too large', 'no disk'] as const) {
  test(`storing given up in the middle (${why}): each caller gets all, whatever its speed`, async (t) => {
    const content = Buffer.from(Array.from({ length: 3_000_000 }, (_, i) => (i * 7) % 251))
    for (const fields of [{ etag: '"1"' }, {}]) {
      const { dispatcher, url, release, arrived, manager, directory } = await startHeld(
        t,
        (response) => response.writeHead(200, { ...fresh, ...fields }).end(content),
        { maxStoreDelay: 20, ...(why === 'too large' && { maxBodySize: 1_000_000 }) },
      )
      if (why === 'no disk') {
        await rm(join(directory, 'tmp'), { recursive: true })
        await writeFile(join(directory, 'tmp'), 'a file in the way')
      }
      const all = Array.from({ length: 4 }, () => request(url, { dispatcher }))
      await arrived
      release()
      const [leader, follower, ...quick] = (await Promise.all(all)).map(({ body }) => body)
      for (const body of await Promise.all(quick.map(wholeOf))) assert.ok(body.equals(content))
      for (const body of [leader, follower]) assert.ok((await wholeOf(body ?? assert.fail())).equals(content))
      await manager.runPendingTasks()
      assert.equal(manager.entryCount, 0)
      assert.equal((await leftovers(directory)).descriptors, 0)
    }
  })
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
