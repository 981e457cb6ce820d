/** What a manager notes of its hits and misses, for whoever looks at the directory later. */
import assert from 'node:assert/strict'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { Inspection } from '../../src/manager/inspection.ts'
import { ManualClock, startCache } from '../helpers/cache.ts'
import { noteFaults } from '../helpers/faults.ts'
import { startOrigin } from '../helpers/origin.ts'

test('each manager notes at its end what it has answered, if anything', async (t) => {
  const origin = await startOrigin(t, (_, response) => {
    response.setHeader('cache-control', 'max-age=60')
    response.end('body')
  })
  const clock = new ManualClock()
  const begun = clock.now()
  const first = await startCache(t, { clock: clock.now })
  for (let i = 0; i < 3; i++) await first.get(origin.url)
  clock.pass(10)
  await first.manager.close()
  const { directory } = first
  const idle = await startCache(t, { directory, clock: clock.now })
  await idle.manager.close()
  const second = await startCache(t, { directory, clock: clock.now })
  await second.get(origin.url)
  await second.manager.close()
  const noted = await (await Inspection.open(directory)).history()
  assert.deepEqual(noted, [
    { from: begun, to: begun + 10_000, hits: 2, misses: 1, bytesServed: 8, bytesFromNetwork: 4 },
    { from: begun + 10_000, to: begun + 10_000, hits: 1, misses: 0, bytesServed: 4, bytesFromNetwork: 0 },
  ])
})

test('what cannot be noted is an event, and nothing else', async (t) => {
  const faults = noteFaults(t)
  const origin = await startOrigin(t, (_, response) => void response.end('body'))
  const { manager, directory, get } = await startCache(t)
  await mkdir(join(directory, 'history'))
  await get(origin.url)
  await manager.close()
  assert.deepEqual(
    faults.map(({ operation }) => operation),
    ['history'],
  )
  await rm(join(directory, 'history'), { recursive: true })
})
