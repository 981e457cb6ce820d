/** An origin on loopback inside the process: every check has URLs of its own and sees what became of its requests. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Respond = (request: IncomingMessage, response: ServerResponse) => void

export interface Arrival {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

export class Route {
  readonly path: string
  readonly url: string
  /** What came since the last `forget()`. */
  arrivals: Arrival[] = []
  readonly #respond: Respond
  #waiting: ((arrival: Arrival) => void)[] = []

  constructor(path: string, origin: string, respond: Respond) {
    this.path = path
    this.url = origin + path
    this.#respond = respond
  }

  forget(): void {
    this.arrivals = []
  }

  /** The next request, once it is here. */
  next(): Promise<Arrival> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  take(arrival: Arrival): void {
    this.arrivals.push(arrival)
    this.#respond(arrival.request, arrival.response)
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve(arrival)
  }
}

export class Origin {
  readonly server: Server
  readonly url: string
  readonly #routes = new Map<string, Route>()

  private constructor(server: Server) {
    this.server = server
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    server.on('request', (request, response) => {
      // Through a proxy, the request line has the whole URL.
      const path = new URL(request.url ?? '', this.url).pathname
      const route = this.#routes.get(path)
      if (route === undefined) response.writeHead(404).end()
      else route.take({ request, response })
    })
  }

  static async start(): Promise<Origin> {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new Origin(server)
  }

  route(respond: Respond): Route {
    const path = `/${this.#routes.size + 1}`
    const route = new Route(path, this.url, respond)
    this.#routes.set(path, route)
    return route
  }

  close(): void {
    this.server.close()
    this.server.closeAllConnections()
  }
}

/** A whole body of known length. */
export function sending(body: Buffer): Respond {
  return (_, response) => response.setHeader('content-length', body.length).end(body)
}

/** Resolves when the connection of a response is gone, or the response was sent whole. */
export async function closed(response: ServerResponse): Promise<void> {
  if (!response.closed) await once(response, 'close')
}
