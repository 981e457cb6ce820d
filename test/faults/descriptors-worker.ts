/** 1,000 hits at a time in a process of few descriptors: prints how many got the right bytes. See descriptors.test.ts. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Agent, request } from 'undici'
import { cacheInterceptor, StreamingManager } from '../../src/index.ts'

const BODIES: Readonly<Record<string, Buffer>> = {
  '/small': Buffer.alloc(1000, 's'),
  '/large': Buffer.alloc(300_000, 'l'),
}

let asked = 0
const origin = createServer(({ url }, response) => {
  asked++
  const body = BODIES[url ?? ''] ?? Buffer.alloc(0)
  response.writeHead(200, { 'cache-control': 'max-age=60', 'content-length': body.length }).end(body)
})
await new Promise<void>((resolve) => origin.listen(0, '127.0.0.1', resolve))
const url = `http://127.0.0.1:${(origin.address() as AddressInfo).port}`

// Turns come slowly on a busy machine.
const manager = await StreamingManager.temporary({ maxOpenDelay: 60_000 })
const dispatcher = new Agent().compose(cacheInterceptor(manager))

async function isRight(path: string): Promise<boolean> {
  const { body } = await request(url + path, { dispatcher })
  return Buffer.from(await body.arrayBuffer()).equals(BODIES[path] as Buffer)
}

for (const path of Object.keys(BODIES)) await isRight(path)
await manager.runPendingTasks()
const right = await Promise.all(
  Array.from({ length: 1000 }, (_, i) => isRight(i % 2 === 0 ? '/small' : '/large').catch(() => false)),
)
console.log(`${right.filter(Boolean).length} of 1000 right, ${asked / 2} request at the origin each`)
await manager.close()
origin.closeAllConnections()
origin.close()
