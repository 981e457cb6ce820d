/** What is not a request for a resource passes untouched: upgrade, CONNECT, WebSocket. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Origin } from './origin.ts'
import type { Bench, BenchCheck } from './bench.ts'

export const passingChecks: BenchCheck[] = [upgradePasses, connectPasses, npmWebSocket]

async function upgradePasses(bench: Bench): Promise<void> {
  takeUpgrades(bench.origin)
  const dispatcher = bench.compose()
  const upgraded = await dispatcher.upgrade({ origin: bench.origin.url, path: '/', protocol: 'echo' } as never)
  assert.equal(upgraded.headers['upgrade'], 'echo')
  await assertEcho(upgraded.socket)
}

async function connectPasses(bench: Bench): Promise<void> {
  bench.origin.server.removeAllListeners('connect').on('connect', (_, socket: Duplex) => {
    socket.write('HTTP/1.1 200 Connection Established\r\n\r\n')
    socket.pipe(socket)
  })
  const connected = await bench.compose().connect({ origin: bench.origin.url, path: 'example.com:443' })
  assert.equal(connected.statusCode, 200)
  await assertEcho(connected.socket)
}

async function npmWebSocket(bench: Bench): Promise<void> {
  takeUpgrades(bench.origin)
  const url = bench.origin.url.replace('http', 'ws')
  await assertGreeting(new bench.npm.WebSocket(url, { dispatcher: bench.compose() }))
}

/** Node's own, through the global dispatcher. */
export async function builtInWebSocket(origin: Origin): Promise<void> {
  takeUpgrades(origin)
  await assertGreeting(new WebSocket(origin.url.replace('http', 'ws')))
}

async function assertEcho(socket: Duplex): Promise<void> {
  socket.write('are you there?')
  const [echo] = (await once(socket, 'data')) as [Buffer]
  assert.equal(String(echo), 'are you there?')
  socket.destroy()
}

async function assertGreeting(webSocket: EventTarget & { close(): void }): Promise<void> {
  const message = await new Promise<Event>((resolve, reject) => {
    webSocket.addEventListener('message', resolve)
    webSocket.addEventListener('error', () => reject(new Error('the WebSocket failed')))
  })
  assert.equal((message as MessageEvent).data, 'hello')
  const gone = new Promise((resolve) => webSocket.addEventListener('close', resolve))
  webSocket.close()
  await gone
}

/** An echo, or a WebSocket that says hello and goodbye. */
function takeUpgrades({ server }: Origin): void {
  server.removeAllListeners('upgrade').on('upgrade', (request: IncomingMessage, socket: Duplex) => {
    const key = request.headers['sec-websocket-key']
    const lines = ['HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', `Upgrade: ${request.headers.upgrade}`]
    if (key === undefined) {
      socket.write([...lines, '', ''].join('\r\n'))
      socket.pipe(socket)
      return
    }
    // RFC 6455: the accept key, one text frame, and a close frame (opcode 8) for the client's.
    const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
    socket.write([...lines, `Sec-WebSocket-Accept: ${accept}`, '', ''].join('\r\n'))
    socket.write(Buffer.concat([Buffer.of(0x81, 5), Buffer.from('hello')]))
    socket.once('data', () => socket.end(Buffer.of(0x88, 0)))
  })
}
