/**
 * An origin whose bodies prove what they are: every 32 bytes name the path and the position, so that a byte of another
 * body, or at another place, shows. It knows ranges, and strong tags for what is named so.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface ProvingOrigin {
  readonly url: string
  readonly server: Server
  requests: number
}

const STEP = 32

const bodies = new Map<string, Buffer>()

/** The body of a path, which ends in its length: `/name-1000`. */
export function bodyOf(path: string): Buffer {
  const body = bodies.get(path) ?? makeBody(path)
  bodies.set(path, body)
  return body
}

function makeBody(path: string): Buffer {
  const length = Number(/-(\d+)$/.exec(path)?.[1] ?? 0)
  const body = Buffer.alloc(length)
  for (let at = 0; at < length; at += STEP) body.write(`${at} ${path} `.padEnd(STEP, '.').slice(0, STEP), at, 'latin1')
  return body
}

/** Which path's body answers a request: by default its own. It may set header fields. */
type Represent = (request: IncomingMessage, response: ServerResponse) => string

export async function startProvingOrigin(represent: Represent = ({ url = '/' }) => url): Promise<ProvingOrigin> {
  const server = createServer((request, response) => {
    const { headers } = request
    origin.requests++
    const path = represent(request, response)
    const body = bodyOf(path)
    const etag = `"${path}"`
    response.setHeader('cache-control', 'max-age=3600')
    response.setHeader('etag', etag)
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '') ?? []
    if (from === undefined || to === undefined || headers['if-range'] !== etag) {
      response.setHeader('content-length', body.length)
      response.end(body)
      return
    }
    const part = body.subarray(Number(from), Number(to) + 1)
    response.setHeader('content-range', `bytes ${from}-${to}/${body.length}`)
    response.setHeader('content-length', part.length)
    response.writeHead(206).end(part)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // A machine that is busy elsewhere must not let connections go that are about to be used again.
  server.keepAliveTimeout = 600_000
  const origin: ProvingOrigin = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    server,
    requests: 0,
  }
  return origin
}

export function stopOrigin({ server }: ProvingOrigin): void {
  server.closeAllConnections()
  server.close()
}
