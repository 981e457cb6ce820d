/** A new process opens a directory of 100,000 responses of 1 KB: from before opening to the first hit. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { atMost } from '../harness/checks.ts'
import { figure } from '../harness/results.ts'
import type { Context, Figures, Workload } from '../harness/workload.ts'
import { fillCorpus } from './corpus.ts'

const FIRST_HIT = 'first hit, ms'
const MODE = 'a new process'

export const restart: Workload = {
  name: 'restart',
  title: 'Restart, 100,000 entries of 1 KB',
  modes: [{ name: MODE, figuresOnly: true }],
  contenders: ['this', 'SqliteCacheStore'],
  rounds: 7,
  open: async (context) => {
    const { directory, count } = await fillCorpus(context)
    return {
      round: async () => ({ operations: 1, figures: await start(context, directory, count) }),
      close: async () => {},
    }
  },
  checks: (results) => [
    atMost(
      "open to first hit, SqliteCacheStore's",
      results.ratio(MODE, figure(FIRST_HIT), 'this', 'SqliteCacheStore'),
      1,
    ),
  ],
}

async function start({ peer, origin }: Context, directory: string, count: number): Promise<Figures> {
  const child = fork(
    join(import.meta.dirname, '../harness/starter.ts'),
    [JSON.stringify({ peer, origin, directory, count })],
    {
      execArgv: ['--no-warnings'],
    },
  )
  let figures: Figures | undefined
  child.on('message', (message) => (figures = message as Figures))
  await once(child, 'exit')
  if (figures === undefined) throw new Error('The new process said nothing')
  return figures
}
