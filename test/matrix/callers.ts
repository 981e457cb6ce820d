/** The APIs by which users ask, in one shape: Node's own fetch, and npm undici's fetch, request, stream, pipeline. */
import { once } from 'node:events'
import { PassThrough, type Duplex, type Readable } from 'node:stream'
import type * as Undici from 'undici'

export type NpmUndici = typeof Undici

export interface Question {
  readonly method?: 'GET' | 'HEAD'
  readonly headers?: Record<string, string>
  readonly signal?: AbortSignal
}

export interface Answer {
  readonly status: number
  /** Undefined where the API does not tell. */
  readonly statusText: string | undefined
  /** The lines of a field. */
  values(name: string): string[]
  /** What is left of the body. */
  bytes(): Promise<Buffer>
  /** Some of the body, and no more than that is asked for. */
  some(): Promise<Buffer>
  /** Wants no more. */
  cancel(): Promise<void>
}

export interface Caller {
  readonly name: string
  /** Content codings are taken off. */
  readonly decodes: boolean
  ask(url: string, question?: Question): Promise<Answer>
}

/** Both fetches are called alike; where a dispatcher is given, it is asked and not the global one. */
export function fetchCaller(name: string, fetch: typeof globalThis.fetch, dispatcher?: object): Caller {
  return {
    name,
    decodes: true,
    async ask(url, question = {}) {
      const init: RequestInit = { ...question, ...(dispatcher !== undefined && { dispatcher: dispatcher as never }) }
      return new FetchAnswer(await fetch(url, init))
    },
  }
}

class FetchAnswer implements Answer {
  readonly status: number
  readonly statusText: string
  readonly #headers: Headers
  readonly #reader: ReadableStreamDefaultReader<Uint8Array> | undefined

  constructor(response: Response) {
    this.status = response.status
    this.statusText = response.statusText
    this.#headers = response.headers
    this.#reader = response.body?.getReader()
  }

  values(name: string): string[] {
    if (name === 'set-cookie') return this.#headers.getSetCookie()
    const value = this.#headers.get(name)
    return value === null ? [] : [value]
  }

  async bytes(): Promise<Buffer> {
    const chunks: Uint8Array[] = []
    for (let chunk = await this.some(); chunk.length > 0; chunk = await this.some()) chunks.push(chunk)
    return Buffer.concat(chunks)
  }

  async some(): Promise<Buffer> {
    const result = await this.#reader?.read()
    const chunk = result?.value ?? new Uint8Array()
    return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
  }

  async cancel(): Promise<void> {
    await this.#reader?.cancel()
  }
}

export function requestCaller(name: string, npm: NpmUndici, dispatcher?: Undici.Dispatcher): Caller {
  return {
    name,
    decodes: false,
    async ask(url, question) {
      const options = { ...question, ...(dispatcher !== undefined && { dispatcher }) }
      const { statusCode, statusText, headers, body } = await npm.request(url, options)
      return new StreamAnswer(body, statusCode, headers, statusText)
    },
  }
}

/** `stream` and `pipeline`. */
export function streamCallers(npm: NpmUndici): Caller[] {
  const stream: Caller['ask'] = (url, question) =>
    new Promise((resolve, reject) => {
      const factory: Undici.Dispatcher.StreamFactory = ({ statusCode, headers }) => {
        const body = new PassThrough()
        resolve(new StreamAnswer(body, statusCode, headers))
        return body
      }
      npm.stream(url, { method: 'GET', ...question }, factory).catch(reject)
    })
  const pipeline: Caller['ask'] = (url, question) =>
    new Promise((resolve, reject) => {
      // The handler has the duplex at hand: it is never called before `pipeline` has returned.
      const duplex: Duplex = npm.pipeline(url, { method: 'GET', ...question }, ({ statusCode, headers, body }) => {
        resolve(new StreamAnswer(duplex, statusCode, headers))
        return body
      })
      duplex.on('error', reject).end()
    })
  return [
    { name: 'npm stream', decodes: false, ask: stream },
    { name: 'npm pipeline', decodes: false, ask: pipeline },
  ]
}

class StreamAnswer implements Answer {
  readonly status: number
  readonly statusText: string | undefined
  readonly #headers: Record<string, string | string[] | undefined>
  readonly #body: Readable

  constructor(
    body: Readable,
    status: number,
    headers: Record<string, string | string[] | undefined>,
    statusText?: string,
  ) {
    this.#body = body
    this.status = status
    this.statusText = statusText
    this.#headers = headers
    // Read errors reach whoever reads; nobody needs to for a body that was given up.
    body.on('error', () => {})
  }

  values(name: string): string[] {
    return [this.#headers[name] ?? []].flat()
  }

  async bytes(): Promise<Buffer> {
    const chunks: Buffer[] = []
    for await (const chunk of this.#body) chunks.push(chunk as Buffer)
    return Buffer.concat(chunks)
  }

  async some(): Promise<Buffer> {
    for (;;) {
      const chunk = this.#body.read() as Buffer | null
      if (chunk !== null) return chunk
      await once(this.#body, 'readable')
    }
  }

  async cancel(): Promise<void> {
    if (this.#body.closed) return
    const gone = new Promise<void>((resolve) => this.#body.once('close', resolve))
    this.#body.destroy()
    await gone
  }
}
