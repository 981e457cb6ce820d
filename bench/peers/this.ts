/** This package: what is built into `dist`, as users have it. */
import { Agent } from 'undici'
import { cacheInterceptor, createFetch, StreamingManager } from 'undici-streaming-cache'
import type { Figures } from '../harness/workload.ts'
import type { OpenPeer, Peer } from './peer.ts'

export const streamingCache: Peer = {
  open: async ({ directory, origin, limits }) => {
    const manager = await StreamingManager.open(directory, limits)
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

function figuresOf(manager: StreamingManager): Figures {
  const { entryCount, size, stores, evictions } = manager.stats()
  return { stored: entryCount, size, stores, evictions }
}
