/** The origin's process, and what it has been asked so far. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

interface OriginCounts {
  readonly requests: number
  readonly bytes: number
}

export interface Origin {
  readonly url: string
  count(): Promise<OriginCounts>
  close(): void
}

export async function startOrigin(): Promise<Origin> {
  const child = fork(join(import.meta.dirname, '../origin.ts'))
  const [url] = (await once(child, 'message')) as [string]
  return {
    url,
    count: async () => {
      child.send('count')
      const [counts] = (await once(child, 'message')) as [OriginCounts]
      return counts
    },
    close: () => child.disconnect(),
  }
}
