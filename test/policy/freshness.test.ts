/** RFC 9111 section 4.2, and what http-cache-semantics reads otherwise. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { currentAge, freshnessLifetime } from '../../src/policy/freshness.ts'
import type { StoredResponse } from '../../src/stored-response.ts'

const NOW = Date.parse('Mon, 23 Nov 2026 12:00:00 GMT')
const date = (seconds: number) => new Date(NOW + seconds * 1000).toUTCString()

function stored(fields: string[], times: { requestTime?: number; responseTime?: number } = {}): StoredResponse {
  const { requestTime = NOW, responseTime = NOW } = times
  const body = { size: 0, sha256: '', checksums: [] }
  const head = {
    key: 'http://a/',
    variant: '',
    vary: [],
    statusCode: 200,
    statusMessage: 'OK',
    scope: 'shared' as const,
  }
  return { ...head, fields, requestTime, responseTime, body }
}

const shared = { shared: true, cacheByDefault: undefined, staleWhenUnreachable: true, targets: [], noVarySearch: false }
const lifetimes: [name: string, fields: string[], shared: number, private_: number][] = [
  ['s-maxage goes before max-age in a shared cache', ['cache-control', 'max-age=10, s-maxage=20'], 20, 10],
  ['max-age goes before Expires', ['cache-control', 'max-age=10', 'expires', date(100)], 10, 10],
  ['Expires counts from Date', ['date', date(-50), 'expires', date(100)], 150, 150],
  ['Expires counts from arrival where there is no Date', ['expires', date(100)], 100, 100],
  ['Expires counts from arrival where Date is invalid', ['date', 'whenever', 'expires', date(100)], 100, 100],
  ['Expires: 0 is already expired', ['expires', '0'], 0, 0],
  ['Expires of the past is already expired', ['expires', date(-1)], 0, 0],
  ['an empty Expires is already expired', ['expires', '', 'last-modified', date(-1000)], 0, 0],
  ['directives in any case', ['Cache-Control', 'Max-Age=10'], 10, 10],
  ['directives on several lines', ['cache-control', 'public', 'cache-control', 'max-age=10'], 10, 10],
  [
    'must-revalidate and proxy-revalidate shorten nothing',
    ['cache-control', 'max-age=10, must-revalidate, proxy-revalidate'],
    10,
    10,
  ],
  ['an invalid max-age is stale', ['cache-control', 'max-age=1e9'], 0, 0],
  ['the largest max-age', ['cache-control', 'max-age=99999999999'], 2 ** 31, 2 ** 31],
  ['a tenth of the time since Last-Modified', ['date', date(0), 'last-modified', date(-1000)], 100, 100],
  ['Last-Modified of the future gives nothing', ['date', date(0), 'last-modified', date(1000)], 0, 0],
  ['nothing said, nothing fresh', [], 0, 0],
]

for (const [name, fields, inShared, inPrivate] of lifetimes) {
  test(`lifetime: ${name}`, () => {
    assert.equal(freshnessLifetime(stored(fields), shared), inShared)
    assert.equal(freshnessLifetime(stored(fields), { ...shared, shared: false }), inPrivate)
  })
}

test('cacheByDefault counts only where nothing else is said', () => {
  const settings = { ...shared, cacheByDefault: 7 }
  assert.equal(freshnessLifetime(stored([]), settings), 7)
  assert.equal(freshnessLifetime(stored(['cache-control', 'max-age=0']), settings), 0)
  assert.equal(freshnessLifetime(stored(['expires', '0']), settings), 0)
})

test('the lifetime of one record for two caches is not mixed up', () => {
  const record = stored(['cache-control', 'max-age=10, s-maxage=20'])
  const own = { ...shared, shared: false }
  assert.deepEqual(
    [shared, own, shared].map((settings) => freshnessLifetime(record, settings)),
    [20, 10, 20],
  )
})

const ages: [name: string, fields: string[], expected: number][] = [
  ['the Age field', ['age', '10'], 10],
  ['the first member of a list', ['age', '10, 100'], 10],
  ['the first of several lines', ['age', '10', 'age', '100'], 10],
  ['ignored when negative', ['age', '-10'], 0],
  ['ignored when no number', ['age', '1.5'], 0],
  ['bounded', ['age', '99999999999999999999'], 2 ** 31],
  ['the time since Date, when that is more', ['age', '10', 'date', date(-60)], 60],
  ['no less for a Date of the future', ['date', date(60)], 0],
]

for (const [name, fields, expected] of ages) {
  test(`age: ${name}`, () => assert.equal(currentAge(stored(fields), NOW), expected))
}

test('age grows with residence and includes the time the answer took', () => {
  const record = stored(['age', '10'], { requestTime: NOW - 3000 })
  assert.equal(currentAge(record, NOW), 13)
  assert.equal(currentAge(record, NOW + 5000), 18)
  assert.equal(currentAge(record, NOW - 60_000), 13, 'a clock that was set back gives no negative age')
})

test('the local time zone has no influence', () => {
  const before = process.env['TZ']
  for (const zone of ['Pacific/Kiritimati', 'America/St_Johns']) {
    process.env['TZ'] = zone
    assert.equal(freshnessLifetime(stored(['date', date(0), 'expires', date(100)]), shared), 100)
  }
  if (before === undefined) delete process.env['TZ']
  else process.env['TZ'] = before
})
