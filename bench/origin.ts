/**
 * The table's origin, a process of its own: `/BYTES/NAME` is a cacheable body of that many bytes, different for every
 * name, with eight ordinary header fields. `?delay=200` answers after so many milliseconds, `?control=no-store` says
 * something else about caching, `?cookie` sets one. Entity tags number the answers, but with
 * `?same` all are of one. Its parent is told the address, and on
 * `'count'` how many requests and bytes there have been.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { seeded } from './index/policies/index-policy.ts'

const PIECE_BYTES = 65_536
/** Nothing that a store could compress: what is measured is not zstd. */
const random = seeded(7)
const PIECE = Buffer.from(Uint8Array.from({ length: PIECE_BYTES }, () => random() * 256))

let requests = 0
let bytes = 0
const server = createServer((request, response) => void answer(request, response))
// A connection that ends while memory is measured would be measured.
server.keepAliveTimeout = 600_000
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
  process.send?.(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
})
process.on('message', () => process.send?.({ requests, bytes }))
process.on('disconnect', () => process.exit())

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://origin')
  const size = Number(pathname.split('/')[1])
  const number = ++requests
  bytes += size
  if (searchParams.has('delay')) await delay(Number(searchParams.get('delay')))
  response.writeHead(200, {
    'content-type': 'application/octet-stream',
    'content-length': size,
    'cache-control': searchParams.get('control') ?? 'public, max-age=86400',
    etag: searchParams.has('same') ? '"same"' : `"${number}"`,
    'last-modified': 'Wed, 01 Jan 2025 00:00:00 GMT',
    server: 'origin',
    'x-content-type-options': 'nosniff',
    ...(searchParams.has('cookie') ? { 'set-cookie': `user=${number}` } : {}),
  })
  const first = Buffer.from(PIECE.subarray(0, Math.min(size, PIECE_BYTES)))
  first.write(pathname)
  if (size <= PIECE_BYTES) response.end(first)
  // A consumer that leaves with its process is the end of every measurement.
  else await pipeline(Readable.from(pieces(first, size)), response).catch(() => {})
}

function* pieces(first: Buffer, size: number): Generator<Buffer, void, void> {
  yield first
  for (let left = size - first.length; left > 0; left -= PIECE_BYTES) {
    yield left < PIECE_BYTES ? PIECE.subarray(0, left) : PIECE
  }
}
