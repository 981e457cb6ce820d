/** A hit that somebody watches (`serve` and `served`): what its consumer hears and when. */
import type { IncomingHttpHeaders } from 'node:http'
import { publish, type ServeEvent } from '../diagnostics.ts'
import type { DispatchController, DispatchHandler } from './dispatch.ts'
import type { Exchange } from './exchange.ts'
import { PassingHandler } from './passing-handler.ts'

/** Watches from now on. `begun` is when it was found, by `performance.now()`, if that was not now. */
export function watchHit(
  exchange: Exchange,
  key: string,
  method: string,
  directory: string,
  begun: number = performance.now(),
): void {
  const event = { key, method, directory, startedAt: performance.timeOrigin + begun }
  exchange.watch((consumer) => new WatchedHit(consumer, event, begun))
}

type Known = Pick<ServeEvent, 'key' | 'method' | 'directory' | 'startedAt'>

class WatchedHit extends PassingHandler {
  readonly #begun: number
  readonly #event: { -readonly [K in keyof ServeEvent]: ServeEvent[K] }

  constructor(consumer: DispatchHandler, known: Known, begun: number) {
    super(consumer)
    this.#begun = begun
    this.#event = { ...known, duration: undefined, statusCode: undefined, size: 0, error: undefined }
    publish('serve', () => this.#event)
  }

  override onResponseStart(
    controller: DispatchController,
    statusCode: number,
    headers: IncomingHttpHeaders,
    message?: string,
  ): void {
    this.#event.statusCode = statusCode
    super.onResponseStart(controller, statusCode, headers, message)
  }

  override onResponseData(controller: DispatchController, chunk: Buffer): void {
    this.#event.size += chunk.length
    super.onResponseData(controller, chunk)
  }

  override onResponseEnd(controller: DispatchController, trailers: IncomingHttpHeaders): void {
    this.#end(undefined)
    super.onResponseEnd(controller, trailers)
  }

  override onResponseError(controller: DispatchController, error: Error): void {
    this.#end(error)
    super.onResponseError(controller, error)
  }

  /** Once: a consumer that throws at the end is told of an error after it. */
  #end(error: Error | undefined): void {
    if (this.#event.duration !== undefined) return
    this.#event.duration = performance.now() - this.#begun
    this.#event.error = error
    publish('served', () => this.#event)
  }
}
