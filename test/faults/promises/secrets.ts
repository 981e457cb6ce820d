/** Credentials in every place of a request, whatever the umask: none is on disk, and nobody else may read what is. */
import { lstat, readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Agent, request } from 'undici'
import { cacheInterceptor, StreamingManager } from '../../../src/index.ts'
import { filesIn, pathsIn, temporaryDirectory } from '../../helpers/directory.ts'
import { pick, seeded, type FaultPromise, type Outcome } from './promise.ts'

const FIELDS = ['authorization', 'cookie', 'proxy-authorization', 'x-api-key', 'accept-language', 'user-agent']
const VARY = ['', 'accept-language', 'cookie', 'authorization', 'x-api-key, user-agent']
const ANSWERS = ['public, max-age=600', 's-maxage=600', 'max-age=600', 'private, max-age=600', 'no-cache']
/** Starts every secret, so that one is found whatever it is part of. */
const SECRET = 'hunter2'

async function run(rounds: number): Promise<Outcome> {
  const random = seeded(7)
  const umask = process.umask(0)
  const server = createServer(({ headers }, response) => {
    response.setHeader('cache-control', headers['x-answer'] ?? '')
    response.setHeader('etag', '"e"')
    if (headers['x-vary'] !== undefined) response.setHeader('vary', headers['x-vary'])
    response.end('body')
  })
  server.keepAliveTimeout = 600_000
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const directory = await temporaryDirectory()
  const manager = await StreamingManager.open(directory, { snapshotInterval: 50 })
  const partitions = ['', 'tenant']
  const agents = partitions.flatMap((partition) =>
    (['shared', 'private'] as const).map((type) =>
      new Agent().compose(cacheInterceptor(manager, { type, ...(partition === '' ? {} : { partition }) })),
    ),
  )
  for (let round = 0; round < rounds; round++) {
    const headers: Record<string, string> = { 'x-answer': pick(random, ANSWERS) }
    const vary = pick(random, VARY)
    if (vary !== '') headers['x-vary'] = vary
    for (const field of FIELDS) if (random() < 0.5) headers[field] = `${SECRET}-${field}-${Math.floor(random() * 5)}`
    const path = `/${Math.floor(random() * 200)}`
    const { body } = await request(url + path, { dispatcher: pick(random, agents), headers })
    await body.dump()
  }
  await manager.runPendingTasks()
  const { entryCount } = manager
  const failures: string[] = []
  const files = await filesIn(directory, '.')
  for (const file of files) if ((await readFile(file)).includes(SECRET)) failures.push(`a secret is in ${file}`)
  for (const path of [directory, ...(await pathsIn(directory))]) {
    const { mode } = await lstat(path)
    if ((mode & 0o077) !== 0) failures.push(`${path} has mode ${(mode & 0o777).toString(8)}`)
  }
  await manager.close()
  await Promise.all(agents.map((agent) => agent.close()))
  server.close()
  process.umask(umask)
  return { rounds, failures, counts: { 'responses stored': entryCount, 'files searched': files.length } }
}

export const secrets: FaultPromise = {
  number: 11,
  name: 'secrets',
  promise: 'nothing of a request is on disk but digests, and nothing can be read by others, whatever the umask',
  rounds: { long: 5000, short: 200 },
  run,
}
