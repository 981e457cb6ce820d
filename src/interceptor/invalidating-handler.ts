/** An unsafe request: passes everything on, and invalidates what is stored for its target when it did not fail. */
import type { IncomingHttpHeaders } from 'node:http'
import { invalidatedGroups } from '../policy/cache-groups.ts'
import { invalidatedUris, invalidates } from '../policy/invalidation.ts'
import type { DispatchController, DispatchHandler } from './dispatch.ts'
import { PassThrough } from './pass-through.ts'

/** What is told that stored responses are valid no more. */
export interface Invalidator {
  uri(uri: string): void
  /** Cache groups of the target's origin (RFC 9875). */
  groups(groups: ReadonlySet<string>): void
}

export class InvalidatingHandler extends PassThrough {
  readonly #target: string
  readonly #invalidator: Invalidator

  /** `target` is the request's target URI. */
  constructor(handler: DispatchHandler, target: string, invalidator: Invalidator) {
    super(handler)
    this.#target = target
    this.#invalidator = invalidator
  }

  override onResponseStart(
    controller: DispatchController,
    statusCode: number,
    headers: IncomingHttpHeaders,
    statusMessage?: string,
  ): void {
    // Before the caller learns of it: what it asks for next must not be what was stored before.
    if (invalidates(statusCode)) {
      for (const uri of invalidatedUris(this.#target, headers)) this.#invalidator.uri(uri)
      const groups = invalidatedGroups(headers)
      if (groups.size > 0) this.#invalidator.groups(groups)
    }
    super.onResponseStart(controller, statusCode, headers, statusMessage)
  }
}
