/** What a stalled response holds above idle, in a process of its own: the way and the process of `bench/memory.ts`. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Context } from '../harness/workload.ts'
import type { Measurement } from '../memory/measure.ts'

export const LIVE_MEMORY = 'live, KiB'
const RESPONSES = 8

/** KiB a response, of this package. */
export async function measureLiveMemory({
  directory: parent,
  origin,
  api,
  state,
  size,
}: Pick<Context, 'directory' | 'origin'> & Pick<Measurement, 'api' | 'state' | 'size'>): Promise<number> {
  const directory = await mkdtemp(join(parent, 'live-'))
  const measurement = { subject: 'undici-streaming-cache', api, state, size, responses: RESPONSES, origin, directory }
  const child = fork(join(import.meta.dirname, '../memory/measure.ts'), [JSON.stringify(measurement)], {
    execArgv: ['--expose-gc', '--no-flush-bytecode', '--no-warnings'],
  })
  let held: number | undefined
  child.on('message', (message) => (held = message as number))
  await once(child, 'exit')
  await rm(directory, { recursive: true, force: true })
  if (held === undefined) throw new Error(`No figure for ${JSON.stringify(measurement)}`)
  return held / 1024
}
