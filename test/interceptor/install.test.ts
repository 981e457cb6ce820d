/** `install` in a process of its own: no npm undici, and a proxy from the environment that must stay in place. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { temporaryDirectory } from '../helpers/directory.ts'

const SCRIPT = `
  const { install, StreamingManager } = await import(${JSON.stringify(new URL('../../src/index.ts', import.meta.url).href)})
  const manager = await StreamingManager.open(process.argv[1])
  const ask = async () => {
    const response = await fetch('http://only-the-proxy-knows.test/')
    return [await response.text(), response.headers.get('cache-status')]
  }
  const uninstall = install(manager)
  const answers = [await ask(), await ask()]
  uninstall()
  answers.push(await ask())
  await manager.close()
  console.log(JSON.stringify(answers))`

test('a proxy from the environment stays in place under install()', async (t) => {
  let asked = 0
  const proxy = createServer((_, response) => {
    asked++
    response.writeHead(200, { 'cache-control': 'max-age=60' }).end('by proxy')
  })
  // Whether Node tunnels plain http or not, the proxy itself answers.
  proxy.on('connect', (_, socket) => {
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
    proxy.emit('connection', socket)
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    proxy.closeAllConnections()
    proxy.close()
  })
  const { port } = proxy.address() as AddressInfo
  const address = `http://127.0.0.1:${port}`
  const env = { PATH: process.env['PATH'], NODE_USE_ENV_PROXY: '1', HTTP_PROXY: address, http_proxy: address }
  const directory = await temporaryDirectory()
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', SCRIPT, directory], {
    env,
  })
  const [miss, hit, without] = JSON.parse(stdout) as [string, string | null][]
  assert.deepEqual(miss, ['by proxy', 'undici-streaming-cache; fwd=uri-miss; stored'])
  assert.match(hit?.[1] ?? '', /; hit; ttl=(59|60)$/)
  assert.deepEqual(without, ['by proxy', null])
  assert.equal(asked, 2)
})
