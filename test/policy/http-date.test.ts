import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseHttpDate } from '../../src/policy/http-date.ts'

const NOW = Date.parse('Mon, 23 Nov 2026 12:00:00 GMT')
const EXAMPLE = Date.parse('Sun, 06 Nov 1994 08:49:37 GMT')

test('the three forms, in any letter case', () => {
  const forms = [
    'Sun, 06 Nov 1994 08:49:37 GMT',
    'SUN, 06 NOV 1994 08:49:37 gmt',
    'Sunday, 06-Nov-94 08:49:37 GMT',
    'Sun Nov  6 08:49:37 1994',
    'sun nov 06 08:49:37 1994',
  ]
  for (const form of forms) assert.equal(parseHttpDate(form, NOW), EXAMPLE, form)
})

test('a year of two digits more than 50 years ahead is of the last century', () => {
  assert.equal(parseHttpDate('Sunday, 06-Nov-76 08:49:37 GMT', NOW), Date.UTC(2076, 10, 6, 8, 49, 37))
  assert.equal(parseHttpDate('Sunday, 06-Nov-77 08:49:37 GMT', NOW), Date.UTC(1977, 10, 6, 8, 49, 37))
})

test('anything else is no date', () => {
  const others = [
    '',
    '0',
    '-1',
    'Sun, 06 Nov 1994 08:49:37',
    'Sun, 06 Nov 1994 08:49:37 UTC',
    'Sun, 06 Nov 1994 08:49:37 AEST',
    'Sun, 06 Nov 1994 08:49:37 +0000',
    'Sun, 06 Nov 94 08:49:37 GMT',
    'Sun 06 Nov 1994 08:49:37 GMT',
    'Sun, 06  Nov 1994 08:49:37 GMT',
    'Sun, 06-Nov-1994 08:49:37 GMT',
    'Sun, 06 Nov 1994 08.49.37 GMT',
    'Sun, 06 Nov 1994 8:49:37 GMT',
    'Sun, 6 Nov 1994 08:49:37 GMT',
    'Sun, 30 Feb 1994 08:49:37 GMT',
    'Sun, 00 Nov 1994 08:49:37 GMT',
    'Thu, 31 Nov 1994 08:49:37 GMT',
    'Sun, 06 Foo 1994 08:49:37 GMT',
    'Sun, 06 Nov 1994 24:00:00 GMT',
    '1994-11-06T08:49:37Z',
    'Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT',
  ]
  for (const value of others) assert.equal(parseHttpDate(value, NOW), undefined, value)
  assert.equal(parseHttpDate(undefined, NOW), undefined)
})

test('what toUTCString writes is read again', () => {
  const date = fc.date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true })
  fc.assert(
    fc.property(date, (value) => {
      assert.equal(parseHttpDate(value.toUTCString(), NOW), Math.floor(value.getTime() / 1000) * 1000)
    }),
  )
})
