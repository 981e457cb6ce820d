/** RFC 9111 sections 3.3 and 3.4: incomplete responses, which this cache does not store, and combining, which it does not do. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { request } from 'undici'
import { closed } from '../helpers/cache.ts'
import { stage } from './stage.ts'

const FIELDS = { 'cache-control': 'max-age=60', etag: '"e"' }

test('[A20, A21] a body that breaks off is not stored, whoever broke it off', async (t) => {
  for (const length of [{}, { 'content-length': '100' }]) {
    const { get, cache } = await stage(t, (_request, count, response) => {
      if (count > 1) return { fields: FIELDS, body: 'whole' }
      response.writeHead(200, { ...FIELDS, ...length }).write('part', () => response.destroy())
      return undefined
    })
    await assert.rejects(get())
    await cache.manager.runPendingTasks()
    assert.equal(cache.manager.entryCount, 0)
    assert.equal((await get()).text, 'whole')
  }
  const { origin, cache } = await stage(t, (_request, _count, response) => {
    response.writeHead(200, FIELDS).write('part')
    return undefined
  })
  const { body } = await request(origin.url, { dispatcher: cache.dispatcher })
  await once(body, 'data')
  const gone = closed(body.on('error', () => {}))
  body.destroy()
  await gone
  await cache.manager.runPendingTasks()
  assert.equal(cache.manager.entryCount, 0)
})

test('[A22, A23, A24] parts answer nothing else: neither ranges over their end nor the whole, nor combined', async (t) => {
  const whole = '0123456789'
  const { get, count } = await stage(t, ({ headers }, n) => {
    const [, first, last] = /^bytes=(\d)-(\d)$/.exec(headers.range ?? '') ?? []
    if (first === undefined || last === undefined) return { fields: { ...FIELDS, etag: `"${n}"` }, body: whole }
    const fields = { ...FIELDS, 'content-range': `bytes ${first}-${last}/10`, etag: `"${n}"` }
    return { status: 206, fields, body: whole.slice(Number(first), Number(last) + 1) }
  })
  for (const [range, text] of [
    ['bytes=0-4', '01234'],
    ['bytes=5-9', '56789'],
    ['bytes=3-7', '34567'],
  ] as const) {
    const answer = await get('/', { range })
    assert.deepEqual([answer.statusCode, answer.text], [206, text])
  }
  const answer = await get()
  assert.deepEqual([answer.statusCode, answer.text, answer.headers['etag']], [200, whole, '"4"'])
  assert.equal(count(), 4)
})
