/** How long the disk may hold up a response that it is to take. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BodyTee } from '../../src/interceptor/body-tee.ts'
import { NetworkSource } from '../../src/interceptor/network-source.ts'

/** A tee whose disk does as it is told. */
function startTee(maxStoreDelay: number, write: () => boolean) {
  const flows = Promise.withResolvers<void>()
  const aborted: string[] = []
  const pending = {
    blockedMs: 0,
    isOpen: true,
    onDrain: undefined,
    write,
    abort: (reason: string) => {
      aborted.push(reason)
      pending.isOpen = false
    },
  }
  const controller = { aborted: false, paused: false, reason: null, abort() {}, pause() {}, resume: flows.resolve }
  const tee = new BodyTee(pending as never, new NetworkSource(controller), maxStoreDelay)
  return { tee, pending, aborted, flows: flows.promise }
}

test('a disk that never answers holds the network for maxStoreDelay, no longer', async () => {
  const { tee, aborted, flows } = startTee(1, () => false)
  tee.write(Buffer.from('chunk'))
  await flows
  assert.deepEqual(aborted, ['slow-disk'])
})

test('a disk that stops everything while it takes what it is given may do so for maxStoreDelay in all', () => {
  let blocks = 0
  const { tee, pending, aborted } = startTee(100, () => {
    pending.blockedMs += blocks
    return true
  })
  for (blocks of [0, 60, 0, 40]) tee.write(Buffer.from('chunk'))
  assert.deepEqual(aborted, [])
  blocks = 1
  for (let i = 0; i < 3; i++) tee.write(Buffer.from('chunk'))
  assert.deepEqual(aborted, ['slow-disk'])
  assert.equal(pending.blockedMs, 101, 'nothing is written any more')
})
