/**
 * The least that a cache has to do, whatever else it may be like: find a response by its URL and push it, with an Age of
 * its own. Nothing is judged, counted, bounded or let go. `bareLookup` has it in memory, `bareRead` reads and checks the
 * body: one open, read and close each, as every store of a file for each body needs.
 */
import { closeSync, openSync, readSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import { Agent, type Dispatcher } from 'undici'
import { bareFile, corpusBody, corpusUrl } from '../workloads/corpus-content.ts'
import { ordinaryHeaders } from '../workloads/headers.ts'
import type { OpenPeer, Peer } from './peer.ts'
import { fetchThrough, pushLegacy, pushWhole, rawHeadersOf, type LegacyHandler, type Whole } from './push.ts'

type Headers = Record<string, string>

interface Known {
  readonly headers: Headers
  readonly rawHeaders: readonly Buffer[]
  readonly since: number
  readonly body: () => Buffer
}

export const bareLookup: Peer = {
  open: async ({ origin }) => opened(origin, new Map()),
}

/** Of files that `fillCorpus` has put there. */
export const bareRead: Peer = {
  open: async ({ directory, origin, limits }) => {
    const known = new Map<string, Known>()
    for (let n = 0; n < (limits?.maxEntries ?? 0); n++) {
      const url = corpusUrl(origin, n)
      const body = corpusBody(url)
      const [path, size, checksum] = [bareFile(directory, n), body.length, crc32(body)]
      known.set(
        url,
        knownOf(ordinaryHeaders(n, size), () => readChecked(path, size, checksum)),
      )
    }
    return opened(origin, known)
  },
}

function opened(base: string, known: Map<string, Known>): OpenPeer {
  const agent = new Agent()
  const answerLegacy = (options: Dispatcher.DispatchOptions, handler: LegacyHandler): boolean => {
    const found = known.get(urlOf(options))
    if (found === undefined) throw new Error('Expected a hit')
    pushLegacy(handler, wholeOf(found))
    return true
  }
  return {
    base,
    dispatcher: agent.compose((dispatch) => (options, handler) => {
      const url = urlOf(options)
      const found = known.get(url)
      if (found === undefined)
        return dispatch(
          options,
          keeping(handler, (kept) => void known.set(url, kept)),
        )
      pushWhole(handler, wholeOf(found))
      return true
    }),
    builtInFetch: fetchThrough({ dispatch: answerLegacy }),
    close: () => agent.close(),
  }
}

function urlOf({ origin, path }: Dispatcher.DispatchOptions): string {
  return `${String(origin)}${path}`
}

function knownOf(headers: Headers, body: () => Buffer): Known {
  return { headers, rawHeaders: rawHeadersOf(headers), since: Date.now(), body }
}

function wholeOf({ headers, rawHeaders, since, body }: Known): Whole {
  const age = String(Math.floor((Date.now() - since) / 1000))
  return { headers: { ...headers, age }, rawHeaders: () => [...rawHeaders, AGE, Buffer.from(age)], body: body() }
}

const AGE = Buffer.from('age')

function readChecked(path: string, size: number, checksum: number): Buffer {
  const descriptor = openSync(path, 'r')
  const body = Buffer.allocUnsafeSlow(size)
  const count = readSync(descriptor, body)
  closeSync(descriptor)
  if (count !== size || crc32(body) !== checksum) throw new Error(`${path} is damaged`)
  return body
}

/** A handler that keeps what passes. */
function keeping(handler: Dispatcher.DispatchHandler, keep: (kept: Known) => void): Dispatcher.DispatchHandler {
  const chunks: Buffer[] = []
  let head: Headers = {}
  return {
    onRequestStart: (...given) => handler.onRequestStart?.(...given),
    onResponseStart: (controller, status, headers, message) => {
      head = headers as Headers
      handler.onResponseStart?.(controller, status, headers, message)
    },
    onResponseData: (controller, chunk) => {
      chunks.push(Buffer.from(chunk))
      handler.onResponseData?.(controller, chunk)
    },
    onResponseEnd: (...given) => {
      const body = Buffer.concat(chunks)
      keep(knownOf(head, () => body))
      handler.onResponseEnd?.(...given)
    },
    onResponseError: (...given) => handler.onResponseError?.(...given),
  }
}
