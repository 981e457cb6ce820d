/** `install(manager)`: put in front of whatever global dispatcher there is, and taken out again. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createServer, request } from 'node:http'
import { once } from 'node:events'
import { connect, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { promisify } from 'node:util'
import { install, type StreamingManager } from 'undici-streaming-cache'
import type { Origin } from './origin.ts'

const SYMBOLS = [Symbol.for('undici.globalDispatcher.1'), Symbol.for('undici.globalDispatcher.2')]

function globalDispatchers(): unknown[] {
  return SYMBOLS.map((symbol) => Reflect.get(globalThis, symbol) as unknown)
}

/** Before anything else is installed. Fetch stays cached until the cache is taken out, then it is as it was. */
export async function takenOutAgain(manager: StreamingManager, origin: Origin): Promise<void> {
  void new Request(origin.url)
  const before = globalDispatchers()
  const uninstall = install(manager)
  const route = origin.route((_, response) => response.setHeader('cache-control', 'max-age=600').end('.'))
  for (let turn = 0; turn < 2; turn++) {
    await (await fetch(route.url)).text()
    await manager.runPendingTasks()
  }
  assert.equal(route.arrivals.length, 1)
  uninstall()
  const response = await fetch(route.url)
  await response.text()
  assert.equal(route.arrivals.length, 2)
  assert.equal(response.headers.get('cache-status'), null)
  assert.deepEqual(
    globalDispatchers().map((dispatcher, i) => dispatcher === before[i]),
    [true, true],
  )
}

/** Who was set after us is not thrown out with us. */
export async function leavesALaterDispatcher(manager: StreamingManager): Promise<void> {
  const before = globalDispatchers()
  const uninstall = install(manager)
  const undoLater = install(manager)
  const later = globalDispatchers()
  uninstall()
  assert.deepEqual(
    globalDispatchers().map((dispatcher, i) => dispatcher === later[i]),
    [true, true],
  )
  undoLater()
  SYMBOLS.forEach((symbol, i) => before[i] !== undefined && Reflect.set(globalThis, symbol, before[i]))
}

/** The proxy of the environment stays in use: below the cache, so that a hit does without it. */
export async function environmentProxyStays(_: StreamingManager, origin: Origin): Promise<void> {
  let proxied = 0
  const proxy = createServer((asked, answer) => {
    proxied++
    const onward = request(asked.url ?? '', { method: asked.method, headers: asked.headers }, (response) => {
      answer.writeHead(response.statusCode ?? 502, response.rawHeaders)
      response.pipe(answer)
    })
    onward.end()
  })
  // Node tunnels with CONNECT or asks for absolute URLs, depending on its version.
  proxy.on('connect', (asked, socket: Duplex) => {
    proxied++
    const onward = connect(Number(new URL(`http://${asked.url}`).port), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n')
      socket.pipe(onward).pipe(socket)
    })
    onward.on('error', () => socket.destroy())
    socket.on('error', () => onward.destroy())
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const { port } = proxy.address() as AddressInfo
  const route = origin.route((_, response) =>
    response.setHeader('cache-control', 'max-age=600').end('through the proxy'),
  )
  const environment = { ...process.env, NODE_USE_ENV_PROXY: '1', http_proxy: `http://127.0.0.1:${port}` }
  const args = ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'behind-a-proxy.ts'), route.url]
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: environment })
  proxy.close()
  proxy.closeAllConnections()
  assert.deepEqual(stdout.trim().split('\n'), ['fwd=uri-miss through the proxy', 'hit through the proxy'])
  assert.equal(proxied, 1)
  assert.equal(route.arrivals.length, 1)
}
