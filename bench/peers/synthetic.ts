/**
 * The floor: an interceptor that answers every request at once, inside `dispatch()`, with a prepared response of 1 KB. No
 * cache, no look-up, no I/O: what is left is the client's own work.
 */
import { Agent } from 'undici'
import type { OpenPeer, Peer } from './peer.ts'
import { pushLegacy, pushWhole, type LegacyHandler, type Whole } from './push.ts'

const BODY = Buffer.alloc(1024, 'synthetic ')
const HEADERS = {
  date: new Date().toUTCString(),
  'content-type': 'application/octet-stream',
  'content-length': String(BODY.length),
  'cache-control': 'public, max-age=86400',
  etag: '"1"',
  'last-modified': 'Wed, 01 Jan 2025 00:00:00 GMT',
  server: 'origin',
  'x-content-type-options': 'nosniff',
}
const RAW_HEADERS = Object.entries(HEADERS)
  .flat()
  .map((part) => Buffer.from(part))
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
      builtInFetch: (input, init) => fetch(input, { ...init, dispatcher: legacy } as unknown as RequestInit),
      close: () => agent.close(),
    } satisfies OpenPeer
  },
}
