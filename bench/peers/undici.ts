/** undici 8 alone, and with its own cache over each of its stores. */
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Agent, cacheStores, Dispatcher1Wrapper, interceptors, type Dispatcher } from 'undici'
import type { Figures } from '../harness/workload.ts'
import type { Limits, OpenPeer, Peer } from './peer.ts'
import { fetchThrough } from './push.ts'

type Compose = Dispatcher.DispatcherComposeInterceptor

export const noCache: Peer = {
  open: async ({ origin }) => opened(origin, []),
}

export const memoryStore: Peer = {
  open: async ({ origin, limits }) => opened(origin, [interceptors.cache({ store: openMemoryStore(limits) })]),
}

/** The first of undici's interceptors to be asked is the last composed. */
export const deduplicate: Peer = {
  open: async ({ origin, limits }) =>
    opened(origin, [interceptors.deduplicate(), interceptors.cache({ store: openMemoryStore(limits) })]),
}

export const sqliteStore: Peer = {
  open: async ({ directory, origin, limits }) => {
    const store = openSqliteStore(directory, limits)
    const peer = opened(origin, [interceptors.cache({ store })])
    return {
      ...peer,
      figures: async () => countRows(directory),
      close: async () => {
        await peer.close()
        store.close()
      },
    }
  },
}

function opened(base: string, composed: readonly Compose[]): OpenPeer & { dispatcher: Dispatcher } {
  const agent = new Agent()
  const dispatcher = composed.length === 0 ? agent : agent.compose(...composed)
  // Node 24's own fetch speaks to dispatchers of undici 7; undici 8 brings what translates.
  const builtIn = new Dispatcher1Wrapper(dispatcher)
  return {
    base,
    dispatcher,
    builtInFetch: fetchThrough(builtIn),
    close: () => agent.close(),
  }
}

export function openMemoryStore({ maxEntries = 1e7, maxSize = 2e9 }: Limits = {}): InstanceType<
  typeof cacheStores.MemoryCacheStore
> {
  return new cacheStores.MemoryCacheStore({ maxSize, maxCount: maxEntries, maxEntrySize: 1e9 })
}

/** It has no limit in bytes. */
export function openSqliteStore(
  directory: string,
  { maxEntries }: Limits = {},
): InstanceType<typeof cacheStores.SqliteCacheStore> {
  const count = maxEntries === undefined ? {} : { maxCount: maxEntries }
  return new cacheStores.SqliteCacheStore({ ...count, maxEntrySize: 1e9, location: sqliteFile(directory) })
}

function sqliteFile(directory: string): string {
  return join(directory, 'cache.sqlite')
}

function countRows(directory: string): Figures {
  const database = new DatabaseSync(sqliteFile(directory), { readOnly: true })
  const tables = database
    .prepare("SELECT name FROM sqlite_master WHERE name LIKE 'cacheInterceptorV%' AND type = 'table'")
    .all()
  const rows = database.prepare(`SELECT COUNT(*) AS count FROM ${String(tables[0]?.['name'])}`).get()
  database.close()
  return { stored: Number(rows?.['count']) }
}
