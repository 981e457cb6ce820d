/**
 * The floor: an interceptor that answers every request at once, inside `dispatch()`, with a prepared response of 1 KB. No
 * cache, no look-up, no I/O: what is left is the client's own work.
 */
import { Agent, type Dispatcher } from 'undici'
import type { OpenPeer, Peer } from './peer.ts'

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

/** A whole body is pushed at once: there is nothing to be paused or ended early. */
class Controller {
  readonly aborted = false
  readonly paused = false
  readonly reason = null
  readonly rawHeaders = RAW_HEADERS
  readonly rawTrailers = []
  abort(): void {}
  pause(): void {}
  resume(): void {}
}

/** What Node 24's own fetch brings. */
interface LegacyHandler {
  onConnect(abort: () => void, context: object): void
  onHeaders(status: number, rawHeaders: readonly Buffer[], resume: () => void, message: string): boolean
  onData(chunk: Buffer): boolean
  onComplete(trailers: readonly Buffer[]): void
}

export const synthetic: Peer = {
  open: async ({ origin }) => {
    const agent = new Agent()
    const legacy = { dispatch: answerLegacy }
    return {
      base: origin,
      dispatcher: agent.compose(() => answer),
      builtInFetch: (input, init) => fetch(input, { ...init, dispatcher: legacy } as unknown as RequestInit),
      close: () => agent.close(),
    } satisfies OpenPeer
  },
}

function answer(_options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
  const controller = new Controller() as unknown as Dispatcher.DispatchController
  handler.onRequestStart?.(controller, {})
  handler.onResponseStart?.(controller, 200, HEADERS, 'OK')
  handler.onResponseData?.(controller, BODY)
  handler.onResponseEnd?.(controller, {})
  return true
}

function answerLegacy(_options: object, handler: LegacyHandler): boolean {
  handler.onConnect(() => {}, {})
  handler.onHeaders(200, RAW_HEADERS, () => {}, 'OK')
  handler.onData(BODY)
  handler.onComplete([])
  return true
}
