/** Traffic that would make a cache grow without end: variants, URLs, validations, header sections. */
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Agent, request } from 'undici'
import { cacheInterceptor, StreamingManager } from '../../../src/index.ts'
import { filesIn, leftovers, temporaryDirectory } from '../../helpers/directory.ts'
import type { FaultPromise, Outcome } from './promise.ts'

const MAX_ENTRIES = 500
const MAX_VARIANTS = 16

async function run(rounds: number): Promise<Outcome> {
  let now = Date.now()
  let respond: (incoming: IncomingMessage, response: ServerResponse) => void = () => {}
  const server = createServer((incoming, response) => respond(incoming, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const directory = await temporaryDirectory()
  const manager = await StreamingManager.open(directory, {
    maxEntries: MAX_ENTRIES,
    maxVariants: MAX_VARIANTS,
    clock: () => now,
  })
  const dispatcher = new Agent().compose(cacheInterceptor(manager))
  const failures: string[] = []
  const ask = async (path: string, headers: Record<string, string> = {}): Promise<void> => {
    const { body } = await request(url + path, { dispatcher, headers })
    await body.dump()
  }
  const settled = async () => {
    await manager.runPendingTasks()
    return { ...(await leftovers(directory)), held: manager.entryCount }
  }

  respond = (_, response) => response.writeHead(200, { 'cache-control': 'max-age=60', vary: 'x-a' }).end('body')
  for (let n = 0; n < rounds; n++) await ask('/variants', { 'x-a': String(n) })
  const variants = await settled()
  if (variants.held > MAX_VARIANTS) failures.push(`${variants.held} variants of one URL`)
  if (variants.buckets > 1) failures.push(`${variants.buckets} buckets for one URL`)

  respond = ({ url: path = '' }, response) => response.writeHead(200, { 'cache-control': 'max-age=60' }).end(path)
  for (let n = 0; n < rounds; n++) await ask(`/urls/${n}`)
  const urls = await settled()
  if (urls.held > MAX_ENTRIES || urls.buckets > MAX_ENTRIES || urls.contents > MAX_ENTRIES) {
    failures.push(`${urls.held} entries, ${urls.buckets} buckets, ${urls.contents} bodies of ${MAX_ENTRIES}`)
  }

  await manager.clear()
  await manager.runPendingTasks()
  respond = ({ headers }, response) => {
    const isKnown = headers['if-none-match'] !== undefined
    response.writeHead(isKnown ? 304 : 200, { 'cache-control': 'max-age=1', etag: '"e"', 'x-now': String(now) }).end()
  }
  const bucketSize = async (): Promise<number> => {
    await manager.runPendingTasks()
    const [path] = await filesIn(directory, 'index-v5')
    return path === undefined ? 0 : (await readFile(path)).length
  }
  await ask('/validated')
  const before = await bucketSize()
  for (let n = 0; n < rounds; n++) {
    now += 2000
    await ask('/validated')
  }
  const after = await bucketSize()
  if (manager.stats().freshened < rounds) failures.push(`${manager.stats().freshened} validations of ${rounds}`)
  if (before === 0 || after > before + 100)
    failures.push(`bucket of ${before} bytes has ${after} after ${rounds} validations`)

  await manager.close()
  await dispatcher.close()
  server.closeAllConnections()
  server.close()
  const counts = { 'variants kept': variants.held, 'entries kept': urls.held, 'bytes of bucket': after }
  return { rounds, failures, counts }
}

export const bounds: FaultPromise = {
  number: 6,
  name: 'bounds',
  promise:
    'as many variants of one URL, other URLs, and validations of one: nothing on disk or in memory grows with them',
  rounds: { long: 5000, short: 600 },
  run,
}
