/**
 * The benches' origin, a process of its own so that its memory is not counted: `/BYTES/anything` is a cacheable body of
 * that many bytes, sent as fast as it is taken. Its ETag numbers the answers, so that a hit shows itself.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

const PIECE = Buffer.alloc(65_536, 'a body of a benchmark ')

let requests = 0
const server = createServer((request, response) => {
  const size = Number(request.url?.split('/')[1])
  response.writeHead(200, {
    'content-length': size,
    'cache-control': 'public, max-age=3600',
    etag: `"${++requests}"`,
  })
  // A consumer that leaves with its process is the end of every measurement.
  pipeline(Readable.from(pieces(size)), response).catch(() => {})
})
// A connection that ends while memory is measured would be measured.
server.keepAliveTimeout = 600_000
server.listen(0, '127.0.0.1', () => {
  process.send?.(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
})
process.on('disconnect', () => process.exit())

function* pieces(size: number): Generator<Buffer, void, void> {
  for (let left = size; left > 0; left -= PIECE.length) yield left < PIECE.length ? PIECE.subarray(0, left) : PIECE
}
