/**
 * Back-pressure, measured at the source: bytes that this process takes from client sockets and reads from files by
 * descriptor while nobody consumes a response. Time is told by work that is like the stalled one, not by a clock.
 */
import assert from 'node:assert/strict'
import { subscribe } from 'node:diagnostics_channel'
import fs from 'node:fs'
import { open } from 'node:fs/promises'
import { createServer, get, type IncomingMessage } from 'node:http'
import { once } from 'node:events'
import { syncBuiltinESMExports } from 'node:module'
import type { AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const sockets = new Set<Socket>()
let bytesRead = 0

subscribe('net.client.socket', (message) => {
  const { socket } = message as { socket: Socket }
  sockets.add(socket)
  socket.once('close', () => sockets.delete(socket))
})

/** `fs.read` is what a body is read with; it is counted for ES modules as well. */
const read = fs.read as (...args: unknown[]) => void
function countedRead(...args: unknown[]): void {
  const done = args.pop() as (error: Error | null, count: number, buffer: Buffer) => void
  read(...args, (error: Error | null, count: number, buffer: Buffer) => {
    bytesRead += error === null ? count : 0
    done(error, count, buffer)
  })
}
Object.assign(fs, { read: countedRead })
syncBuiltinESMExports()

/** Asks by `ask` and consumes nothing: less than `limit` bytes may be taken, however long it lasts. Gives the answer. */
export async function assertStalled<T>(limit: number, ask: () => Promise<T>): Promise<T> {
  const before = taken()
  const answer = await ask()
  await aWhile()
  let bytes = bytesRead - before.bytesRead
  for (const socket of sockets) bytes += socket.bytesRead - (before.sockets.get(socket) ?? 0)
  assert.ok(bytes < limit, `${bytes} bytes were read though nobody consumes them`)
  return answer
}

function taken(): { bytesRead: number; sockets: Map<Socket, number> } {
  return { bytesRead, sockets: new Map(Array.from(sockets, (socket) => [socket, socket.bytesRead])) }
}

const PADDING = Buffer.alloc(4 * 1024 * 1024)
const PART = 64 * 1024

/** As long as it takes to move 4 MiB through a socket, and then 4 MiB out of a file: a body that flows is far by then. */
async function aWhile(): Promise<void> {
  const server = createServer((_, response) => response.end(PADDING)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const [response] = (await once(get({ port, host: '127.0.0.1', agent: false }), 'response')) as [IncomingMessage]
  sockets.delete(response.socket)
  await once(response.resume(), 'close')
  server.close()
  const path = join(tmpdir(), `matrix-clock-${process.pid}`)
  const file = await open(path, 'w+')
  await fs.promises.unlink(path)
  await file.write(PADDING.subarray(0, PART))
  const part = Buffer.alloc(PART)
  for (let parts = PADDING.length / PART; parts > 0; parts--) await file.read(part, 0, PART, 0)
  await file.close()
}
