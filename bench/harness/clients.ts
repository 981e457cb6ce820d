/** How a contender is asked: undici's `request()`, npm undici's `fetch()`, Node's own, or a client of the peer's own. */
import { fetch as npmFetch, request, type Dispatcher } from 'undici'
import type { OpenPeer } from '../peers/peer.ts'

export type Api = 'request()' | 'npm fetch()' | 'built-in fetch()'

interface Taken {
  readonly number: string
  readonly body: AsyncIterable<Uint8Array>
}

export interface Client {
  /** The whole body at once: resolves with its bytes. */
  whole(url: string): Promise<number>
  /** The response as it arrives. */
  take(url: string): Promise<Taken>
}

export function clientOf(peer: OpenPeer, api: Api): Client {
  if (peer.client !== undefined) return peer.client
  const { dispatcher, builtInFetch } = peer
  if (dispatcher === undefined) throw new Error('This contender has no dispatcher')
  if (api === 'request()') return requestClient(dispatcher)
  if (api === 'npm fetch()') return npmFetchClient(dispatcher)
  if (builtInFetch === undefined) throw new Error("This contender does not serve Node's own fetch")
  return fetchClient(builtInFetch)
}

function requestClient(dispatcher: Dispatcher): Client {
  const options = { dispatcher }
  return {
    whole: async (url) => (await (await request(url, options)).body.arrayBuffer()).byteLength,
    take: async (url) => {
      const { headers, body } = await request(url, options)
      return { number: String(headers['etag']), body }
    },
  }
}

function npmFetchClient(dispatcher: Dispatcher): Client {
  const options = { dispatcher }
  return {
    whole: async (url) => (await (await npmFetch(url, options)).arrayBuffer()).byteLength,
    take: async (url) => {
      const { headers, body } = await npmFetch(url, options)
      return { number: String(headers.get('etag')), body: body as AsyncIterable<Uint8Array> }
    },
  }
}

function fetchClient(fetch: typeof globalThis.fetch): Client {
  return {
    whole: async (url) => (await (await fetch(url)).arrayBuffer()).byteLength,
    take: async (url) => {
      const { headers, body } = await fetch(url)
      return { number: String(headers.get('etag')), body: body as AsyncIterable<Uint8Array> }
    },
  }
}

/** Takes all of a response as it arrives: when the first chunk came, when all had, and how much it was. */
export async function stream(client: Client, url: string): Promise<{ firstByteMs: number; bytes: number }> {
  const begun = performance.now()
  let firstByteMs = NaN
  let bytes = 0
  for await (const chunk of (await client.take(url)).body) {
    if (bytes === 0) firstByteMs = performance.now() - begun
    bytes += chunk.length
  }
  return { firstByteMs, bytes }
}
