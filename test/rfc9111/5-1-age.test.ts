/** RFC 9111 section 5.1: Age. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BOTH, control, reuse, stage } from './stage.ts'

test('[A79] of a list the first member counts, on one line or on several', async (t) => {
  for (const options of BOTH) {
    const reused = await reuse(t, options)
    for (const [age, expected] of [
      ['0, 7200', true],
      [['0', '7200'], true],
      ['0, 0', true],
      ['0, abc', true],
      ['7200, 0', false],
      [['7200', '0'], false],
      ['7200, abc', false],
      ['7200,', false],
    ] as const) {
      assert.equal(await reused(control('max-age=3600', { age: [age].flat() })), expected, String(age))
    }
    const { get } = await stage(t, control('max-age=3600', { age: ['10', '20'] }), options)
    await get()
    assert.equal((await get()).headers['age'], '10')
  }
})

test('[A80] an invalid Age is ignored', async (t) => {
  for (const options of BOTH) {
    const reused = await reuse(t, options)
    for (const age of ['abc', '-7200', '7200.0', '+7200', '7200;x', '7 200', '"7200"', '0x1C20', '', ', 7200']) {
      assert.equal(await reused(control('max-age=3600', { age })), true, age)
      assert.equal(await reused(control('max-age=3600', { age }), { pass: 3601 }), false, age)
    }
  }
})
