/**
 * A small origin on loopback for the examples: it serves what it is given with the headers it is given, answers
 * conditional requests (RFC 9110 section 13) with 304, and counts what it was asked and what it sent.
 */
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pipeline } from 'node:stream/promises'

export interface Resource {
  /** Caching headers: Cache-Control, ETag, Last-Modified, Vary. */
  readonly headers: Readonly<Record<string, string>>
  /** Default 200. */
  readonly status?: number
  /** Text, or a file to send. */
  readonly body: string | { readonly file: string }
}

/** By path. May change while the origin runs; a function chooses by the request. */
export type Resources = Record<string, Resource | ((request: IncomingMessage) => Resource)>

export interface Origin extends AsyncDisposable {
  /** Such as `http://127.0.0.1:40000`, without a slash at the end. */
  readonly url: string
  /** Requests that came. */
  readonly requests: number
  /** Bytes of bodies that were sent. */
  readonly bytesSent: number
}

/** `clock` gives the Date of the answers, in milliseconds since the epoch. */
export async function startOrigin(resources: Resources, clock: () => number = Date.now): Promise<Origin> {
  let requests = 0
  let bytesSent = 0
  const server = createServer((request, response) => {
    requests++
    answer(request, response).catch((error: unknown) => response.destroy(error as Error))
  })

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.sendDate = false
    response.setHeader('date', new Date(clock()).toUTCString())
    const found = resources[request.url ?? '']
    if (found === undefined || request.method !== 'GET') {
      response.writeHead(found === undefined ? 404 : 204).end()
      return
    }
    const { headers, body, status = 200 } = typeof found === 'function' ? found(request) : found
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
    if (isUnchanged(request, headers)) {
      response.writeHead(304).end()
      return
    }
    const size = typeof body === 'string' ? Buffer.byteLength(body) : (await stat(body.file)).size
    bytesSent += size
    response.writeHead(status, { 'content-length': size })
    if (typeof body === 'string') response.end(body)
    else await pipeline(createReadStream(body.file), response)
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get requests() {
      return requests
    },
    get bytesSent() {
      return bytesSent
    },
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}

/** "A recipient MUST ignore If-Modified-Since if the request contains an If-None-Match" (RFC 9110 section 13.1.3). */
function isUnchanged(request: IncomingMessage, headers: Readonly<Record<string, string>>): boolean {
  const tag = request.headers['if-none-match']
  if (tag !== undefined) return tag === headers['etag']
  const since = request.headers['if-modified-since']
  return since !== undefined && since === headers['last-modified']
}
