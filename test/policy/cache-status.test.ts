/** Reading Cache-Status (RFC 9211), in every form in which headers come. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { getCacheStatus, getCacheStatuses } from '../../src/index.ts'

const VALUE =
  'ExampleCache; hit; ttl=30, undici-streaming-cache; fwd=stale; fwd-status=304; collapsed; stored; ttl=-5; detail=x; key="k"'

const EXPECTED = {
  cache: 'undici-streaming-cache',
  hit: false,
  fwd: 'stale',
  fwdStatus: 304,
  stored: true,
  collapsed: true,
  ttl: -5,
  key: 'k',
  detail: 'x',
}

test('this cache among others, from a Response, from Headers, and from objects', () => {
  const forms = [
    new Response('', { headers: { 'cache-status': VALUE } }),
    new Headers({ 'cache-status': VALUE }),
    { headers: { 'cache-status': VALUE } },
    { 'cache-status': VALUE },
    { headers: { 'cache-status': VALUE.split(', ') } },
  ]
  for (const form of forms) assert.deepEqual(getCacheStatus(form), EXPECTED)
})

test('all caches on the way, nearest to the origin first', () => {
  const statuses = getCacheStatuses({ 'cache-status': VALUE })
  assert.deepEqual(statuses[0], { cache: 'ExampleCache', hit: true, stored: false, collapsed: false, ttl: 30 })
  assert.equal(statuses.length, 2)
})

test('nothing said, somebody else only, and what does not parse', () => {
  for (const value of [undefined, 'Other; hit', 'undici-streaming-cache; hit=', '"', '']) {
    assert.equal(getCacheStatus({ headers: { 'cache-status': value } }), undefined)
  }
})
