/** Rules: which one matches, what it lays down, and what is said of one that is wrong. */
import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { test } from 'node:test'
import { withCacheOptions, type Rule } from '../../src/index.ts'
import { control, lifetimes, named, reuse, stage, type Reply } from '../rfc9111/stage.ts'
import { answer, startCache } from '../helpers/cache.ts'

type Match = readonly [name: string, criteria: Rule, reply: Reply, matches: boolean]

const type = (value: string): Reply => ({ fields: { 'content-type': value } })

/** All are asked for `/a/b.png?v=1`. */
const matches: readonly Match[] = [
  ['a rule without criteria', {}, {}, true],
  ['a path', { path: '/a/b.png' }, {}, true],
  ['another path', { path: '/a' }, {}, false],
  ['a path with a star at its end', { path: '/a/*' }, {}, true],
  ['a path with a star in front', { path: '*.png' }, {}, true],
  ['a path with stars around', { path: '*a*b*' }, {}, true],
  ['a path with stars in another order', { path: '*b*a*' }, {}, false],
  ['a path whose ends overlap', { path: '/a/b*b.png' }, {}, false],
  ['a path of a star', { path: '*' }, {}, true],
  ['a path with the query', { path: '/a/b.png?v=1' }, {}, false],
  ['characters of regular expressions in a path', { path: '/a/b?png' }, {}, false],
  ['a path as an expression', { path: /^\/a\// }, {}, true],
  ['a path as an expression with a memory', { path: /b/gy }, {}, true],
  ['an expression that would find the query', { path: /v=1/ }, {}, false],
  ['one path of a list', { path: ['/x', /png$/] }, {}, true],
  ['no path of a list', { path: ['/x', /gif$/] }, {}, false],
  ['a content type', { contentType: 'image/png' }, type('image/png'), true],
  [
    'a content type with parameters, in other letters',
    { contentType: 'text/HTML' },
    type('Text/html; charset=x'),
    true,
  ],
  ['a content type with a star', { contentType: 'image/*' }, type('image/png'), true],
  ['another content type', { contentType: 'image/*' }, type('text/html'), false],
  ['a content type of a response without', { contentType: '*' }, {}, false],
  ['a content type as an expression', { contentType: /json$/ }, type('application/hal+json; v=1'), true],
  ['a status', { status: 200 }, {}, true],
  ['another status', { status: 404 }, {}, false],
  ['a class of statuses', { status: '2xx' }, {}, true],
  ['one status of a list', { status: [404, '2xx'] }, {}, true],
  ['all of them', { path: '/a/*', contentType: 'image/*', status: 200 }, type('image/png'), true],
  ['all but one of them', { path: '/a/*', contentType: 'image/*', status: 404 }, type('image/png'), false],
]

for (const [name, criteria, reply, isMatch] of matches) {
  test(`${name} ${isMatch ? 'matches' : 'does not match'}`, async (t) => {
    const { get } = await stage(t, reply, { interceptor: { rules: [{ ...criteria, ttl: 10 }] } })
    await get('/a/b.png?v=1')
    assert.equal((await get('/a/b.png?v=1')).cache === 'hit; ttl=10', isMatch)
  })
}

test('an expression that remembers matches again and again', async (t) => {
  const { get, count } = await stage(t, {}, { interceptor: { rules: [{ path: /^\/\d$/g, ttl: 10 }] } })
  for (const path of ['/1', '/2', '/3', '/1', '/2', '/3']) await get(path)
  assert.equal(count(), 3)
})

test('an origin, by name, by expression, and in a list', async (t) => {
  const rules: Rule[] = [
    { origin: 'https://EXAMPLE.com:443', ttl: 1 },
    { origin: /\.example\.org$/, ttl: 2 },
    { origin: ['https://a.test', 'http://b.test:81'], ttl: 3 },
    { ttl: 4 },
  ]
  const started = await stage(t, {})
  const dispatcher = named(t, started, { interceptor: { rules } })
  const ttlOf = async (url: string) => {
    await answer(dispatcher, url)
    return (await answer(dispatcher, url)).cache
  }
  assert.equal(await ttlOf('https://example.com/'), 'hit; ttl=1')
  assert.equal(await ttlOf('http://example.com/'), 'hit; ttl=4')
  assert.equal(await ttlOf('https://www.example.org/'), 'hit; ttl=2')
  assert.equal(await ttlOf('http://b.test:81/'), 'hit; ttl=3')
  assert.equal(await ttlOf('http://b.test/'), 'hit; ttl=4')
})

test('the first that matches counts, each of its options before those of the interceptor', async (t) => {
  const rules: Rule[] = [
    { path: '/none' },
    { path: '/long', maxTtl: 1000 },
    { path: '/a*', ttl: 20 },
    { path: '/ab', ttl: 30 },
  ]
  const { get } = await stage(t, control('max-age=500'), { interceptor: { rules, maxTtl: 100 } })
  const ttlOf = async (path: string) => {
    await get(path)
    return (await get(path)).cache
  }
  assert.equal(await ttlOf('/none'), 'hit; ttl=100')
  assert.equal(await ttlOf('/long'), 'hit; ttl=500')
  assert.equal(await ttlOf('/ab'), 'hit; ttl=20')
  assert.equal(await ttlOf('/z'), 'hit; ttl=100')
})

const statuses: readonly [name: string, rule: Rule, reply: Reply, isStored: boolean][] = [
  ['an error whose status is named', { status: 404, ttl: 10 }, { status: 404 }, true],
  ['an error whose class is named', { status: '4xx', minTtl: 10 }, { status: 404 }, true],
  ['an error whose status is not named', { path: '/', ttl: 10 }, { status: 404 }, false],
  ['a 302 that is named', { status: 302, ttl: 10 }, { status: 302 }, true],
  ['a 302 that is named without a lifetime', { status: 302, ttl: 0 }, { status: 302, fields: { etag: '"e"' } }, false],
  ['a 503 that is named', { status: '5xx', ttl: 10 }, { status: 503 }, true],
  ['a 503 that says no-store', { status: 503, ttl: 10 }, { status: 503, ...control('no-store') }, false],
  ['a 503 that says private', { status: 503, ttl: 10 }, { status: 503, ...control('private') }, false],
  ['a 206, which is no whole', { status: 206, ttl: 10 }, { status: 206 }, false],
]

for (const [name, rule, reply, isStored] of statuses) {
  test(`${name} is ${isStored ? 'stored' : 'not stored'}`, async (t) => {
    const reused = await reuse(t, { interceptor: { rules: [rule] } })
    assert.equal(await reused(reply), isStored && rule.path === undefined)
    if (isStored) assert.equal(await reused(reply, { pass: 10 }), false)
  })
}

const negative: readonly [name: string, rule: Rule, reply: Reply, seconds: number][] = [
  ['an error that states no lifetime', { path: '*', negativeTtl: 5 }, { status: 404 }, 5],
  ['one where 0 is laid down', { path: '*', negativeTtl: 0 }, { status: 404 }, 0],
  ['one for which the rule says nothing', { path: '*', ttl: 5 }, { status: 404 }, 60],
  ['one of another path', { path: '/other', negativeTtl: 5 }, { status: 404 }, 60],
  ['one that states its own', { negativeTtl: 5 }, { status: 404, ...control('max-age=30') }, 30],
  ['one that may not be stored without', { negativeTtl: 5 }, { status: 500 }, 0],
  ['one whose status is named, with a ttl', { status: 404, ttl: 10, negativeTtl: 5 }, { status: 404 }, 10],
  ['one whose status is named, without', { status: 404, negativeTtl: 5 }, { status: 404 }, 5],
  ['one that the rule caps', { maxTtl: 3, negativeTtl: 5 }, { status: 404 }, 3],
  ['another answer', { negativeTtl: 5, ttl: 10 }, {}, 10],
]

for (const [name, rule, reply, seconds] of negative) {
  test(`negativeTtl of a rule, in the place of the interceptor's: ${name} is fresh for ${seconds} s`, async (t) => {
    const assertLifetime = await lifetimes(t, { interceptor: { rules: [rule], negativeTtl: 60 } })
    await assertLifetime(reply, seconds)
  })
}

test('no rule gives the answer to credentials to everybody', async (t) => {
  const reused = await reuse(t, { interceptor: { rules: [{ ttl: 60, minTtl: 60 }] } })
  assert.equal(await reused({}, { first: { authorization: 'Basic eA==' } }), false)
  assert.equal(await reused({}, { first: { cookie: 'a=1' } }), false)
})

test('what is named by its status stays when it is validated', async (t) => {
  const respond = ({ headers }: IncomingMessage): Reply =>
    headers['if-none-match'] === undefined
      ? { status: 302, fields: { etag: '"e"' } }
      : { status: 304, fields: { etag: '"e"' } }
  const { get, clock, count } = await stage(t, respond, { interceptor: { rules: [{ status: 302, ttl: 10 }] } })
  await get()
  clock.pass(10)
  assert.equal((await get()).statusCode, 302)
  clock.pass(9)
  assert.equal((await get()).cache, 'hit; ttl=1')
  assert.equal(count(), 2)
})

test('modes: the first rule that looks at the request alone says it', async (t) => {
  const rules: Rule[] = [
    { path: '/live/*', mode: 'no-store' },
    { status: 200, path: '/forced', maxTtl: 5 },
    { path: '/forced', mode: 'force-cache' },
    { path: '/plain' },
    { mode: 'only-if-cached' },
  ]
  const { get, clock, count } = await stage(t, control('max-age=10'), { interceptor: { rules } })
  await get('/live/1')
  assert.equal((await get('/live/1')).cache, '')
  assert.equal(count(), 2)
  await get('/forced')
  clock.pass(100)
  assert.equal((await get('/forced')).cache, 'hit; ttl=-95')
  await get('/plain')
  assert.equal((await get('/plain')).cache, 'hit; ttl=10')
  assert.equal((await get('/else')).statusCode, 504)
  const asked = await withCacheOptions({ mode: 'default' }, () => get('/else'))
  assert.equal(asked.statusCode, 200, 'what the request says itself goes before the rules')
})

test('the mode of the interceptor is that of requests for which nobody else says it', async (t) => {
  const rules: Rule[] = [{ path: '/online', mode: 'default' }]
  const { get } = await stage(t, {}, { interceptor: { mode: 'only-if-cached', rules } })
  assert.equal((await get('/')).statusCode, 504)
  assert.equal((await get('/online')).statusCode, 200)
  assert.equal((await withCacheOptions({ mode: 'reload' }, () => get('/'))).statusCode, 200)
})

test('no-store by content type or status: such a response is not stored, others are', async (t) => {
  const rules: Rule[] = [
    { contentType: 'text/html', mode: 'no-store' },
    { status: 404, mode: 'no-store' },
  ]
  const reused = await reuse(t, { interceptor: { rules } })
  const html = { fields: { 'cache-control': 'max-age=60', 'content-type': 'text/html' } }
  assert.equal(await reused(html), false)
  assert.equal(await reused({ ...control('max-age=60'), status: 404 }), false)
  assert.equal(await reused(control('max-age=60')), true)
})

test('no-store by content type takes out what a validation has made such a response', async (t) => {
  const respond = (_: unknown, count: number): Reply =>
    count === 2
      ? { status: 304, fields: { etag: '"e"', 'content-type': 'text/html' } }
      : { fields: { etag: '"e"', 'content-type': 'image/png', 'cache-control': 'max-age=10' } }
  const rules: Rule[] = [{ contentType: 'text/html', mode: 'no-store' }]
  const { get, clock, cache } = await stage(t, respond, { interceptor: { rules } })
  await get()
  clock.pass(10)
  assert.equal((await get()).statusCode, 200)
  assert.equal(cache.manager.entryCount, 0)
})

test('ignore-rules with a ttl is used for so long, then validated', async (t) => {
  const respond = ({ headers }: IncomingMessage, count: number): Reply =>
    headers['if-none-match'] === undefined
      ? { fields: { etag: '"e"', 'cache-control': 'no-store' }, body: `answer ${count}` }
      : { status: 304, fields: { etag: '"e"', 'cache-control': 'no-store' } }
  const rules: Rule[] = [{ mode: 'ignore-rules', ttl: 10 }]
  const { get, clock, count } = await stage(t, respond, { interceptor: { rules } })
  await get()
  clock.pass(9)
  assert.match((await get()).cache, /^hit/)
  clock.pass(1)
  const validated = await get()
  assert.equal(validated.text, 'answer 1')
  assert.match(validated.cache, /^fwd=stale; fwd-status=304/)
  clock.pass(9)
  assert.match((await get()).cache, /^hit/)
  assert.equal(count(), 2)
})

test('ignore-rules with a maxTtl and no validator is fetched anew; where the origin is gone it serves', async (t) => {
  const reply = (_: unknown, count: number, response: { destroy(): void }): Reply | undefined => {
    if (count < 3) return { ...control('no-store, must-revalidate'), body: `answer ${count}` }
    response.destroy()
    return undefined
  }
  const { get, clock } = await stage(t, reply, { interceptor: { mode: 'ignore-rules', maxTtl: 10 } })
  assert.equal((await get()).text, 'answer 1')
  clock.pass(9)
  assert.equal((await get()).text, 'answer 1')
  clock.pass(1)
  assert.equal((await get()).text, 'answer 2')
  clock.pass(10)
  assert.equal((await get()).text, 'answer 2')
})

test('ignore-rules without one is used for ever', async (t) => {
  const { get, clock, count } = await stage(t, control('no-store'), { interceptor: { mode: 'ignore-rules' } })
  await get()
  clock.pass(1_000_000)
  assert.match((await get()).cache, /^hit/)
  assert.equal(count(), 1)
})

const wrong: readonly [option: string, rules: unknown][] = [
  ['rules', {}],
  ['rules[0]', [null]],
  ['rules[1].maxTtl', [{}, { maxTtl: -1 }]],
  ['rules[2].maxTtl', [{}, {}, { maxTtl: '5' }]],
  ['rules[0].minTtl', [{ minTtl: 6, maxTtl: 5 }]],
  ['rules[0].max_ttl', [{ max_ttl: 5 }]],
  ['rules[0].negativeTtl', [{ negativeTtl: -1 }]],
  ['rules[1].negativeTtl', [{}, { negativeTtl: 2 ** 31 + 1 }]],
  ['rules[0].mode', [{ mode: 'none' }]],
  ['rules[0].mode', [{ mode: 'force-cache', status: 200 }]],
  ['rules[0].mode', [{ mode: 'ignore-rules', contentType: 'text/*' }]],
  ['rules[0].origin', [{ origin: 'example.com' }]],
  ['rules[0].origin', [{ origin: [] }]],
  ['rules[0].origin[1]', [{ origin: [/x/, 'https://example.com/path'] }]],
  ['rules[0].path', [{ path: '' }]],
  ['rules[0].path', [{ path: [] }]],
  ['rules[0].path[0]', [{ path: [1] }]],
  ['rules[0].contentType', [{ contentType: {} }]],
  ['rules[0].status', [{ status: 99 }]],
  ['rules[0].status', [{ status: '1xx' }]],
  ['rules[0].status', [{ status: [] }]],
  ['rules[0].status[1]', [{ status: [200, '404'] }]],
  ['rules[0].staleIfError', [{ staleIfError: 0.5 }]],
]

for (const [option, rules] of wrong) {
  test(`${JSON.stringify(rules)}: ${option} is wrong`, async (t) => {
    const interceptor = { rules } as object
    await assert.rejects(startCache(t, { interceptor }), { code: 'USC_ERR_INVALID_OPTION', option })
  })
}

test('a wrong mode of the interceptor says so', async (t) => {
  const interceptor: object = { mode: 'none' }
  await assert.rejects(startCache(t, { interceptor }), { code: 'USC_ERR_INVALID_OPTION', option: 'mode' })
})
