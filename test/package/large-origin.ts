/** An origin with one large cacheable body, made as it is sent, that counts what it is asked. */
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

export interface LargeOrigin {
  readonly url: string
  readonly sha256: string
  readonly requests: number
  close(): void
}

const PIECE_BYTES = 1_000_000

export async function startLargeOrigin(size: number): Promise<LargeOrigin> {
  const hash = createHash('sha256')
  for (const piece of pieces(size)) hash.update(piece)
  let requests = 0
  const server = createServer((_request, response) => {
    requests++
    response.writeHead(200, { 'content-length': size, 'cache-control': 'max-age=3600', etag: '"large"' })
    // A client that leaves shows itself in what the client reports.
    pipeline(Readable.from(pieces(size)), response).catch(() => {})
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/large`,
    sha256: hash.digest('hex'),
    get requests() {
      return requests
    },
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** Pieces that all differ, so that a piece out of place shows in the digest. */
function* pieces(size: number): Generator<Buffer, void, void> {
  for (let position = 0; position < size; position += PIECE_BYTES) {
    const piece = Buffer.alloc(Math.min(PIECE_BYTES, size - position), `piece at ${position} `)
    yield piece
  }
}
