/** One run of the machine and the next are told apart, with the help of the kernel and without. */
import assert from 'node:assert/strict'
import fs from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import os from 'node:os'
import { test } from 'node:test'
import { currentBoot, isSameBoot } from '../../src/content-store/boot.ts'

test('a run of the machine is the same as itself, and as no other', async () => {
  const id = await currentBoot()
  assert.ok(isSameBoot(id, await currentBoot()))
  assert.ok(!isSameBoot('', id))
  assert.ok(!isSameBoot('2b1f0c5e-0000-4000-8000-000000000000', '2b1f0c5e-0000-4000-8000-000000000001'))
})

test('where the kernel has no name for it, it is known by its beginning', async (t) => {
  const missing = t.mock.method(fs, 'readFile', async () => Promise.reject(new Error('no such file')))
  t.mock.timers.enable({ apis: ['Date'], now: 1_800_000_000_000 })
  const uptime = t.mock.method(os, 'uptime', () => 1000)
  syncBuiltinESMExports()
  t.after(() => {
    missing.mock.restore()
    uptime.mock.restore()
    syncBuiltinESMExports()
  })
  assert.equal(await currentBoot(), '1799999000')
  t.mock.timers.tick(3_600_000)
  uptime.mock.mockImplementation(() => 1000 + 3600 - 10)
  assert.ok(isSameBoot('1799999000', await currentBoot()), 'the clock was set by ten seconds')
  uptime.mock.mockImplementation(() => 1000 + 3600 - 11)
  assert.ok(!isSameBoot('1799999000', await currentBoot()))
})
