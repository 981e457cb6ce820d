/**
 * Hits on bodies of 1, 10 and 100 MB, one and 16 at a time: MB/s, the first byte, and what a stalled hit holds in memory
 * (the way of `npm run bench:memory`).
 */
import { atLeast, atMost, noOriginRequests, type Check } from '../harness/checks.ts'
import { clientOf, stream } from '../harness/clients.ts'
import { drive } from '../harness/drive.ts'
import { figure, median, type Results } from '../harness/results.ts'
import type { Mode, Workload } from '../harness/workload.ts'
import { modeOf, openPeer, untilStored } from './common.ts'
import { LIVE_MEMORY, measureLiveMemory } from './live-memory.ts'

const MB = 1_000_000
const MB_PER_SECOND = 'MB/s'
const FIRST_BYTE = 'first byte, ms'

interface LargeMode extends Mode {
  readonly megabytes: number
  readonly inFlight: number
}

const MODES: readonly LargeMode[] = [1, 10, 100].flatMap((megabytes) =>
  [1, 16].map((inFlight) => ({
    name: `${megabytes} MB, ${inFlight} at a time`,
    megabytes,
    inFlight,
    ...(megabytes * inFlight > 1000 ? { rounds: 3, isCold: true } : {}),
  })),
)
const STALLED = (['request()', 'fetch()'] as const).map((api) => ({
  name: `100 MB, stalled, ${api}`,
  api,
  rounds: 1,
  isCold: true,
  figuresOnly: true,
  contenders: ['this' as const],
}))
/** KiB. */
const LIVE_LIMITS = { 'request()': 256, 'fetch()': 384 }

export const hitsLarge: Workload = {
  name: 'hits-large',
  title: 'Hits, large bodies, request()',
  modes: [...MODES, ...STALLED],
  contenders: [
    'this',
    'read loop',
    'synchronous read loop',
    'SqliteCacheStore',
    'make-fetch-happen',
    'MemoryCacheStore',
  ],
  rounds: 3,
  open: async (context) => {
    // It is to be stored however slow the disk is today.
    const peer = await openPeer(context, { maxStoreDelay: 600_000 })
    const client = clientOf(peer, 'request()')
    const urlOf = (megabytes: number): string => `${peer.base}/${megabytes * MB}/large`
    for (const megabytes of [1, 10, 100]) await untilStored(peer, urlOf(megabytes))
    return {
      round: async (name) => {
        const stalled = STALLED.find((each) => each.name === name)
        if (stalled !== undefined) {
          const held = await measureLiveMemory({ ...context, api: stalled.api, state: 'hit', size: 100 * MB })
          return { operations: 1, figures: { [LIVE_MEMORY]: held } }
        }
        const { megabytes, inFlight } = modeOf(MODES, name)
        const firsts: number[] = []
        const begun = performance.now()
        const operations = await drive({ inFlight, ...extentOf(megabytes, inFlight) }, async () => {
          const { firstByteMs, bytes } = await stream(client, urlOf(megabytes))
          if (bytes !== megabytes * MB) throw new Error(`Expected ${megabytes} MB, got ${bytes} bytes`)
          firsts.push(firstByteMs)
        })
        const seconds = (performance.now() - begun) / 1000
        return {
          operations,
          figures: { [MB_PER_SECOND]: (operations * megabytes) / seconds, [FIRST_BYTE]: median(firsts) },
        }
      },
      close: () => peer.close(),
    }

    /** Once each where that is enough, else for a while. */
    function extentOf(megabytes: number, inFlight: number): { operations: number } | { milliseconds: number } {
      if (megabytes === 100) return { operations: inFlight }
      return { milliseconds: context.isQuick ? 100 : 500 }
    }
  },
  checks: (results) => [
    ...MODES.flatMap((mode) => speedChecks(results, mode)),
    ...firstByteChecks(results),
    ...liveChecks(results),
    noOriginRequests(results, MODES),
  ],
}

function speedChecks(results: Results, { name, inFlight }: LargeMode): Check[] {
  const metric = figure(MB_PER_SECOND)
  const factor = inFlight === 1 ? 1.3 : 2
  return [
    atLeast(`${name}: MB/s, a bare read loop's`, results.ratio(name, metric, 'this', 'read loop'), 0.8),
    ...(['SqliteCacheStore', 'make-fetch-happen'] as const).map((peer) =>
      atLeast(`${name}: MB/s, ${peer}'s`, results.ratio(name, metric, 'this', peer), factor),
    ),
  ]
}

function firstByteChecks(results: Results): Check[] {
  const name = '100 MB, 1 at a time'
  return (['SqliteCacheStore', 'make-fetch-happen'] as const).map((peer) =>
    atLeast(`${name}: first byte sooner than ${peer}'s`, results.ratio(name, figure(FIRST_BYTE), peer, 'this'), 20),
  )
}

function liveChecks(results: Results): Check[] {
  return STALLED.map(({ name, api }) =>
    atMost(`${name}: live memory`, results.median(name, 'this', figure(LIVE_MEMORY)), LIVE_LIMITS[api], 'KiB'),
  )
}
