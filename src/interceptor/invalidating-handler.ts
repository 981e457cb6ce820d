/** An unsafe request: passes everything on, and invalidates what is stored for its target when it did not fail. */
import type { IncomingHttpHeaders } from 'node:http'
import { invalidates } from '../policy/invalidation.ts'
import type { DispatchController, DispatchHandler } from './dispatch.ts'
import { PassThrough } from './pass-through.ts'

export class InvalidatingHandler extends PassThrough {
  readonly #invalidate: () => void

  constructor(handler: DispatchHandler, invalidate: () => void) {
    super(handler)
    this.#invalidate = invalidate
  }

  override onResponseStart(
    controller: DispatchController,
    statusCode: number,
    headers: IncomingHttpHeaders,
    statusMessage?: string,
  ): void {
    // Before the caller learns of it: what it asks for next must not be what was stored before.
    if (invalidates(statusCode)) this.#invalidate()
    super.onResponseStart(controller, statusCode, headers, statusMessage)
  }
}
