import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseDirectives, requestDirectives, responseDirectives, seconds } from '../../src/policy/cache-control.ts'

const parsed: [string, Record<string, string | true>][] = [
  ['max-age=60', { 'max-age': '60' }],
  ['MAX-AGE=60 , No-Store', { 'max-age': '60', 'no-store': true }],
  ['max-age="60"', { 'max-age': '60' }],
  ['max-age = 60', { 'max-age': '60' }],
  ['ext="a, no-store", public', { ext: 'a, no-store', public: true }],
  ['ext="a \\" b", public', { ext: 'a " b', public: true }],
  ['ext="never ends, no-store', { ext: 'never ends', 'no-store': true }],
  [', ,public,,', { public: true }],
  ['private, private="x"', { private: true }],
  ['private="a", private="b"', { private: 'a, b' }],
  ['max-age=60, max-age=10', { 'max-age': '10' }],
  ['max-age=10, max-age=60', { 'max-age': '10' }],
  ['max-age=60, max-age=x', { 'max-age': 'x' }],
  ['__proto__=1, constructor', { ['__proto__']: '1', constructor: true } as Record<string, string | true>],
]

for (const [value, expected] of parsed) {
  test(`${value} is read as ${JSON.stringify(expected)}`, () => {
    assert.deepEqual([...parseDirectives(value)], Object.entries(expected))
  })
}

test('several lines are one list', () => {
  const directives = responseDirectives(['Cache-Control', 'max-age=60', 'x', 'y', 'cache-control', 'no-store'])
  assert.deepEqual([...directives.keys()], ['max-age', 'no-store'])
})

test('seconds: whole numbers only, the largest is 2^31, what is invalid is 0, what is absent undefined', () => {
  const cases: [string, number | undefined][] = [
    ['max-age=0', 0],
    ['max-age=2147483648', 2_147_483_648],
    ['max-age=99999999999999999999', 2_147_483_648],
    ['max-age=-5', 0],
    ['max-age=1.5', 0],
    ['max-age=1e9', 0],
    ['max-age=', 0],
    ['max-age', 0],
    ['public', undefined],
  ]
  for (const [value, expected] of cases) assert.equal(seconds(parseDirectives(value), 'max-age'), expected, value)
})

test('Pragma: no-cache counts only where a request has no Cache-Control', () => {
  assert.ok(requestDirectives({ pragma: 'No-Cache' }).has('no-cache'))
  assert.ok(!requestDirectives({ pragma: 'no-cache', 'cache-control': 'max-age=1' }).has('no-cache'))
  assert.ok(!requestDirectives({ pragma: 'other' }).has('no-cache'))
})

test('whatever comes is read in linear time and never throws', () => {
  const pieces = fc.constantFrom('"', ',', '=', '\\', ' ', 'no-store', 'max-age', '5', '\t', 'é')
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 200 }), (parts) => {
      for (const [name] of parseDirectives(parts.join(''))) assert.equal(name, name.trim().toLowerCase())
    }),
  )
  const long = '"\\'.repeat(32_768)
  const before = performance.now()
  parseDirectives(long)
  assert.ok(performance.now() - before < 2_000, '64 KiB of quotes')
})

test('no-store is found wherever it stands outside a quoted string', () => {
  const token = fc.stringMatching(/^[a-z]{1,8}$/)
  const member = fc.oneof(
    token,
    fc.tuple(token, token).map(([a, b]) => `${a}=${b}`),
    fc.tuple(token, token).map(([a, b]) => `${a}="${b}, ${a}"`),
  )
  fc.assert(
    fc.property(fc.array(member), fc.array(member), (before, after) => {
      assert.ok(parseDirectives([...before, 'NO-store', ...after].join(' ,')).has('no-store'))
    }),
  )
})
