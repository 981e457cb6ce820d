/** bust: a response that has come invalidates what the user's function names. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startAnnotated, validated } from '../helpers/annotated.ts'
import { control } from '../rfc9111/stage.ts'

test('bust: what it names is invalidated when the response has come, of any request that reaches the origin', async (t) => {
  const seen: string[] = []
  const { get, keys, origin } = await startAnnotated(t, control('max-age=60'), {
    ignoreQuery: ['utm_*'],
    bust: ({ method, url }, { statusCode }) => {
      seen.push(`${method} ${url.replace(origin.url, '')} ${statusCode}`)
      if (url.endsWith('/update')) return ['/list', `${origin.url}/a?utm_x=1#here`]
      return url.endsWith('/self') ? ['/self', '/list'] : undefined
    },
  })
  for (const path of ['/list', '/a', '/b']) await get(path)
  await get('/list')
  await get('/update', {}, 'PUT')
  assert.deepEqual((await keys()).toSorted(), ['/b'])
  await get('/list')
  assert.equal((await get('/self')).cache, 'fwd=uri-miss; stored', 'it is newer than what it makes invalid')
  assert.deepEqual((await keys()).toSorted(), ['/b', '/self'])
  assert.deepEqual(seen, [
    'GET /list 200',
    'GET /a 200',
    'GET /b 200',
    'PUT /update 200',
    'GET /list 200',
    'GET /self 200',
  ])
})

test('bust is not called for a 304, and HEAD answers go as well', async (t) => {
  let calls = 0
  const { get, clock, keys } = await startAnnotated(t, validated({ 'cache-control': 'max-age=10' }), {
    bust: ({ method }) => {
      calls++
      return method === 'DELETE' ? ['/head'] : []
    },
  })
  await get()
  clock.pass(10)
  assert.match((await get()).cache, /fwd-status=304/)
  assert.equal(calls, 1)
  await get('/head', {}, 'HEAD')
  await get('/x', {}, 'DELETE')
  assert.deepEqual(await keys(), ['/'])
})

const faultyBusts: Record<string, () => unknown> = {
  throws: () => {
    throw new Error('no')
  },
  'names what is no URL': () => ['http://['],
  'returns a promise': async () => ['/list'],
}

for (const [name, bust] of Object.entries(faultyBusts)) {
  test(`a bust that ${name} is an event, and the rest goes on`, async (t) => {
    const { get, faults } = await startAnnotated(t, control('max-age=60'), { bust: bust as () => string[] })
    assert.equal((await get()).cache, 'fwd=uri-miss; stored')
    assert.deepEqual(
      faults.map(({ operation }) => operation),
      ['bust'],
    )
  })
}

test('of several URLs the wrong ones are events, the others are invalidated', async (t) => {
  const { get, keys, faults } = await startAnnotated(t, control('max-age=60'), {
    bust: ({ url }) => (url.endsWith('/update') ? ['/a', 'http://[', '/b'] : []),
  })
  for (const path of ['/a', '/b', '/update']) await get(path)
  assert.deepEqual(await keys(), ['/update'])
  assert.equal(faults.length, 1)
})
