/** An origin on loopback that closes itself with the test, and remembers what it was asked. */
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'

export interface Origin {
  /** Such as `http://127.0.0.1:40000`, without a slash at the end. */
  readonly url: string
  readonly requests: IncomingMessage[]
  readonly server: Server
}

export async function startOrigin(t: TestContext, listener: RequestListener): Promise<Origin> {
  const requests: IncomingMessage[] = []
  const server = createServer((request, response) => {
    requests.push(request)
    listener(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, requests, server }
}
