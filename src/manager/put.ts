/** Storing a response that the caller brings: `StreamingManager.put`. */
import { InvalidOptionError } from '../errors.ts'
import { storedFields, type StoredHead } from '../policy/storing.ts'
import { variantOf, varyNames } from '../policy/vary.ts'
import { CHUNK_SIZE } from '../stored-response.ts'
import type { CacheEngine } from './cache-engine.ts'
import { headerLines, type HeadersInput } from './headers-input.ts'
import { metadataJson, MOST_METADATA } from './metadata.ts'
import { rejectUnknown } from './options.ts'
import type { JsonValue } from './views.ts'

/** A response to store. A web `Response` may be given in its place. */
export interface PutResponse {
  /** From 200 to 599. Default 200. */
  readonly statusCode?: number
  /** Reason phrase. Default ''. */
  readonly statusMessage?: string
  /** As an object, whose arrays are several lines of one name, or as pairs, such as `Headers`. Default none. */
  readonly headers?: HeadersInput
  /** Default empty. Strings are stored as UTF-8. */
  readonly body?: AsyncIterable<Uint8Array> | Iterable<Uint8Array> | Uint8Array | string | null
  /** Fields of the request that the response answers: what its Vary nominates is taken from here. Default none. */
  readonly requestHeaders?: HeadersInput
  /** What it may be purged by. Default none. */
  readonly tags?: readonly string[]
  /** What is noted with it, to be read from `get` and `entries()`: 1 MiB of JSON at most. Default none. */
  readonly metadata?: JsonValue
}

export const PUT_DEFAULTS = { statusCode: 200, statusMessage: '' } as const

const KNOWN = {
  statusCode: true,
  statusMessage: true,
  headers: true,
  body: true,
  requestHeaders: true,
  tags: true,
  metadata: true,
} as const

export async function storePut(engine: CacheEngine, key: string, response: PutResponse | Response): Promise<boolean> {
  const generation = engine.generation
  const head = toHead(engine, key, response)
  const pending = engine.beginStore(head, undefined, generation)
  if (pending === undefined) return false
  try {
    for await (const chunk of chunksOf(response.body)) {
      if (!pending.isOpen) break
      if (!pending.write(chunk)) await new Promise<void>((resolve) => void (pending.onDrain = resolve))
    }
  } catch (error) {
    pending.abort('incomplete')
    throw error
  }
  const isKept = await pending.commit()
  // Who stores by hand may count on it from then on.
  await engine.holdings.unwritten.flush()
  return isKept
}

function toHead(engine: CacheEngine, key: string, response: PutResponse | Response): StoredHead {
  const now = engine.options.clock()
  const isWeb = isWebResponse(response)
  const { statusCode = PUT_DEFAULTS.statusCode, statusMessage = PUT_DEFAULTS.statusMessage } = isWeb
    ? { statusCode: response.status, statusMessage: response.statusText }
    : checked(response)
  if (!Number.isInteger(statusCode) || statusCode < 200 || statusCode > 599) {
    throw new InvalidOptionError('statusCode', 'an integer from 200 to 599', statusCode)
  }
  if (typeof statusMessage !== 'string') throw new InvalidOptionError('statusMessage', 'a string', statusMessage)
  const fields = storedFields(headerLines('headers', response.headers), now)
  const vary = varyNames(fields)
  if (vary === undefined) throw new InvalidOptionError('headers', 'without a Vary that nothing can match', fields)
  const request = isWeb ? [] : headerLines('requestHeaders', response.requestHeaders)
  const requestFields: Record<string, string> = Object.create(null)
  for (let i = 0; i + 1 < request.length; i += 2) {
    requestFields[(request[i] as string).toLowerCase()] = request[i + 1] as string
  }
  return {
    key,
    variant: variantOf(vary, requestFields),
    vary,
    statusCode,
    statusMessage,
    fields,
    scope: 'shared',
    requestTime: now,
    responseTime: now,
    ...(isWeb ? {} : { ...tagsOf(response.tags), ...metadataOf(response.metadata) }),
  }
}

/** Also one of npm undici, which is of another class than Node's own. */
function isWebResponse(response: PutResponse | Response): response is Response {
  if (typeof response !== 'object' || response === null) throw new InvalidOptionError('response', 'an object', response)
  return response instanceof Response || ('statusText' in response && 'bodyUsed' in response)
}

function checked(response: PutResponse): PutResponse {
  rejectUnknown(response, KNOWN)
  const { body } = response
  const isBody = typeof body === 'string' || (typeof body === 'object' && (body === null || isIterable(body)))
  if (body !== undefined && !isBody)
    throw new InvalidOptionError('body', 'bytes, a string, or an iterable of bytes', body)
  return response
}

function isIterable(body: object): boolean {
  return Symbol.asyncIterator in body || Symbol.iterator in body
}

function metadataOf(metadata: PutResponse['metadata']): { metadata?: string } {
  const json = metadataJson('metadata', metadata)
  if (json === undefined) return {}
  if (Buffer.byteLength(json) > MOST_METADATA)
    throw new InvalidOptionError('metadata', `${MOST_METADATA} bytes of JSON at most`, json)
  return { metadata: json }
}

function tagsOf(tags: PutResponse['tags']): { tags?: readonly string[] } {
  if (tags === undefined) return {}
  if (!Array.isArray(tags) || !tags.every((tag) => typeof tag === 'string' && tag !== '')) {
    throw new InvalidOptionError('tags', 'a list of strings that are not empty', tags)
  }
  return tags.length === 0 ? {} : { tags: [...new Set(tags)] }
}

/** The body in pieces that the writer can take one at a time. */
async function* chunksOf(body: PutResponse['body'] | ReadableStream<Uint8Array>): AsyncGenerator<Buffer, void, void> {
  if (body === null || body === undefined) return
  const whole = typeof body === 'string' ? Buffer.from(body) : body instanceof Uint8Array ? body : undefined
  for await (const chunk of whole === undefined ? (body as AsyncIterable<Uint8Array>) : [whole]) {
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk)
    for (let i = 0; i < bytes.length; i += CHUNK_SIZE) yield bytes.subarray(i, i + CHUNK_SIZE)
  }
}
