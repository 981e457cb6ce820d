/**
 * The floor of large hits: a file read by `fs.read` in chunks of 64 KiB, each checked by its crc32, and nothing else: no
 * HTTP, no stream, no pause. Each chunk is a new buffer, since a consumer may keep what it is given. `readLoopAtOnce` does
 * it by `fs.readSync`, which keeps the event loop from everything else meanwhile.
 */
import { close, open, read, readSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { crc32 } from 'node:zlib'
import type { Client } from '../harness/clients.ts'
import type { Peer } from './peer.ts'

const CHUNK_BYTES = 65_536

const openFile = promisify(open)
const closeFile = promisify(close)

export const readLoop: Peer = readLoopPeer(readInto)

export const readLoopAtOnce: Peer = readLoopPeer((descriptor, buffer) => readSync(descriptor, buffer))

interface ReadFile {
  readonly path: string
  readonly checksums: readonly number[]
}

type Read = (descriptor: number, buffer: Buffer) => number | Promise<number>

function readLoopPeer(readNext: Read): Peer {
  return {
    open: async ({ directory, origin }) => {
      await mkdir(directory, { recursive: true })
      const files = new Map<string, Promise<ReadFile>>()
      const chunksOf = async function* (url: string): AsyncGenerator<Uint8Array, void, void> {
        const file = files.get(url) ?? makeFile(join(directory, `body-${files.size}`), url)
        files.set(url, file)
        yield* chunks(await file, readNext)
      }
      const client: Client = {
        whole: async (url) => {
          let bytes = 0
          for await (const chunk of chunksOf(url)) bytes += chunk.length
          return bytes
        },
        take: async (url) => ({ number: '', body: chunksOf(url) }),
      }
      return { base: origin, client, close: async () => {} }
    },
  }
}

async function makeFile(path: string, url: string): Promise<ReadFile> {
  const body = Buffer.alloc(Number(new URL(url).pathname.split('/')[1]), 'a body ')
  await writeFile(path, body)
  const count = Math.ceil(body.length / CHUNK_BYTES)
  const checksums = Array.from({ length: count }, (_, i) =>
    crc32(body.subarray(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES)),
  )
  return { path, checksums }
}

async function* chunks({ path, checksums }: ReadFile, readNext: Read): AsyncGenerator<Uint8Array, void, void> {
  const descriptor = await openFile(path, 'r')
  try {
    for (const checksum of checksums) {
      const buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES)
      const chunk = buffer.subarray(0, await readNext(descriptor, buffer))
      if (crc32(chunk) !== checksum) throw new Error(`${path} is damaged`)
      yield chunk
    }
  } finally {
    await closeFile(descriptor)
  }
}

function readInto(descriptor: number, buffer: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    read(descriptor, buffer, 0, buffer.length, null, (error, count) =>
      error === null ? resolve(count) : reject(error),
    )
  })
}
