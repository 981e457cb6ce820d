/** A handler that hands on all that it hears: what others put between two handlers changes only what it is there for. */
import type { IncomingHttpHeaders } from 'node:http'
import type { Duplex } from 'node:stream'
import type { DispatchController, DispatchHandler } from './dispatch.ts'

export class PassingHandler implements DispatchHandler {
  protected readonly consumer: DispatchHandler

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
  }

  onResponseError(controller: DispatchController, error: Error): void {
    this.consumer.onResponseError?.(controller, error)
  }

  onBodySent(chunk: Buffer): void {
    this.consumer.onBodySent?.(chunk)
  }

  onRequestSent(): void {
    this.consumer.onRequestSent?.()
  }
}
