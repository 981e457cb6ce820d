/** Runs one row: all its contenders open side by side, their rounds interleaved, each round beginning with another. */
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { peerOf, type PeerName } from '../peers/peers.ts'
import { Contender } from './contender.ts'
import type { Origin } from './origin.ts'
import { Results } from './results.ts'
import type { Mode, Workload } from './workload.ts'

export interface Run {
  readonly origin: Origin
  /** Removed with everything in it when the run ends. */
  readonly directory: string
  readonly isQuick: boolean
  /** Only these take part; all of a row's where undefined. */
  readonly only: readonly string[] | undefined
}

const QUICK_ROUNDS = 2

export interface RowResults {
  readonly results: Results
  /** Who could not take part, and why. */
  readonly absent: readonly string[]
}

export async function runRounds(workload: Workload, run: Run): Promise<RowResults> {
  const results = new Results()
  const { present, absent } = takingPart(workload, run.only)
  const directory = join(run.directory, workload.name)
  const contenders = new Map<PeerName, Contender>()
  try {
    const opened = await Promise.allSettled(present.map(async (peer) => contenders.set(peer, await open(peer))))
    for (const each of opened) if (each.status === 'rejected') throw each.reason
    for (const mode of workload.modes) await runMode(workload, mode, contenders, run, results)
    for (const [peer, contender] of contenders) {
      const { figures } = await contender.ask({ ask: 'finish' }, 'figures')
      results.finish(peer, figures)
      await contender.close()
    }
  } finally {
    for (const contender of contenders.values()) await contender.end()
    await rm(directory, { recursive: true, force: true })
  }
  return { results, absent }

  async function open(peer: PeerName): Promise<Contender> {
    return await openContender(workload, peer, run)
  }
}

export async function openContender(workload: Workload, peer: PeerName, run: Run): Promise<Contender> {
  const directory = join(run.directory, workload.name, peer.replaceAll(/\W/g, '-'))
  await mkdir(directory, { recursive: true })
  const { isQuick, origin } = run
  const context = { peer, origin: origin.url, directory, sharedDirectory: run.directory, isQuick }
  return await Contender.open({ workload: workload.name, context })
}

function takingPart(
  { contenders }: Workload,
  only: readonly string[] | undefined,
): { present: readonly PeerName[]; absent: readonly string[] } {
  const asked = contenders.filter((name) => only === undefined || only.includes(name))
  const reasons = new Map(asked.map((name) => [name, peerOf(name).unavailable?.()]))
  const present = asked.filter((name) => reasons.get(name) === undefined)
  const absent = asked.flatMap((name) => reasons.get(name) ?? [])
  return { present, absent }
}

async function runMode(
  workload: Workload,
  mode: Mode,
  contenders: ReadonlyMap<PeerName, Contender>,
  { origin, isQuick }: Run,
  results: Results,
): Promise<void> {
  const turns = [...contenders].filter(([peer]) => mode.contenders?.includes(peer) ?? true)
  const rounds = mode.rounds ?? (isQuick ? QUICK_ROUNDS : workload.rounds)
  const warmUps = mode.isCold === true ? 0 : isQuick ? 1 : (workload.warmUps ?? 1)
  for (let round = -warmUps; round < rounds; round++) {
    for (let turn = 0; turn < turns.length; turn++) {
      const [peer, contender] = turns[(Math.max(round, 0) + turn) % turns.length] as [PeerName, Contender]
      await contender.ask({ ask: 'prepare' }, 'figures')
      const before = await origin.count()
      const { is: _, figures = {}, ...counted } = await contender.ask({ ask: 'round', mode: mode.name }, 'round')
      const after = await origin.count()
      const inspected = await contender.ask({ ask: 'inspect', mode: mode.name }, 'figures')
      if (round < 0) continue
      results.add(mode.name, peer, {
        ...counted,
        originRequests: after.requests - before.requests,
        originBytes: after.bytes - before.bytes,
        figures: { ...figures, ...inspected.figures },
      })
    }
  }
}
