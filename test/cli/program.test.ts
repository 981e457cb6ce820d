/** The program as it is installed: a process of its own, its signals, and whoever reads its output. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { runCli, seeded, spawnCli, startCli } from '../helpers/cli.ts'
import { temporaryDirectory } from '../helpers/directory.ts'
import { startOrigin } from '../helpers/origin.ts'
import { onDisk } from '../helpers/processes.ts'

const FRESH = { 'cache-control': 'max-age=100000' }

test('each command runs as a process, on the directory of the environment', async (t) => {
  const origin = await startOrigin(t, (_, response) => response.writeHead(200, FRESH).end('body'))
  const directory = await temporaryDirectory()
  const options = { env: { UNDICI_STREAMING_CACHE_DIR: directory }, cwd: directory }
  for (const [args, code, output] of [
    [['warm', `${origin.url}/a`], 0, /^1 URL: 1 stored, 4 B\n$/],
    [['get', `${origin.url}/b`], 0, /^body$/],
    [['ls'], 0, /\/a\n.*\/b\n$/],
    [['show', `${origin.url}/a`], 0, /^GET /],
    [['cat', `${origin.url}/a`], 0, /^body$/],
    [['stats'], 0, /2 entries of 2 URLs/],
    [['verify'], 0, /^2 records, 8 B read: nothing wrong\n$/],
    [['gc'], 0, /^Removed: 0 entries/],
    [['report'], 0, /^cache-report\.html: 2 entries, a page of /],
    [['rm', `${origin.url}/a`], 0, /^$/],
    [['purge', '--all'], 0, /^1 entry removed/],
    [['ls'], 1, /^$/],
    [['--help'], 0, /^Usage: undici-streaming-cache/],
    [['nonsense'], 2, /^$/],
  ] as const) {
    const run = await spawnCli(args, options)
    assert.deepEqual([args, run.code], [args, code], run.stderr)
    assert.match(run.stdout, output)
  }
  assert.ok((await stat(join(directory, 'cache-report.html'))).size > 1000)
})

test('cat gives the bytes themselves', async () => {
  const body = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 31) % 256))
  const directory = await seeded({ 'https://a.example/': { headers: FRESH, body } })
  const { bytes, code } = await spawnCli(['cat', '--dir', directory, 'https://a.example/'])
  assert.equal(code, 0)
  assert.ok(bytes.equals(body))
})

test('whoever has read enough may leave', async () => {
  const directory = await seeded({ 'https://a.example/': { headers: FRESH, body: Buffer.alloc(4_000_000) } })
  const child = startCli(['cat', '--dir', directory, 'https://a.example/'])
  const ended = once(child, 'exit')
  await once(child.stdout, 'data')
  child.stdout.destroy()
  assert.deepEqual(await ended, [0, null])
})

test('Ctrl-C during warm: exit code 130, what is whole is stored, nothing is half done', async (t) => {
  const origin = await startOrigin(t, (request, response) => {
    response.writeHead(200, { ...FRESH, 'content-length': 4 })
    if (request.url === '/whole') response.end('body')
    else response.write('ha')
  })
  const directory = await temporaryDirectory()
  const urls = ['/whole', '/half', '/other'].map((path) => origin.url + path)
  const child = startCli(['warm', ...urls, '--concurrency', '2', '--dir', directory])
  const ended = once(child, 'exit')
  // The third is asked for when the first is done.
  while (origin.requests.length < 3) await once(origin.server, 'request')
  child.kill('SIGINT')
  assert.deepEqual(await ended, [130, null])
  assert.deepEqual(await onDisk(directory), { buckets: 1, contents: 1, temporary: 0 })
  assert.equal((await runCli(['verify', '--dir', directory])).code, 0)
})

test('Ctrl-C while URLs are being read from standard input ends it', async (t) => {
  const origin = await startOrigin(t, (_, response) => response.end('body'))
  const child = startCli(['warm', '-', '--dir', await temporaryDirectory()])
  const ended = once(child, 'exit')
  child.stdin.write(`${origin.url}/a\n`)
  // It has taken the line when nothing waits in the pipe any more; the signal is heard from its first line of code on.
  await once(child, 'spawn')
  while (!child.stdin.writableNeedDrain && child.stdin.writableLength > 0) await once(child.stdin, 'drain')
  const timer = setInterval(() => child.kill('SIGINT'), 200)
  const [code, signal] = await ended
  clearInterval(timer)
  assert.ok(code === 130 || signal === 'SIGINT', `${code} ${signal}`)
  assert.equal(origin.requests.length, 0)
})
