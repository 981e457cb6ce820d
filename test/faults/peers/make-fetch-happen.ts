/** make-fetch-happen with a `cachePath`: retries are off, as everybody's are here; it has no limits. */
import { setTimeout as delay } from 'node:timers/promises'
import fetchHappens from 'make-fetch-happen'
import type { Peer } from './peer.ts'

interface Fetched {
  readonly status: number
  readonly body: AsyncIterable<Buffer>
}

const fetch = fetchHappens as unknown as (url: string, options: object) => Promise<Fetched>

/** It does not tell when it has written: milliseconds that are waited instead. */
const WRITTEN_MS = 200

export const makeFetchHappen: Peer = {
  name: 'make-fetch-happen',
  open: async (cachePath) => ({
    ask: async (url, signal) => {
      const { status, body } = await fetch(url, { cachePath, retry: false, ...(signal && { signal }) })
      const chunks: Buffer[] = []
      for await (const chunk of body) chunks.push(chunk)
      return { statusCode: status, bytes: Buffer.concat(chunks) }
    },
    settle: () => delay(WRITTEN_MS),
    close: () => delay(WRITTEN_MS),
  }),
}
