/**
 * What a hit costs beside how many entries, all alike likely to be asked for, and what an entry takes in memory beside its
 * body. A million files would take an hour to write: the records are put into the index as a start puts in those that it
 * finds, all over one body of 1 KB that lies on disk.
 */
import { atMost, noOriginRequests } from '../harness/checks.ts'
import { clientOf, type Client } from '../harness/clients.ts'
import { drive } from '../harness/drive.ts'
import { turn } from '../harness/meter.ts'
import { cpuMicroseconds, figure } from '../harness/results.ts'
import type { Workload } from '../harness/workload.ts'
import { seeded } from '../index/policies/index-policy.ts'
import { getWhole, KIB, roundMs } from './common.ts'
import { openFilledMemoryStore, openFilledIndex } from './entries-filled.ts'

const COUNTS = [1_000, 10_000, 100_000, 1_000_000] as const
const QUICK_MOST = 10_000
const MEMORY = 'memory an entry, bytes'
const MODES = COUNTS.map((count) => ({ name: `${count.toLocaleString('en')} entries, request(), 64 at a time`, count }))
const FIRST = MODES[0]?.name ?? ''
const LAST = MODES.at(-1)?.name ?? ''

interface Filled {
  readonly count: number
  readonly client: Client
  readonly bytesAnEntry: number
  release(): Promise<void>
}

export const entries: Workload = {
  name: 'entries',
  title: 'Hits, 1 KB, uniform',
  modes: MODES,
  contenders: ['this', 'MemoryCacheStore'],
  rounds: 5,
  open: async (context) => {
    const random = seeded(13)
    let filled: Filled | undefined
    const fill = async (count: number): Promise<Filled> => {
      await filled?.release()
      filled = undefined
      const before = await liveMemory()
      const fillOne = context.peer === 'this' ? openFilledIndex : openFilledMemoryStore
      const opened = await fillOne(context, count)
      const bytesAnEntry = ((await liveMemory()) - before) / count - opened.bodyBytes
      return { count, client: clientOf(opened, 'request()'), bytesAnEntry, release: () => opened.close() }
    }
    return {
      round: async (name) => {
        const count = MODES.find((mode) => mode.name === name)?.count ?? NaN
        const most = context.isQuick ? Math.min(count, QUICK_MOST) : count
        if (filled?.count !== most) filled = await fill(most)
        const { client, bytesAnEntry } = filled
        const operations = await drive({ inFlight: 64, milliseconds: roundMs(context) }, () =>
          getWhole(client, `${context.origin}/${KIB}/${Math.floor(random() * most)}`, KIB),
        )
        return { operations, figures: { entries: most, [MEMORY]: bytesAnEntry } }
      },
      close: async () => await filled?.release(),
    }
  },
  checks: (results) => [
    atMost(
      'CPU a hit at 1,000,000 entries, that at 1,000',
      results.median(LAST, 'this', cpuMicroseconds) / results.median(FIRST, 'this', cpuMicroseconds),
      3,
    ),
    atMost('memory an entry at 1,000,000 entries', results.median(LAST, 'this', figure(MEMORY)), 800, 'bytes'),
    noOriginRequests(results, MODES),
  ],
}

async function liveMemory(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    globalThis.gc?.()
    await turn()
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
