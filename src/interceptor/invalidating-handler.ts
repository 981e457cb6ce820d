/** An unsafe request: passes everything on, and invalidates what is stored for its target when it did not fail. */
import type { IncomingHttpHeaders } from 'node:http'
import { invalidatedUris, invalidates } from '../policy/invalidation.ts'
import type { DispatchController, DispatchHandler } from './dispatch.ts'
import { PassThrough } from './pass-through.ts'

export class InvalidatingHandler extends PassThrough {
  readonly #target: string
  readonly #invalidate: (uri: string) => void

  /** `target` is the request's target URI; `invalidate` is called with each URI that its success makes invalid. */
  constructor(handler: DispatchHandler, target: string, invalidate: (uri: string) => void) {
    super(handler)
    this.#target = target
    this.#invalidate = invalidate
  }

  override onResponseStart(
    controller: DispatchController,
    statusCode: number,
    headers: IncomingHttpHeaders,
    statusMessage?: string,
  ): void {
    // Before the caller learns of it: what it asks for next must not be what was stored before.
    if (invalidates(statusCode)) for (const uri of invalidatedUris(this.#target, headers)) this.#invalidate(uri)
    super.onResponseStart(controller, statusCode, headers, statusMessage)
  }
}
