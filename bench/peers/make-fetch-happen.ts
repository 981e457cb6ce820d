/** make-fetch-happen, npm's own: a fetch with cacache under it. */
import fetchHappens from 'make-fetch-happen'
import type { Client } from '../harness/clients.ts'
import type { Peer } from './peer.ts'

export const makeFetchHappen: Peer = {
  open: async ({ directory, origin }) => ({ base: origin, client: clientIn(directory), close: async () => {} }),
}

function clientIn(cachePath: string): Client {
  const options = { cachePath, retry: false, maxSockets: 1000 }
  const take: Client['take'] = async (url) => {
    const { headers, body } = await fetchHappens(url, options)
    return { number: String(headers.get('etag')), body }
  }
  return {
    take,
    whole: async (url) => {
      let bytes = 0
      for await (const chunk of (await take(url)).body) bytes += chunk.length
      return bytes
    },
  }
}
