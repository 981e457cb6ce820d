/** Descriptors: how many are held, who is next, and what happens when the system has none. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Descriptors } from '../../src/content-store/descriptors.ts'

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code })
}

test('no more than maxOpenFiles are held, and those that wait come first come, first served', async () => {
  const descriptors = new Descriptors({ maxOpenFiles: 2, maxOpenDelay: 60_000 })
  const opened: number[] = []
  const all = [0, 1, 2, 3, 4].map((n) => descriptors.hold(() => Promise.resolve(opened.push(n))))
  await Promise.all(all.slice(0, 2))
  assert.deepEqual([opened, descriptors.held], [[0, 1], 2])
  for (const n of [2, 3, 4]) {
    descriptors.release()
    await all[n]
    assert.equal(opened.at(-1), n)
    assert.equal(descriptors.held, 2)
  }
  descriptors.release()
  descriptors.release()
  assert.equal(descriptors.held, 0)
})

test('who waits for longer than maxOpenDelay gets EMFILE, and its turn goes to the next', async () => {
  const descriptors = new Descriptors({ maxOpenFiles: 1, maxOpenDelay: 5 })
  await descriptors.hold(() => Promise.resolve())
  await assert.rejects(
    descriptors.hold(() => Promise.resolve()),
    { code: 'EMFILE', message: /All 1 descriptors/ },
  )
  descriptors.release()
  assert.equal(await descriptors.during(() => Promise.resolve('open')), 'open')
  assert.equal(descriptors.held, 0)
})

test('while the system has none it is tried again, also where that is only the cause', async () => {
  const descriptors = new Descriptors({ maxOpenFiles: 1, maxOpenDelay: 60_000 })
  const errors = [systemError('EMFILE'), systemError('ENFILE'), new Error('wrapped', { cause: systemError('EMFILE') })]
  const tried = await descriptors.hold(() => {
    const error = errors.shift()
    return error === undefined ? Promise.resolve('open') : Promise.reject(error)
  })
  assert.equal(tried, 'open')
})

test('not for ever, and other errors come at once; nothing is held after either', async () => {
  const descriptors = new Descriptors({ maxOpenFiles: 1, maxOpenDelay: 0 })
  for (const code of ['EMFILE', 'EACCES']) {
    await assert.rejects(
      descriptors.hold(() => Promise.reject(systemError(code))),
      { code },
    )
    await assert.rejects(
      descriptors.during(() => Promise.reject(systemError(code))),
      { code },
    )
    assert.equal(descriptors.held, 0)
  }
})
