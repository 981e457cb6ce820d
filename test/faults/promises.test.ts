/** The promises about faults in short runs; `npm run test:faults` runs them long. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PROMISES } from './run.ts'

for (const { name, promise, rounds, run } of PROMISES) {
  test(`${name}: ${promise}`, async () => {
    const { failures } = await run(rounds.short)
    assert.deepEqual(failures, [])
  })
}
