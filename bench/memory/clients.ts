/** Who is measured: each takes a URL, gives the response's number and its body chunk by chunk. */
import { join } from 'node:path'
import fetchHappens from 'make-fetch-happen'
import { Agent, cacheStores, fetch, interceptors, request, type Dispatcher } from 'undici'
import { cacheInterceptor, StreamingManager } from 'undici-streaming-cache'

export const SUBJECTS = [
  'undici-streaming-cache',
  'no cache',
  'MemoryCacheStore',
  'SqliteCacheStore',
  'make-fetch-happen',
] as const
export type Subject = (typeof SUBJECTS)[number]

/** `own`: a fetch of the subject's own. */
export type Api = 'request()' | 'fetch()' | 'own'

export interface Taken {
  /** Which answer of the origin it is. */
  readonly number: string
  /** The next chunk of the body, undefined at its end. */
  readonly next: () => Promise<Uint8Array | undefined>
  /** What else a consumer holds. */
  readonly body: object
}

export type Client = (url: string) => Promise<Taken>

/** `directory` is where caches on disk live. Each call makes new connections over the same store. */
export async function openClient(subject: Subject, api: Api, directory: string): Promise<() => Client> {
  if (subject === 'make-fetch-happen') return () => (url) => takeByMakeFetchHappen(url, directory)
  const interceptor = await openCache(subject, directory)
  return () => {
    // No connection ends while memory is measured.
    const agent = new Agent({ keepAliveTimeout: 600_000 })
    const dispatcher = interceptor === undefined ? agent : agent.compose(interceptor)
    return (url) => (api === 'fetch()' ? takeByFetch(url, dispatcher) : takeByRequest(url, dispatcher))
  }
}

async function openCache(
  subject: Exclude<Subject, 'make-fetch-happen'>,
  directory: string,
): Promise<Dispatcher.DispatcherComposeInterceptor | undefined> {
  const limits = { maxSize: 2e9, maxEntrySize: 1e9, maxCount: 1000 }
  switch (subject) {
    case 'undici-streaming-cache':
      return cacheInterceptor(await StreamingManager.open(directory, { maxStoreDelay: 60_000 }))
    case 'no cache':
      return undefined
    case 'MemoryCacheStore':
      return interceptors.cache({ store: new cacheStores.MemoryCacheStore(limits) })
    case 'SqliteCacheStore': {
      const location = join(directory, 'cache.sqlite')
      return interceptors.cache({ store: new cacheStores.SqliteCacheStore({ ...limits, location }) })
    }
  }
}

async function takeByRequest(url: string, dispatcher: Dispatcher): Promise<Taken> {
  const { headers, body } = await request(url, { dispatcher })
  return { number: String(headers['etag']), ...taking(body) }
}

async function takeByFetch(url: string, dispatcher: Dispatcher): Promise<Taken> {
  const { headers, body } = await fetch(url, { dispatcher })
  return { number: String(headers.get('etag')), ...taking(body ?? []) }
}

async function takeByMakeFetchHappen(url: string, cachePath: string): Promise<Taken> {
  const { headers, body } = await fetchHappens(url, { cachePath, retry: false, maxSockets: 64 })
  return { number: String(headers.get('etag')), ...taking(body) }
}

function taking(body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Pick<Taken, 'next' | 'body'> {
  const chunks = Symbol.asyncIterator in body ? body[Symbol.asyncIterator]() : body[Symbol.iterator]()
  return {
    next: async () => {
      const { done, value } = await chunks.next()
      return done === true ? undefined : value
    },
    body: { body, chunks },
  }
}
