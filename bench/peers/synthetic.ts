/**
 * The floor: an interceptor that answers every request at once, inside `dispatch()`, with a prepared response of 1 KB. No
 * cache, no look-up, no I/O: what is left is the client's own work.
 */
import { Agent } from 'undici'
import { ordinaryHeaders } from '../workloads/headers.ts'
import type { OpenPeer, Peer } from './peer.ts'
import { fetchThrough, pushLegacy, pushWhole, rawHeadersOf, type LegacyHandler, type Whole } from './push.ts'

const BODY = Buffer.alloc(1024, 'synthetic ')
const HEADERS = ordinaryHeaders(1, BODY.length)
const RAW_HEADERS = rawHeadersOf(HEADERS)
const ANSWER: Whole = { headers: HEADERS, rawHeaders: () => RAW_HEADERS, body: BODY }

export const synthetic: Peer = {
  open: async ({ origin }) => {
    const agent = new Agent()
    const legacy = {
      dispatch: (_options: object, handler: LegacyHandler): boolean => {
        pushLegacy(handler, ANSWER)
        return true
      },
    }
    return {
      base: origin,
      dispatcher: agent.compose(() => (_options, handler) => {
        pushWhole(handler, ANSWER)
        return true
      }),
      builtInFetch: fetchThrough(legacy),
      close: () => agent.close(),
    } satisfies OpenPeer
  },
}
