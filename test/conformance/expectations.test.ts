/** A change in either direction is a change, and `--update` keeps what was written by hand. */
import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { changes, updated } from './expectations.ts'
import { scoreOf, type TestResult, type Verdict } from './scores.ts'
import type { Kind } from './suite.ts'

const result = (id: string, verdict: Verdict, kind: Kind = 'required'): TestResult => ({
  id,
  name: id,
  kind,
  dependsOn: [],
  verdict,
  message: '',
})

test('changes: in both directions, and a test that is gone', () => {
  const results = [result('a', 'pass'), result('b', 'fail'), result('c', 'dependency'), result('d', 'fail', 'check')]
  deepEqual(changes(results, { b: 'known', c: 'known' }), [])
  deepEqual(changes(results, { a: 'known', c: 'known', gone: 'known' }), [
    'b no longer passes',
    'a passes now',
    'gone is not a test of this mode',
  ])
})

test('update: keeps known reasons, drops what passes, leaves a mode alone that was not run', () => {
  const before = { shared: { a: 'the RFC wins', b: 'old' }, private: { z: 'kept' } }
  const runs = new Map([
    ['shared' as const, [result('a', 'fail'), result('b', 'pass'), result('c', 'setup', 'optimal')]],
  ])
  deepEqual(updated(runs, before), { shared: { a: 'the RFC wins', c: 'not yet' }, private: { z: 'kept' } })
})

test('score: what waits for another test is not passed', () => {
  const results = [result('a', 'pass'), result('b', 'dependency'), result('c', 'pass', 'optimal')]
  deepEqual(scoreOf(results, 'required'), { passed: 1, of: 2 })
})
