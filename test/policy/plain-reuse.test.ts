/** Requests that ask for nothing special are judged by numbers worked out once: to the same end as all others. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { CacheRequest, PolicySettings } from '../../src/policy/cache-request.ts'
import { mayReuse, PlainUse } from '../../src/policy/reuse.ts'
import type { StoredResponse } from '../../src/stored-response.ts'

const NOW = Date.parse('Mon, 23 Nov 2026 12:00:00 GMT')
const DIRECTIVES = [
  'max-age=10',
  'max-age=0',
  's-maxage=20',
  'no-cache',
  'no-cache="set-cookie"',
  'no-store',
  'must-understand',
  'private',
  'private="x"',
  'must-revalidate',
  'stale-while-revalidate=30',
  'immutable',
]
const EXPIRES = ['expires', new Date(NOW + 15_000).toUTCString()]

const stored = fc.record({
  directives: fc.subarray(DIRECTIVES),
  more: fc.subarray([EXPIRES, ['age', '5'], ['date', new Date(NOW - 4000).toUTCString()]]),
  scope: fc.constantFrom('shared' as const, 'private' as const),
})
const settings: fc.Arbitrary<PolicySettings> = fc.record({
  shared: fc.boolean(),
  cacheByDefault: fc.constantFrom(undefined, 7),
  staleWhenUnreachable: fc.constant(true),
  targets: fc.constant([]),
  noVarySearch: fc.constant(false),
})

test('a plain request gets the answer that the rules give, at any time', () => {
  const plain: CacheRequest = { method: 'GET', key: 'http://a/', fields: {}, mode: 'default', isPlain: true }
  const outcomes = new Set<string>()
  fc.assert(
    fc.property(stored, settings, settings, fc.array(fc.integer({ min: -2, max: 60 })), (of, one, other, seconds) => {
      const response: StoredResponse = {
        key: 'http://a/',
        variant: '',
        vary: [],
        statusCode: 200,
        statusMessage: 'OK',
        scope: of.scope,
        requestTime: NOW,
        responseTime: NOW,
        fields: ['cache-control', of.directives.join(', '), ...of.more.flat()],
        body: { size: 0, sha256: '', checksums: [] },
      }
      for (const second of seconds) {
        // Two caches ask in turn: what one has worked out is not the other's.
        for (const each of [one, other]) {
          const now = NOW + second * 1000
          const use = PlainUse.of(response, each)
          const age = use.ageAt(now)
          const ttl = use.ttlAt(now, age)
          const byRules = mayReuse(response, plain, now, each)
          if (ttl > 0) assert.deepEqual(byRules, { use: 'serve', rule: 'fresh', age, ttl, revalidate: false })
          else assert.notEqual(byRules.rule, 'fresh')
          outcomes.add(byRules.use)
        }
      }
    }),
    { numRuns: 500 },
  )
  assert.deepEqual([...outcomes].toSorted(), ['none', 'serve', 'validate'])
})
