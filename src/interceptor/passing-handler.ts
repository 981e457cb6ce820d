/**
 * A handler that hands on all that it hears: what others put between two handlers changes only what it is there for. When all
 * has been said it lets go of whom it has spoken to, who would else be kept by who keeps this: see `Exchange`.
 */
import type { IncomingHttpHeaders } from 'node:http'
import type { Duplex } from 'node:stream'
import { NOBODY, type DispatchController, type DispatchHandler } from './dispatch.ts'

export class PassingHandler implements DispatchHandler {
  protected consumer: DispatchHandler

  constructor(consumer: DispatchHandler) {
    this.consumer = consumer
  }

  onRequestStart(controller: DispatchController, context: unknown): void {
    this.consumer.onRequestStart?.(controller, context)
  }

  onRequestUpgrade(
    controller: DispatchController,
    statusCode: number,
    headers: IncomingHttpHeaders,
    socket: Duplex,
  ): void {
    this.consumer.onRequestUpgrade?.(controller, statusCode, headers, socket)
  }

  onResponseStarted(): void {
    this.consumer.onResponseStarted?.()
  }

  onResponseStart(
    controller: DispatchController,
    statusCode: number,
    headers: IncomingHttpHeaders,
    statusMessage?: string,
  ): void {
    this.consumer.onResponseStart?.(controller, statusCode, headers, statusMessage)
  }

  onResponseData(controller: DispatchController, chunk: Buffer): void {
    this.consumer.onResponseData?.(controller, chunk)
  }

  onResponseEnd(controller: DispatchController, trailers: IncomingHttpHeaders): void {
    this.consumer.onResponseEnd?.(controller, trailers)
    // Not of one that throws: it is told of its error.
    this.consumer = NOBODY
  }

  onResponseError(controller: DispatchController, error: Error): void {
    this.consumer.onResponseError?.(controller, error)
    this.consumer = NOBODY
  }

  onBodySent(chunk: Buffer): void {
    this.consumer.onBodySent?.(chunk)
  }

  onRequestSent(): void {
    this.consumer.onRequestSent?.()
  }
}
