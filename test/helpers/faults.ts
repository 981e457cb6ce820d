/** Faults that the cache has published while a test ran. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { TestContext } from 'node:test'
import type { FaultEvent } from '../../src/index.ts'

const CHANNEL = 'undici-streaming-cache:error'

export function noteFaults(t: TestContext): FaultEvent[] {
  const faults: FaultEvent[] = []
  const note = (message: unknown) => void faults.push(message as FaultEvent)
  subscribe(CHANNEL, note)
  t.after(() => unsubscribe(CHANNEL, note))
  return faults
}
