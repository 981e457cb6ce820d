/** undici-streaming-cache itself. */
import { Agent, request } from 'undici'
import { cacheInterceptor, StreamingManager } from '../../../src/index.ts'
import type { Peer } from './peer.ts'

export const ours: Peer = {
  name: 'undici-streaming-cache',
  open: async (directory, limits) => {
    const manager = await StreamingManager.open(directory, limits && { maxSize: limits.maxSize })
    const agent = new Agent()
    const dispatcher = agent.compose(cacheInterceptor(manager))
    return {
      ask: async (url, signal) => {
        const { statusCode, body } = await request(url, { dispatcher, ...(signal && { signal }) })
        return { statusCode, bytes: Buffer.from(await body.arrayBuffer()) }
      },
      settle: () => manager.runPendingTasks(),
      close: async () => {
        await agent.destroy()
        await manager.close()
      },
    }
  },
}
