/** A miss: passes the network's response on to the consumer and copies it into the store. */
import type { IncomingHttpHeaders } from 'node:http'
import type { ForwardReason } from '../diagnostics.ts'
import type { CacheEngine } from '../manager/cache-engine.ts'
import type { CacheRequest, ResponseHead } from '../policy/cache-request.ts'
import { fieldValue } from '../policy/field-lines.ts'
import { headToStore, mustBeValidated, type StoredHead, type Times } from '../policy/storing.ts'
import { isForOthers } from '../policy/collapsing.ts'
import type { StoredResponse } from '../stored-response.ts'
import { BodyTee } from './body-tee.ts'
import { forwardStatus, withStatus } from './cache-status.ts'
import type { DispatchController, DispatchHandler, RawHeaders } from './dispatch.ts'
import type { Exchange } from './exchange.ts'
import type { Flight } from './flight.ts'
import { toFieldLines } from './headers.ts'
import { NetworkSource } from './network-source.ts'
import type { ResolvedInterceptorOptions } from './options.ts'
import { isOwnFault } from './own-fault.ts'
import { isFoundBy, withXCache } from './x-cache.ts'

/** One request that went to the network, with all that its answer is judged by. */
export interface Forwarded {
  readonly exchange: Exchange
  readonly engine: CacheEngine
  readonly request: CacheRequest
  readonly options: ResolvedInterceptorOptions
  readonly reason: ForwardReason
  /**
   * Told of the final response before anybody else, it says whether that may be stored. Of an unsafe request it
   * invalidates what that has made invalid, and the response is stored as the answer to a GET.
   */
  readonly gate?: (response: ResponseHead, headers: IncomingHttpHeaders) => boolean
  /** Told of the final response: it invalidates what that has made invalid beside. */
  readonly bust?: ((response: ResponseHead) => void) | undefined
  /** Answers in the place of an origin that cannot be reached, where its last response had to be validated for each use. */
  readonly onUnreachable?: () => void
  /** What the answer is newer than, if anything: an answer that does not take its place takes it out. */
  readonly stored?: StoredResponse
  /** Others who would make the same request, and share the answer where that may be. */
  readonly flight?: Flight | undefined
  /** Under which name it is remembered that such answers cannot be shared. */
  readonly sharing?: string | undefined
  /** Whether something stored was selected, where the reason does not say so. */
  readonly isFound?: boolean
  /** It has waited for the answer to another's request, in vain. */
  readonly hasWaited?: boolean | undefined
}

export class StoringHandler implements DispatchHandler {
  readonly #forwarded: Forwarded
  #source: NetworkSource | undefined
  #requestTime = 0
  #generation = 0
  #history: readonly unknown[] | undefined
  #tee: BodyTee | undefined
  #declaredSize: number | undefined
  #receivedSize = 0
  #responded = false

  constructor(forwarded: Forwarded) {
    this.#forwarded = forwarded
  }

  /** Times of the request under way, for the response that has just come. */
  times(): Times {
    return { requestTime: this.#requestTime, responseTime: this.#forwarded.engine.options.clock() }
  }

  /** An interceptor between the cache and the network has followed a redirect: the answer is another URL's. */
  get wasRedirected(): boolean {
    return this.#history !== undefined && this.#history.length > 1
  }

  /** Called again when an interceptor below retries: what was begun for the former attempt is void. */
  onRequestStart(controller: DispatchController, context: unknown): void {
    const { engine, exchange, flight } = this.#forwarded
    if (this.#responded) flight?.fail(new Error('The request was made again'))
    this.#tee?.abort('incomplete')
    this.#tee = undefined
    this.#declaredSize = undefined
    this.#receivedSize = 0
    this.#requestTime = engine.options.clock()
    this.#generation = engine.generation
    this.#history = (context as { history?: readonly unknown[] } | null | undefined)?.history
    const source = new NetworkSource(controller, (reason) => this.#goOnAlone(reason))
    this.#source = source
    flight?.takeOff(this.#generation, exchange, () => {
      // The last to follow has all of it, and it is about to end.
      if (this.#receivedSize === this.#declaredSize) return
      source.abort(exchange.reason ?? new Error('Nobody reads this response any more'))
    })
    exchange.start(context, this.#source)
  }

  onResponseStarted(): void {
    this.#forwarded.exchange.responseStarted()
  }

  onResponseStart(
    controller: DispatchController,
    statusCode: number,
    headers: IncomingHttpHeaders,
    statusMessage?: string,
  ): void {
    const { engine, gate, bust } = this.#forwarded
    if (statusCode < 200) {
      this.#forwarded.exchange.respond(statusCode, headers, controller.rawHeaders, statusMessage)
      return
    }
    this.#responded = true
    const fields = toFieldLines(controller.rawHeaders, headers)
    const response = { statusCode, statusMessage: statusMessage ?? '', fields }
    bust?.(response)
    const mayStore = gate === undefined || gate(response, headers)
    // What an unsafe request has changed itself, its own answer is not older than.
    if (gate !== undefined) this.#generation = engine.generation
    if (mayStore) this.#beginStore(response, Array.isArray(controller.rawHeaders))
    this.#announce(statusCode, headers, controller.rawHeaders, statusMessage)
    this.#shareResponse()
  }

  onResponseData(controller: DispatchController, chunk: Buffer): void {
    // undici flushes its parser with nothing each time it goes on.
    if (chunk.length === 0) return
    const { engine, exchange, flight } = this.#forwarded
    engine.statistics.received(chunk.length)
    this.#receivedSize += chunk.length
    this.#tee?.write(chunk)
    if (flight?.push(chunk) !== true) exchange.data(chunk)
    // Nobody wants it any more.
    if (exchange.isOver && this.#tee?.isOpen === false && flight?.isWanted !== true)
      controller.abort(exchange.reason ?? new Error('Storing given up'))
  }

  onResponseEnd(controller: DispatchController, trailers: IncomingHttpHeaders): void {
    const { exchange, flight } = this.#forwarded
    const isWhole = this.#declaredSize === undefined || this.#declaredSize === this.#receivedSize
    if (isWhole) this.#tee?.commit()
    else this.#tee?.abort('incomplete')
    const rawTrailers = controller?.rawTrailers
    if (flight?.finish(trailers, rawTrailers, isWhole) !== true) exchange.end(trailers, rawTrailers)
  }

  onResponseError(_controller: DispatchController, error: Error): void {
    const { exchange, engine, request, options, onUnreachable, flight, sharing } = this.#forwarded
    this.#tee?.abort(exchange.aborted ? 'aborted' : 'incomplete')
    const isUnreachable = !this.#responded && !exchange.isOver && !isOwnFault(error)
    if (isUnreachable && sharing !== undefined) engine.hitForMiss.mark(sharing, 'for-now')
    if (
      isUnreachable &&
      onUnreachable &&
      options.policy.staleWhenUnreachable &&
      engine.isValidatedAlways(request.key)
    ) {
      exchange.attach(undefined)
      onUnreachable()
      flight?.fail(error)
    } else if (flight?.fail(error) !== true) exchange.fail(error)
  }

  onBodySent(chunk: Buffer): void {
    this.#forwarded.exchange.bodySent(chunk)
  }

  onRequestSent(): void {
    this.#forwarded.exchange.requestSent()
  }

  /**
   * The caller has left; the request goes on for those who wait for its answer, and what is being stored is finished for
   * the next one, where the option says so.
   */
  #goOnAlone(reason: Error): boolean {
    const { exchange, options, flight } = this.#forwarded
    const isToBeFinished = options.finishAborted && this.#tee?.isOpen === true
    if (!isToBeFinished && flight?.isWanted !== true) return false
    // A leader may be served elsewhere by now.
    if (exchange.isOver) queueMicrotask(() => exchange.fail(reason))
    return true
  }

  #announce(statusCode: number, headers: IncomingHttpHeaders, raw: RawHeaders, statusMessage?: string): void {
    const { exchange, options } = this.#forwarded
    const said = options.cacheStatus ? this.#withStatus(headers, raw) : { headers, raw }
    const marked = withXCache(options.xCache, said, false, this.#isFound)
    exchange.respond(statusCode, marked.headers, marked.raw, statusMessage)
  }

  #withStatus(headers: IncomingHttpHeaders, raw: RawHeaders): ReturnType<typeof withStatus> {
    const { reason, hasWaited } = this.#forwarded
    return withStatus(headers, raw, forwardStatus(reason, this.#tee !== undefined, hasWaited === true))
  }

  get #isFound(): boolean {
    const { reason, isFound = isFoundBy(reason) } = this.#forwarded
    return isFound
  }

  /** Those who have waited follow, or are told that there is nothing for them. */
  #shareResponse(): void {
    const { flight, exchange, engine } = this.#forwarded
    if (flight === undefined) return
    if (this.#tee === undefined || this.#source === undefined) flight.release()
    else {
      flight.respond({
        pending: this.#tee.pending,
        source: this.#source,
        leader: exchange,
        declaredSize: this.#declaredSize,
        maxDelay: engine.options.maxStoreDelay,
        received: () => this.#receivedSize,
      })
    }
  }

  #beginStore(response: ResponseHead, isHttp1: boolean): void {
    const { engine, request, options, stored } = this.#forwarded
    if (this.#source === undefined || engine.isClosed) return
    if (request.method === 'HEAD' && !this.wasRedirected)
      engine.freshening.noteHead(request, response, this.times(), options.policy)
    const modified = this.#modified(response)
    const head = modified === undefined ? 'modify' : headToStore(request, modified, this.times(), options.policy)
    const refusal = typeof head === 'string' ? head : this.#whyNotBegin(response, isHttp1)
    engine.noteValidatedAlways(request.key, refusal === 'useless' && mustBeValidated(response.fields, options.policy))
    if (refusal !== undefined || typeof head === 'string') {
      engine.statistics.refused(request.key, refusal ?? 'status')
      this.#noteSharing(response, refusal ?? 'status')
      this.#dropStored(response)
      return
    }
    this.#declaredSize = declaredSize(request.method, response)
    const pending = engine.beginStore(this.#annotated(head, response), this.#declaredSize, this.#generation)
    // Its place is taken where the new one has the same name. With another Vary it has not.
    if (pending === undefined || stored?.variant !== head.variant) this.#dropStored(response)
    const isTooLarge = (this.#declaredSize ?? 0) > engine.options.maxBodySize
    this.#noteSharing(response, pending === undefined ? (isTooLarge ? 'too-large' : 'not-admitted') : undefined)
    if (pending !== undefined) this.#tee = new BodyTee(pending, this.#source, engine.options.maxStoreDelay)
  }

  /** Undefined where the user's function has failed: it may be there to take something out. */
  #modified(response: ResponseHead): ResponseHead | undefined {
    const { engine, request, options } = this.#forwarded
    try {
      return options.policy.modify === undefined ? response : options.policy.modify(request, response)
    } catch (error) {
      engine.statistics.fault('modifyResponse', error, request.key)
      return undefined
    }
  }

  #whyNotBegin(response: ResponseHead, isHttp1: boolean): string | undefined {
    const { engine, request, options } = this.#forwarded
    if (this.wasRedirected) return 'redirected'
    if (isUnframed(request.method, response, isHttp1)) return 'unframed'
    return options.annotating.refuses(request, response, engine.statistics) ? 'should-store' : undefined
  }

  #annotated(head: StoredHead, response: ResponseHead): StoredHead {
    const { engine, request, options } = this.#forwarded
    const metadata = options.annotating.metadataOf(request, response, engine.statistics)
    return this.#tagged(metadata === undefined ? head : { ...head, metadata }, response)
  }

  #tagged(head: StoredHead, response: ResponseHead): StoredHead {
    const { engine, request, options } = this.#forwarded
    try {
      const own = request.laidDown?.tags ?? []
      const tags = options.tagging?.(request, response, own) ?? own
      return tags.length === 0 ? head : { ...head, tags }
    } catch (error) {
      engine.statistics.fault('tags', error, head.key)
      return head
    }
  }

  /** Whether the next callers may wait for one another. What the request itself has forbidden says nothing about that. */
  #noteSharing({ statusCode }: ResponseHead, refusal: string | undefined): void {
    const { engine, request, sharing, flight } = this.#forwarded
    if (sharing === undefined || (refusal !== undefined && !isForOthers(request))) return
    const isForNow = statusCode >= 500 || refusal === 'not-admitted'
    if (refusal === undefined) engine.hitForMiss.unmark(sharing)
    // A full cache sees much that is asked for once: a mark of that spares nobody, and costs as much as others.
    else if (refusal !== 'not-admitted' || flight?.isWanted === true)
      engine.hitForMiss.mark(sharing, isForNow ? 'for-now' : 'uncacheable')
  }

  /**
   * "A full response … indicates that none of the stored responses nominated in the conditional request are suitable"
   * (RFC 9111 section 4.3.3); a server's failure says nothing about them.
   */
  #dropStored({ statusCode }: ResponseHead): void {
    const { engine, stored } = this.#forwarded
    const isFull = statusCode < 500 && statusCode !== 206 && statusCode !== 304
    if (stored !== undefined && isFull) engine.holdings.remove(stored)
  }
}

/**
 * On HTTP/1 a body without Content-Length and chunks ends when the connection does, also when that was reset: nobody
 * can tell whether it is whole (RFC 9112 section 8).
 */
function isUnframed(method: string, { statusCode, fields }: ResponseHead, isHttp1: boolean): boolean {
  const hasNoContent = method === 'HEAD' || statusCode === 204
  if (!isHttp1 || hasNoContent || fieldValue(fields, 'content-length') !== undefined) return false
  return !/\bchunked\s*$/i.test(fieldValue(fields, 'transfer-encoding') ?? '')
}

/** Bytes that the body must have. Undefined where that is not said. */
function declaredSize(method: string, { statusCode, fields }: ResponseHead): number | undefined {
  if (method === 'HEAD' || statusCode === 204) return 0
  const length = contentLength(fieldValue(fields, 'content-length'))
  return length !== undefined && DIGITS.test(length) ? Number(length) : undefined
}

const DIGITS = /^\d+$/

/** "a single valid decimal value repeated as a comma-separated list" counts once (RFC 9110 section 8.6). */
function contentLength(value: string | undefined): string | undefined {
  if (value === undefined || DIGITS.test(value)) return value
  const values = new Set(value.split(',').map((each) => each.trim()))
  return values.size === 1 ? [...values][0] : undefined
}
