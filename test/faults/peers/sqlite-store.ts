/** undici's own interceptor over its SQLite store: `location` a file, the only limits it has are entries and entry size. */
import { join } from 'node:path'
import { Agent, cacheStores, interceptors, request } from 'undici'
import type { Peer } from './peer.ts'

export const sqliteStore: Peer = {
  name: 'undici interceptors.cache, SqliteCacheStore',
  open: async (directory, limits) => {
    const store = new cacheStores.SqliteCacheStore({
      location: join(directory, 'cache.sqlite'),
      ...(limits && { maxCount: limits.maxCount }),
    })
    const agent = new Agent()
    const dispatcher = agent.compose(interceptors.cache({ store, methods: ['GET', 'HEAD'] }))
    return {
      ask: async (url, signal) => {
        const { statusCode, body } = await request(url, { dispatcher, ...(signal && { signal }) })
        return { statusCode, bytes: Buffer.from(await body.arrayBuffer()) }
      },
      settle: async () => {},
      close: async () => {
        await agent.destroy()
        store.close()
      },
    }
  },
}
