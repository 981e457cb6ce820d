/** Small responses and the queue in which they wait for the disk. */
import { describeBody } from '../../src/content-store/small-bodies.ts'
import { WriteBehind, type Unwritten } from '../../src/manager/write-behind.ts'
import { startOrigin, type Origin } from './origin.ts'
import { recordOf } from './record.ts'

export function small(name: string, text = name): Unwritten {
  const body = Buffer.from(text)
  return { record: recordOf(name, describeBody(body)), body, isOverDisk: false }
}

/** A queue whose writes end when they are told to. */
export function startQueue(options: { maxUnwritten?: number; flushInterval?: number } = {}) {
  const written: string[] = []
  const release: (() => void)[] = []
  const queue = new WriteBehind({ maxUnwritten: 1_000_000, flushInterval: 1_000, ...options }, ({ body }) => {
    written.push(body.toString())
    return new Promise((resolve) => release.push(resolve))
  })
  return { queue, written, release }
}

export const turn = () => new Promise((resolve) => setImmediate(resolve))

/** Small cacheable answers, each with its URL's path. */
export async function startSmallOrigin(t: Parameters<typeof startOrigin>[0], size = 100): Promise<Origin> {
  return await startOrigin(t, ({ url }, response) =>
    response.writeHead(200, { 'cache-control': 'max-age=100' }).end(`${url}`.padEnd(size, '.')),
  )
}
