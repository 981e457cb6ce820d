/** Lifetimes that are laid down: what end-to-end tests do not reach, and what people are told of them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { explainFreshness } from '../../src/policy/explanation.ts'
import { lifetimeByTerms } from '../../src/policy/terms.ts'
import { NO_VARY, type StoredResponse, type Terms } from '../../src/stored-response.ts'

const NOW = Date.parse('Mon, 23 Nov 2026 12:00:00 GMT')
const settings = {
  shared: true,
  cacheByDefault: undefined,
  staleWhenUnreachable: true,
  targets: [],
  noVarySearch: false,
}

function stored(control: string, terms: Terms): StoredResponse {
  return {
    key: 'http://a/',
    variant: '',
    vary: NO_VARY,
    statusCode: 200,
    statusMessage: 'OK',
    fields: ['cache-control', control],
    scope: 'shared',
    requestTime: NOW,
    responseTime: NOW,
    body: { size: 0, sha256: '', checksums: [] },
    terms,
  }
}

test('people are told what was laid down', () => {
  const told = (control: string, terms: Terms) => {
    const { lifetime, reasons } = explainFreshness(stored(control, terms), settings, NOW)
    return [lifetime, ...reasons]
  }
  const when = 'laid down when it was stored or validated'
  assert.deepEqual(told('max-age=60', { maxTtl: 10 }), [10, `maxTtl=10 ${when}`, 'max-age=60', 'no validator'])
  assert.deepEqual(told('public', { ttl: 5 }), [5, `ttl=5 ${when}`, 'no validator'])
})

const natural = fc.nat({ max: 1_000_000 })

test('maxTtl never extends a lifetime, minTtl never shortens one, and none of them depends on the age', () => {
  fc.assert(
    fc.property(natural, natural, natural, (stated, age, seconds) => {
      assert.ok(lifetimeByTerms({ maxTtl: seconds }, stated, age) <= stated)
      assert.ok(lifetimeByTerms({ maxTtl: seconds }, stated, age) - age <= seconds)
      assert.ok(lifetimeByTerms({ minTtl: seconds }, stated, age) >= stated)
      assert.ok(seconds === 0 || lifetimeByTerms({ minTtl: seconds }, stated, age) - age >= seconds)
      assert.equal(lifetimeByTerms({ ttl: seconds }, stated, age) - age, seconds)
      assert.equal(lifetimeByTerms({ staleIfError: seconds }, stated, age), stated)
    }),
  )
})
