/**
 * The user's functions on responses that are about to be stored: whether they are, with which header section, with what
 * noted beside. What one throws is an event, and nobody's error.
 */
import { STATUS_CODES } from 'node:http'
import { InvalidOptionError } from '../errors.ts'
import { headerLines, type HeadersInput } from '../manager/headers-input.ts'
import { metadataJson, MOST_METADATA } from '../manager/metadata.ts'
import type { Statistics } from '../manager/statistics.ts'
import type { JsonValue } from '../manager/views.ts'
import type { CacheRequest, PolicySettings, ResponseHead } from '../policy/cache-request.ts'
import type { FieldLines } from '../stored-response.ts'
import { viewOf, viewOfResponse, type RequestView, type ResponseView } from './message-views.ts'

/** What is to be stored in the place of what came; what is not named stays. */
export interface ModifiedResponse {
  /** One that has content. Default that which came. */
  readonly statusCode?: number
  /** All of them, in the place of those that came. Default those. */
  readonly headers?: HeadersInput
}

export interface AnnotatingOptions {
  /**
   * Asked for each response that may be stored: false keeps it from being so. Where it throws, or returns something else,
   * that is an event, and the response is stored. Default all are.
   */
  readonly shouldStore?: (request: RequestView, response: ResponseView) => boolean
  /**
   * Returns another status or header section to be stored, judged by and handed on to all but the caller who
   * has brought the response: he gets it as it came. Called again with what a validation has updated. Framing, validators and
   * dates stay those of the origin. Where it throws, or returns something else, that is an event, and the response is not
   * stored: it may have been there to take something out. Default none.
   */
  readonly modifyResponse?: (request: RequestView, response: ResponseView) => ModifiedResponse | undefined
  /**
   * Returns what is noted with the stored response, to be read from the manager's `get` and `entries()`; validations leave
   * it. What it throws, and what is larger than `maxMetadataSize`, is an event and not noted. Default none.
   */
  readonly metadata?: (request: RequestView, response: ResponseView) => JsonValue | undefined
  /** Bytes of the JSON of one response's metadata at most. Default 4,096. */
  readonly maxMetadataSize?: number
  /**
   * Called with each response that comes from the origin, but for a 304, also to unsafe requests: returns URLs, absolute
   * or from the request's own, of which what is stored is invalidated. What it throws is an event. Default none.
   */
  readonly bust?: (request: RequestView, response: ResponseView) => Iterable<string> | undefined
}

export const ANNOTATING_DEFAULTS = {
  shouldStore: undefined,
  modifyResponse: undefined,
  metadata: undefined,
  maxMetadataSize: 4_096,
  bust: undefined,
} as const

export class Annotating {
  /** To be asked before storing and after validating; it throws where the response must not be stored. */
  readonly modify: PolicySettings['modify']
  readonly bust: AnnotatingOptions['bust']
  readonly #shouldStore: AnnotatingOptions['shouldStore']
  readonly #metadata: AnnotatingOptions['metadata']
  readonly #maxMetadataSize: number

  /** @throws {InvalidOptionError} when an option is of the wrong type or out of range */
  constructor(options: AnnotatingOptions) {
    for (const name of ['shouldStore', 'modifyResponse', 'metadata', 'bust'] as const) {
      const given: unknown = options[name]
      if (given !== undefined && typeof given !== 'function') throw new InvalidOptionError(name, 'a function', given)
    }
    const { modifyResponse, maxMetadataSize = ANNOTATING_DEFAULTS.maxMetadataSize } = options
    if (!Number.isSafeInteger(maxMetadataSize) || maxMetadataSize < 0 || maxMetadataSize > MOST_METADATA) {
      throw new InvalidOptionError(
        'maxMetadataSize',
        `an integer from 0 to ${MOST_METADATA}, in bytes`,
        maxMetadataSize,
      )
    }
    this.modify = modifyResponse && ((request, response) => modified(request, response, modifyResponse))
    this.bust = options.bust
    this.#shouldStore = options.shouldStore
    this.#metadata = options.metadata
    this.#maxMetadataSize = maxMetadataSize
  }

  refuses(request: CacheRequest, response: ResponseHead, statistics: Statistics): boolean {
    if (this.#shouldStore === undefined) return false
    try {
      const isToStore: unknown = this.#shouldStore(viewOf(request), viewOfResponse(response))
      if (typeof isToStore === 'boolean') return !isToStore
      throw new InvalidOptionError('shouldStore(…)', 'true or false', isToStore)
    } catch (error) {
      statistics.fault('shouldStore', error, request.key)
      return false
    }
  }

  /** As JSON. */
  metadataOf(request: CacheRequest, response: ResponseHead, statistics: Statistics): string | undefined {
    if (this.#metadata === undefined) return undefined
    try {
      const json = metadataJson('metadata(…)', this.#metadata(viewOf(request), viewOfResponse(response)))
      if (json !== undefined && Buffer.byteLength(json) > this.#maxMetadataSize)
        throw new RangeError(`Metadata of more than ${this.#maxMetadataSize} bytes (maxMetadataSize)`)
      return json
    } catch (error) {
      statistics.fault('metadata', error, request.key)
      return undefined
    }
  }
}

/**
 * Fields that say how the body is framed and encoded, which body it is, and when it came: the body is the origin's, and
 * so are they. `connection` names others that are not stored.
 */
const ORIGINS_OWN = new Set([
  'age',
  'connection',
  'content-encoding',
  'content-length',
  'content-range',
  'date',
  'etag',
  'last-modified',
  'transfer-encoding',
])
/** They have no content, or a part of it: no other status can become one of these. */
const WITHOUT_CONTENT = new Set([204, 205, 206, 304])

function modified(
  request: CacheRequest,
  response: ResponseHead,
  modifyResponse: NonNullable<AnnotatingOptions['modifyResponse']>,
): ResponseHead {
  const returned: unknown = modifyResponse(viewOf(request), viewOfResponse(response))
  if (returned === undefined) return response
  if (typeof returned !== 'object' || returned === null || returned instanceof Promise)
    throw new InvalidOptionError('modifyResponse(…)', 'an object or undefined', returned)
  const { statusCode = response.statusCode, headers } = returned as ModifiedResponse
  const isStatus = Number.isInteger(statusCode) && statusCode >= 200 && statusCode <= 599
  if (statusCode !== response.statusCode && (!isStatus || WITHOUT_CONTENT.has(statusCode)))
    throw new InvalidOptionError('modifyResponse(…).statusCode', 'a status that has content', statusCode)
  const statusMessage = statusCode === response.statusCode ? response.statusMessage : (STATUS_CODES[statusCode] ?? '')
  if (headers === undefined) return { statusCode, statusMessage, fields: response.fields }
  const own = linesWhere(response.fields, (name) => ORIGINS_OWN.has(name))
  const lines = headerLines('modifyResponse(…).headers', headers)
  return { statusCode, statusMessage, fields: [...own, ...linesWhere(lines, (name) => !ORIGINS_OWN.has(name))] }
}

function linesWhere(lines: FieldLines, isMeant: (name: string) => boolean): string[] {
  return lines.filter((_, i) => isMeant((lines[i - (i % 2)] as string).toLowerCase()))
}
