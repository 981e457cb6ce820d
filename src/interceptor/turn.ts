/** A cacheable request under way. */
import type { IncomingRequest } from './cache-request.ts'
import type { ReceivedOptions } from './dispatch.ts'
import type { Exchange } from './exchange.ts'

export interface Turn {
  readonly received: ReceivedOptions
  readonly request: IncomingRequest
  readonly exchange: Exchange
  /** It has waited for the answer to another's request, which was not for it. */
  readonly hasWaited?: boolean
  /** Entry key of what it selects, where a response that is not stored yet has told. */
  readonly selects?: string
}

/**
 * The same after `dispatch` has returned: the caller may be using the headers for something else by then, and what is sent
 * must be what the answer is stored under.
 */
export function later(turn: Turn): Turn {
  return { ...turn, received: { ...turn.received, headers: turn.request.headers } }
}
