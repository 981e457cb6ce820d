/** Requests for one stale response share one validation, or are each answered as the origin's failure lets them be. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from '../helpers/cache.ts'
import { fresh, startHeld } from '../helpers/held.ts'

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
