/** Storing, reuse, Vary, validation: what the end-to-end tests do not reach. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { CacheRequest } from '../../src/policy/cache-request.ts'
import { mayReuse } from '../../src/policy/reuse.ts'
import { requestedRange } from '../../src/policy/ranges.ts'
import { served } from '../../src/policy/serving.ts'
import { headToStore, storedFields, type StoredHead } from '../../src/policy/storing.ts'
import { freshened, isFor } from '../../src/policy/validation.ts'
import { variantOf, varyNames } from '../../src/policy/vary.ts'
import type { FieldLines, StoredResponse } from '../../src/stored-response.ts'

const NOW = Date.parse('Mon, 23 Nov 2026 12:00:00 GMT')
const times = { requestTime: NOW, responseTime: NOW }
const settings = {
  shared: true,
  cacheByDefault: undefined,
  staleWhenUnreachable: true,
  targets: [],
  noVarySearch: false,
}
const get = (fields: Record<string, string> = {}): CacheRequest => ({
  method: 'GET',
  key: 'http://a/',
  fields,
  mode: 'default',
  isPlain: false,
})

function toStore(fields: FieldLines, statusCode = 200, request = get()): StoredHead | string {
  return headToStore(request, { statusCode, statusMessage: '', fields }, times, settings)
}

function stored(fields: FieldLines): StoredResponse {
  const head = toStore(fields)
  assert.ok(typeof head === 'object')
  return { ...head, body: { size: 0, sha256: '', checksums: [] } }
}

test('statuses: what may be stored and what may not', () => {
  const explicit = ['cache-control', 'max-age=60']
  for (const status of [200, 203, 204, 300, 301, 302, 307, 308, 404, 410])
    assert.ok(typeof toStore(explicit, status) === 'object', `${status}`)
  for (const status of [206, 304]) assert.equal(toStore(explicit, status), 'status')
  assert.equal(toStore(['last-modified', new Date(NOW - 1e6).toUTCString()], 302), 'status')
})

test('must-understand: no-store is ignored where the status is understood, and nothing is stored where it is not', () => {
  const fields = ['cache-control', 'must-understand, no-store, max-age=60']
  assert.ok(typeof toStore(fields, 200) === 'object')
  assert.equal(toStore(fields, 599), 'status')
  assert.ok(typeof toStore(['cache-control', 'max-age=60'], 599) === 'object')
})

test('private and no-cache with fields narrow to those; what is malformed narrows nothing', () => {
  const kept = (control: string) => {
    const head = toStore(['cache-control', `max-age=60, ${control}`, 'X-A', '1', 'X-B', '2'])
    return typeof head === 'string' ? head : head.fields.filter((part) => part.startsWith('X-')).join()
  }
  assert.equal(kept('private="x-a"'), 'X-B')
  assert.equal(kept('no-cache="X-A , x-c"'), 'X-B')
  for (const malformed of [
    'private=""',
    'private="x-a',
    'private=" x-a"',
    'private = "x-a"',
    'private=x-a',
    'private="x a"',
  ]) {
    assert.equal(kept(malformed), 'private', malformed)
  }
  assert.equal(kept('no-cache=x-a'), 'useless')
})

test('what is never fresh and has no validator is not stored', () => {
  assert.equal(toStore([]), 'useless')
  assert.equal(toStore(['cache-control', 'max-age=0']), 'useless')
  assert.equal(toStore(['cache-control', 'no-cache, max-age=60']), 'useless')
  assert.ok(typeof toStore(['cache-control', 'no-cache', 'etag', '"e"']) === 'object')
  assert.ok(typeof toStore(['etag', '"e"']) === 'object')
})

test('fields of the hop are not stored, nor those that Connection lists; all others stay, in order', () => {
  const kept = ['B', '1', 'a', '2', 'B', '3', 'Date', 'x']
  const dropped = [
    'Connection',
    'X-Hop, close',
    'x-hop',
    '1',
    'Keep-Alive',
    '5',
    'TE',
    'x',
    'Upgrade',
    'x',
    'Proxy-Authenticate',
    'x',
  ]
  assert.deepEqual(storedFields([...dropped, ...kept, 'transfer-encoding', 'chunked'], NOW), kept)
  assert.deepEqual(storedFields([], NOW), ['date', new Date(NOW).toUTCString()])
})

test('a stale response is served only where the request accepts it and nothing forbids it', () => {
  const uses = (control: string, ask: string, isShared = true) => {
    const record = stored(['cache-control', `${control}max-age=10`, 'etag', '"e"'])
    return mayReuse(record, get({ 'cache-control': ask }), NOW + 20_000, { ...settings, shared: isShared }).use
  }
  assert.equal(uses('', 'max-stale'), 'serve')
  assert.equal(uses('', 'max-stale=10'), 'serve')
  assert.equal(uses('', 'max-stale=9'), 'validate')
  assert.equal(uses('', 'max-stale=x'), 'validate')
  assert.equal(uses('must-revalidate, ', 'max-stale'), 'validate')
  assert.equal(uses('proxy-revalidate, ', 'max-stale'), 'validate')
  assert.equal(uses('proxy-revalidate, ', 'max-stale', false), 'serve')
  assert.equal(uses('s-maxage=10, ', 'max-stale'), 'validate')
  assert.equal(uses('no-cache, ', 'max-stale'), 'validate')
})

test('a clock that was set back makes every use a validation', () => {
  const record = stored(['cache-control', 'max-age=60'])
  assert.deepEqual(mayReuse(record, get(), NOW, settings), {
    use: 'serve',
    rule: 'fresh',
    age: 0,
    ttl: 60,
    revalidate: false,
  })
  assert.deepEqual(mayReuse(record, get(), NOW - 1, settings), { use: 'validate', rule: 'clock', because: 'stale' })
})

test('the Age field is replaced, and there is one', () => {
  const record = { ...stored(['cache-control', 'max-age=60']), fields: ['Age', '7', 'x', 'y', 'age', '8'] }
  assert.deepEqual(served(record, get(), 12.9).fields, ['x', 'y', 'age', '12'])
})

test('ranges: one part, a suffix, none, or a field to be ignored', () => {
  const cases: [string, ReturnType<typeof requestedRange>][] = [
    ['bytes=0-0', { start: 0, end: 1 }],
    ['bytes=2-', { start: 2, end: 10 }],
    ['bytes=-3', { start: 7, end: 10 }],
    ['bytes=-99', { start: 0, end: 10 }],
    ['bytes=9-99', { start: 9, end: 10 }],
    ['bytes=10-', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
    ['bytes=3-2', undefined],
    ['bytes=-', undefined],
    ['bytes=0-1,4-5', undefined],
    ['items=0-1', undefined],
    ['bytes=a-b', undefined],
    ['BYTES=0-1', { start: 0, end: 2 }],
  ]
  for (const [value, expected] of cases) assert.deepEqual(requestedRange(value, 10), expected, value)
})

test('Vary: names are sorted, once each; * and malformed ones match nothing', () => {
  assert.deepEqual(varyNames(['Vary', 'B, a', 'vary', 'A']), ['a', 'b'])
  assert.deepEqual(varyNames([]), [])
  assert.deepEqual(varyNames(['vary', '']), [])
  for (const value of ['*', 'a, *', 'a b', 'a:', Array.from({ length: 33 }, (_, i) => `x${i}`).join()]) {
    assert.equal(varyNames(['vary', value]), undefined, value)
  }
})

test('variants: differences that mean nothing are none, all others are', () => {
  const of = (name: string, value?: string) => variantOf([name], value === undefined ? {} : { [name]: value })
  assert.equal(of('accept-encoding', 'gzip, br'), of('accept-encoding', 'BR,gzip'))
  assert.equal(of('accept-language', 'de, en;q=0.5'), of('accept-language', 'EN; q=0.5,de'))
  assert.notEqual(of('accept-language', 'de'), of('accept-language', 'de, en'))
  assert.equal(of('x', 'a,b'), of('x', ' a ,  b'))
  assert.notEqual(of('x', 'a, b'), of('x', 'b, a'))
  assert.notEqual(of('x', 'a'), of('x', 'A'))
  assert.notEqual(of('x', ''), of('x'))
  assert.notEqual(of('x', '"a,b"'), of('x', '"a, b"'))
  assert.notEqual(of('accept-encoding', 'gzip'), of('accept-encoding', 'gzip;q=0'))
})

test('two requests share a variant exactly when their selecting fields are equal', () => {
  const value = fc.option(fc.stringMatching(/^[a-c]{0,2}$/), { nil: undefined })
  const fields = fc.record({ x: value, y: value })
  fc.assert(
    fc.property(fields, fields, (a, b) => {
      const isSame = a.x === b.x && a.y === b.y
      assert.equal(variantOf(['x', 'y'], a) === variantOf(['x', 'y'], b), isSame)
    }),
  )
})

test('which 304 is for which stored response', () => {
  const cases: [stored: FieldLines, answer: FieldLines, expected: boolean][] = [
    [['etag', '"a"'], ['etag', '"a"'], true],
    [['etag', '"a"'], ['etag', '"b"'], false],
    [['etag', '"a"'], ['etag', 'W/"a"'], true],
    [['etag', 'W/"a"'], ['etag', 'W/"a"'], true],
    [['etag', 'W/"a"'], ['etag', '"a"'], true],
    [['last-modified', 'x'], ['etag', '"a"'], false],
    [['etag', '"a"'], [], true],
    [['last-modified', 'x'], ['last-modified', 'x'], true],
    [['last-modified', 'x'], ['last-modified', 'y'], false],
  ]
  for (const [ours, theirs, expected] of cases) {
    assert.equal(
      isFor({ statusCode: 304, statusMessage: '', fields: theirs }, stored(ours)),
      expected,
      JSON.stringify([ours, theirs]),
    )
  }
})

test('a 304 replaces whole fields, but for length and hop, and sets no cookie in a shared cache', () => {
  const before = stored(['etag', '"e"', 'Link', '1', 'link', '2', 'Content-Length', '5', 'age', '9', 'X-Kept', 'k'])
  const answer = [
    'LINK',
    '3',
    'content-length',
    '0',
    'connection',
    'x-hop',
    'x-hop',
    '1',
    'set-cookie',
    'a=1',
    'x-new',
    'n',
  ]
  const later = { requestTime: NOW + 5000, responseTime: NOW + 6000 }
  const after = freshened(before, { statusCode: 304, statusMessage: '', fields: answer }, later)
  assert.deepEqual(after.fields, [
    'etag',
    '"e"',
    'Content-Length',
    '5',
    'X-Kept',
    'k',
    'LINK',
    '3',
    'x-new',
    'n',
    'date',
    new Date(NOW + 6000).toUTCString(),
  ])
  assert.equal(after.responseTime, NOW + 6000)
  assert.equal(after.statusCode, 200)
})
