/** `rm`, `purge`, `gc`, `get` and `warm`: what they change, also beside a process that has the directory open. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { startCache } from '../helpers/cache.ts'
import { runCli, seeded, seedInto } from '../helpers/cli.ts'
import { leftovers, temporaryDirectory } from '../helpers/directory.ts'
import { startOrigin } from '../helpers/origin.ts'
import { onDisk } from '../helpers/processes.ts'

const FRESH = { 'cache-control': 'max-age=100000' }
const STALE = { 'cache-control': 'max-age=0', etag: '"1"' }

async function keysIn(directory: string): Promise<string[]> {
  const { stdout } = await runCli(['ls', '--json', '--dir', directory])
  const lines = stdout.split('\n').filter((line) => line !== '')
  return lines.map((line) => JSON.parse(line).url.replace('https://', ''))
}

function five(): Promise<string> {
  return seeded({
    'https://a.example/x/1': { headers: FRESH, body: '1' },
    'https://a.example/x/2': { headers: STALE, body: '2' },
    'https://a.example/y': { headers: FRESH, body: '3' },
    'HEAD https://a.example/y': { headers: FRESH },
    'https://b.example/': { headers: STALE, body: '4' },
  })
}

test('rm removes a URL and its answer to HEAD; again there is nothing', async () => {
  const directory = await five()
  const first = await runCli(['rm', '--json', '--dir', directory, 'https://a.example/y'])
  assert.deepEqual([first.code, JSON.parse(first.stdout)], [0, { url: 'https://a.example/y', removed: true }])
  assert.deepEqual(await keysIn(directory), ['a.example/x/1', 'a.example/x/2', 'b.example/'])
  const again = await runCli(['rm', '--dir', directory, 'https://a.example/y'])
  assert.deepEqual([again.code, again.stderr.includes('nothing is stored')], [1, true])
})

test('rm of a key with a variant leaves the other variants', async () => {
  const headers = { ...FRESH, vary: 'accept' }
  const directory = await temporaryDirectory()
  for (const accept of ['a', 'b'])
    await seedInto(directory, { 'https://a.example/': { headers, body: accept, requestHeaders: { accept } } })
  const entries = (await runCli(['ls', '--json', '--dir', directory])).stdout.trim().split('\n')
  const [first] = entries.map((line) => JSON.parse(line).key)
  assert.equal(entries.length, 2)
  assert.equal((await runCli(['rm', '--dir', directory, first])).code, 0)
  const left = (await runCli(['ls', '--json', '--dir', directory])).stdout.trim().split('\n')
  assert.deepEqual(
    left,
    entries.slice(1).map((line) => left.find((each) => JSON.parse(each).key === JSON.parse(line).key)),
  )
})

for (const [args, left] of [
  [
    ['--prefix', 'https://a.example/x/'],
    ['a.example/y', 'a.example/y', 'b.example/'],
  ],
  [['--origin', 'https://a.example'], ['b.example/']],
  [['--stale'], ['a.example/x/1', 'a.example/y', 'a.example/y']],
  [
    ['--stale', '--origin', 'https://b.example'],
    ['a.example/x/1', 'a.example/x/2', 'a.example/y', 'a.example/y'],
  ],
  [['--all'], []],
] as const) {
  test(`purge ${args.join(' ')} removes that and nothing else`, async () => {
    const directory = await five()
    const dry = await runCli(['purge', '--json', '--dry-run', '--dir', directory, ...args])
    const { code, stdout } = await runCli(['purge', '--json', '--dir', directory, ...args])
    const result = JSON.parse(stdout)
    assert.deepEqual({ ...result, isDryRun: true }, JSON.parse(dry.stdout))
    assert.deepEqual([code, result.entries], [0, 5 - left.length])
    assert.deepEqual(await keysIn(directory), left)
    assert.equal((await runCli(['purge', '--dir', directory, ...args])).code, 1)
    assert.equal((await leftovers(directory)).contents, left.length)
  })
}

test('purge without saying what is wrong usage', async () => {
  const directory = await five()
  assert.equal((await runCli(['purge', '--dir', directory])).code, 2)
  assert.equal((await runCli(['purge', '--all', '--stale', '--dir', directory])).code, 2)
  assert.equal((await keysIn(directory)).length, 5)
})

test('beside a process that has the directory open, what is removed is a miss there', async (t) => {
  const origin = await startOrigin(t, (_, response) => response.writeHead(200, FRESH).end('body'))
  const cache = await startCache(t)
  for (const path of ['/a', '/b', '/c']) await cache.get(origin.url + path)
  await cache.manager.runPendingTasks()
  assert.equal((await runCli(['rm', '--dir', cache.directory, `${origin.url}/a`])).code, 0)
  assert.equal((await runCli(['purge', '--prefix', `${origin.url}/b`, '--dir', cache.directory])).code, 0)
  await cache.manager.runPendingTasks()
  assert.match((await cache.get(`${origin.url}/a`)).cache, /^fwd=uri-miss/)
  assert.match((await cache.get(`${origin.url}/b`)).cache, /^fwd=uri-miss/)
  assert.match((await cache.get(`${origin.url}/c`)).cache, /^hit/)
  const { openIn } = JSON.parse((await runCli(['stats', '--json', '--dir', cache.directory])).stdout)
  assert.deepEqual(
    openIn.map(({ pid, isLeader }: { pid: number; isLeader: boolean }) => [pid, isLeader]),
    [[process.pid, true]],
  )
})

test('a server with larger limits than the default loses nothing to the command line', async () => {
  const body = (i: number) => Buffer.alloc(8000, i)
  const seed = Object.fromEntries(
    Array.from({ length: 30 }, (_, i) => [`https://a.example/${i}`, { headers: FRESH, body: body(i) }]),
  )
  const directory = await seeded(seed)
  await runCli(['rm', '--dir', directory, 'https://a.example/0'])
  assert.equal((await keysIn(directory)).length, 29)
})

test('gc removes what nobody needs, and what is over the limits given', async () => {
  const seed = Object.fromEntries(
    Array.from({ length: 10 }, (_, i) => [`https://a.example/${i}`, { headers: FRESH, body: `${i}` }]),
  )
  const directory = await seeded(seed)
  const orphan = join(directory, 'content-v2/sha256/ab/cd')
  await mkdir(orphan, { recursive: true })
  await writeFile(join(orphan, 'ef'.repeat(30)), 'nobody needs it')
  await writeFile(join(directory, 'tmp/nobody'), 'nobody writes it')
  const first = await runCli(['gc', '--json', '--dir', directory])
  assert.deepEqual(
    [first.code, JSON.parse(first.stdout)],
    [
      0,
      {
        entriesRemoved: 0,
        orphansRemoved: 1,
        temporariesRemoved: 1,
        diskBytesFreed: 0,
        entries: 10,
        diskBytes: 163_840,
        isLeader: true,
      },
    ],
  )
  assert.deepEqual(await onDisk(directory), { buckets: 10, contents: 10, temporary: 0 })
  const second = JSON.parse((await runCli(['gc', '--json', '--max-entries', '7', '--dir', directory])).stdout)
  assert.deepEqual([second.entriesRemoved, second.entries], [3, 7])
  // The folders that are always there, and the snapshot, take their part of it.
  const third = await runCli(['gc', '--max-size', '288K', '--dir', directory])
  const [, removed, freed, left, size] =
    /^Removed: (\d) entries, .*; (\d+\.0) KiB freed\nLeft: (\d) entries, (\d+\.0) KiB on disk\n$/.exec(third.stdout) ??
    []
  assert.ok(Number(left) > 0 && Number(left) <= 7, third.stdout)
  assert.deepEqual(
    [Number(removed), Number(freed), Number(size)],
    [7 - Number(left), (7 - Number(left)) * 16, Number(left) * 16],
  )
  assert.deepEqual(await onDisk(directory), { buckets: Number(left), contents: Number(left), temporary: 0 })
})

test('gc leaves the limits to a process that has the directory open, and says so', async (t) => {
  const cache = await startCache(t)
  await cache.manager.put('https://a.example/', { headers: FRESH, body: 'kept' })
  await cache.manager.put('https://b.example/', { headers: FRESH, body: 'kept as well' })
  await cache.manager.runPendingTasks()
  const { stdout, code } = await runCli(['gc', '--max-entries', '1', '--dir', cache.directory])
  assert.equal(code, 0)
  assert.match(stdout, /Another process has the directory open/)
  assert.equal((await keysIn(cache.directory)).length, 2)
})

test('interrupted, gc takes its bar away', async () => {
  const directory = await seeded(Object.fromEntries([1, 2, 3].map((i) => [`https://a.example/${i}`, {}])))
  const controller = new AbortController()
  const { code, stderr } = await runCli(['gc', '--dir', directory], {
    isTTY: true,
    // Its first look at what is there has begun.
    onStderr: () => controller.abort(),
    signal: controller.signal,
  })
  assert.equal(code, 130)
  assert.match(stderr.replaceAll('\r\u001b[K', '<'), /^<Cleaning up .*<interrupted\n$/)
})

test('get goes through the cache: miss, hit, offline', async (t) => {
  const origin = await startOrigin(t, (_, response) => response.writeHead(200, FRESH).end('body'))
  const directory = await temporaryDirectory()
  const get = (...args: string[]) => runCli(['get', `${origin.url}/a`, '--dir', directory, ...args])
  const absent = await get('--offline')
  assert.deepEqual([absent.code, absent.stdout], [1, ''])
  assert.deepEqual(await get(), { code: 0, stdout: 'body', stderr: '200 OK, fwd=uri-miss; stored\n' })
  const hit = await get()
  assert.deepEqual([hit.code, hit.stdout], [0, 'body'])
  assert.match(hit.stderr, /^200 OK, hit; ttl=\d+\n$/)
  assert.deepEqual(await get('--quiet', '--offline'), { code: 0, stdout: 'body', stderr: '' })
  assert.equal(origin.requests.length, 1)
  const json = JSON.parse((await get('--json', '--reload', '-H', 'x-a: 1')).stdout)
  assert.deepEqual([json.statusCode, Buffer.from(json.body, 'base64').toString()], [200, 'body'])
  assert.deepEqual([origin.requests.length, origin.requests[1]?.headers['x-a']], [2, '1'])
  assert.match((await get('--include')).stdout, /^200 OK\n(?:[a-z-]+: .*\n)+\nbody$/)
})

test('get serves stale offline, and says what fails', async (t) => {
  const origin = await startOrigin(t, (request, response) => {
    if (request.url === '/stale') response.writeHead(200, STALE).end('old')
    else response.writeHead(503).end('no')
  })
  const directory = await temporaryDirectory()
  const get = (path: string, ...args: string[]) => runCli(['get', origin.url + path, '--dir', directory, ...args])
  await get('/stale')
  const offline = await get('/stale', '--offline')
  assert.deepEqual([offline.code, offline.stdout], [0, 'old'])
  const failed = await get('/broken')
  assert.deepEqual([failed.code, failed.stdout], [1, 'no'])
  origin.server.closeAllConnections()
  origin.server.close()
  const gone = await get('/gone?token=abc')
  assert.deepEqual([gone.code, gone.stdout], [1, ''])
  assert.match(gone.stderr, /gone\?token=REDACTED: .*ECONNREFUSED/)
  assert.equal((await runCli(['get', 'ftp://a.example/', '--dir', directory])).code, 2)
  assert.equal((await runCli(['get', origin.url, '-H', 'nonsense', '--dir', directory])).code, 2)
})

test('warm fetches all, once each, and says what became of each', async (t) => {
  const origin = await startOrigin(t, (request, response) => {
    if (request.url === '/missing') response.writeHead(404).end()
    else if (request.url === '/never') response.writeHead(200, { 'cache-control': 'no-store' }).end('never')
    else response.writeHead(200, FRESH).end('body')
  })
  const directory = await temporaryDirectory()
  await runCli(['get', `${origin.url}/a`, '--dir', directory])
  const input = `# comment\n\n${origin.url}/a\n${origin.url}/b\r\n${origin.url}/b\n${origin.url}/never\n${origin.url}/missing\n`
  const { code, stdout } = await runCli(
    ['warm', '-', `${origin.url}/c`, '--json', '--concurrency', '1', '--dir', directory],
    { input },
  )
  assert.equal(code, 1)
  assert.deepEqual(JSON.parse(stdout.replaceAll(origin.url, '')), {
    urls: 5,
    stored: 2,
    hit: 1,
    validated: 0,
    notStored: 1,
    failed: 1,
    bytes: 17,
    results: [
      { url: '/c', result: 'stored', statusCode: 200, bytes: 4 },
      { url: '/a', result: 'hit', statusCode: 200, bytes: 4 },
      { url: '/b', result: 'stored', statusCode: 200, bytes: 4 },
      { url: '/never', result: 'not stored', statusCode: 200, bytes: 5, reason: 'no-store' },
      { url: '/missing', result: 'failed', statusCode: 404, bytes: 0, reason: 'status 404' },
    ],
  })
  const again = await runCli(['warm', `${origin.url}/a`, `${origin.url}/b`, '--dir', directory])
  assert.deepEqual(again, { code: 0, stdout: '2 URLs: 2 hit, 8 B\n', stderr: '' })
  assert.equal((await runCli(['warm', 'nonsense', '--dir', directory])).code, 2)
})

test('warm has no more requests under way than it may', async (t) => {
  let most = 0
  const held: ServerResponse[] = []
  const origin = await startOrigin(t, (_, response) => {
    most = Math.max(most, held.push(response))
    // With three under way a fourth would have time to come.
    if (held.length === 3)
      setTimeout(() => {
        for (const each of held.splice(0)) each.writeHead(200, FRESH).end('body')
      }, 20)
  })
  const urls = Array.from({ length: 12 }, (_, i) => `${origin.url}/${i}`)
  const directory = await temporaryDirectory()
  const { stdout } = await runCli(['warm', ...urls, '--concurrency', '3', '--dir', directory])
  assert.match(stdout, /^12 URLs: 12 stored/)
  assert.equal(most, 3)
})

test('interrupted, warm keeps what is whole and leaves nothing half done', async (t) => {
  const controller = new AbortController()
  const origin = await startOrigin(t, (request, response) => {
    response.writeHead(200, { ...FRESH, 'content-length': 8 })
    if (request.url === '/whole') response.end('wholebody'.slice(0, 8))
    else response.write('half')
  })
  const directory = await temporaryDirectory()
  const urls = ['/whole', '/half', '/other', '/never'].map((path) => origin.url + path)
  const running = runCli(['warm', ...urls, '--concurrency', '3', '--dir', directory], { signal: controller.signal })
  while (origin.requests.length < 4) await once(origin.server, 'request')
  controller.abort()
  const { code, stdout, stderr } = await running
  assert.deepEqual([code, stderr], [130, 'interrupted\n'])
  assert.match(stdout, /^1 of 4 URLs: 1 stored, 8 B\n$/)
  assert.deepEqual(await onDisk(directory), { buckets: 1, contents: 1, temporary: 0 })
  assert.equal((await runCli(['verify', '--dir', directory])).code, 0)
})
