/** This package: what is built into `dist`, as users have it. */
import { Agent } from 'undici'
import {
  cacheInterceptor,
  createFetch,
  InvalidOptionError,
  StreamingManager,
  type ManagerOptions,
} from 'undici-streaming-cache'
import type { Figures } from '../harness/workload.ts'
import type { Limits, OpenPeer, Peer } from './peer.ts'

/** Limits of the package's own that no peer has, and that older versions of it do not know. */
const NEWER: readonly string[] = []

export const streamingCache: Peer = {
  open: async ({ directory, origin, limits }) => {
    const manager = await openManager(directory, limits)
    const agent = new Agent()
    return {
      base: origin,
      dispatcher: agent.compose(cacheInterceptor(manager)),
      builtInFetch: createFetch(manager),
      settled: () => manager.runPendingTasks(),
      figures: async () => figuresOf(manager),
      close: async () => {
        await agent.close()
        await manager.close()
      },
    } satisfies OpenPeer
  },
}

/** Leaves out the newer options that this version refuses, so that versions can be compared. */
export async function openManager(directory: string, limits: Limits = {}): Promise<StreamingManager> {
  const options: ManagerOptions = { ...limits }
  try {
    return await StreamingManager.open(directory, options)
  } catch (error) {
    if (!(error instanceof InvalidOptionError) || !NEWER.some((name) => name === error.option)) throw error
    const known = Object.entries(options).filter(([name]) => name !== error.option)
    console.error(`(no option ${error.option} in this version: measured without)`)
    return await openManager(directory, Object.fromEntries(known))
  }
}

function figuresOf(manager: StreamingManager): Figures {
  const { entryCount, size, stores, evictions } = manager.stats()
  return { stored: entryCount, size, stores, evictions }
}
