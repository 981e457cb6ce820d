/** Tags and metadata on the command line: found by them, removed by them, and shown without what may be a credential. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { redactJson } from '../../src/cli/redaction.ts'
import { createFetch, StreamingManager, type CacheInterceptorOptions } from '../../src/index.ts'
import { startCache } from '../helpers/cache.ts'
import { runCli, seeded } from '../helpers/cli.ts'
import { leftovers, temporaryDirectory } from '../helpers/directory.ts'
import { startOrigin } from '../helpers/origin.ts'

const FRESH = { 'cache-control': 'max-age=100000' }
const STALE = { 'cache-control': 'max-age=0', etag: '"1"' }

function tagged(): Promise<string> {
  const vary = { ...FRESH, vary: 'accept' }
  return seeded({
    'https://a.example/1': { headers: FRESH, body: '1', tags: ['news', 'a'] },
    'https://a.example/2': { headers: STALE, body: '2', tags: ['news'] },
    'https://b.example/3': { headers: FRESH, body: '3', tags: ['newsletter'] },
    'https://b.example/4': { headers: FRESH, body: '4' },
    'https://a.example/v': { headers: vary, body: 'v', tags: ['some'], requestHeaders: { accept: 'a' } },
  })
}

async function urlsIn(directory: string, ...args: string[]): Promise<string[]> {
  const { stdout } = await runCli(['ls', '--json', '--dir', directory, ...args])
  const lines = stdout.split('\n').filter((line) => line !== '')
  return lines.map((line) => (JSON.parse(line) as { url: string }).url.replace('https://', ''))
}

test('ls and report take what has a tag, and no other', async () => {
  const directory = await tagged()
  assert.deepEqual(await urlsIn(directory, '--tag', 'news'), ['a.example/1', 'a.example/2'])
  assert.deepEqual(await urlsIn(directory, '--tag', 'news', '--fresh'), ['a.example/1'])
  assert.deepEqual(await urlsIn(directory, '--tag', 'new'), [])
  const { stdout } = await runCli(['report', '--json', '--tag', 'news', '--dir', directory])
  assert.equal((JSON.parse(stdout) as { entries: number }).entries, 2)
})

for (const [args, left] of [
  [
    ['--tag', 'news'],
    ['a.example/v', 'b.example/3', 'b.example/4'],
  ],
  [
    ['--tag', 'news', '--stale'],
    ['a.example/1', 'a.example/v', 'b.example/3', 'b.example/4'],
  ],
  [
    ['--tag', 'newsletter', '--origin', 'https://b.example'],
    ['a.example/1', 'a.example/2', 'a.example/v', 'b.example/4'],
  ],
] as const) {
  test(`purge ${args.join(' ')} removes that and nothing else`, async () => {
    const directory = await tagged()
    const dry = await runCli(['purge', '--json', '--dry-run', '--dir', directory, ...args])
    const { code, stdout } = await runCli(['purge', '--json', '--dir', directory, ...args])
    const result = JSON.parse(stdout) as { entries: number }
    assert.deepEqual({ ...result, isDryRun: true }, JSON.parse(dry.stdout))
    assert.deepEqual([code, result.entries], [0, 5 - left.length])
    assert.deepEqual(await urlsIn(directory), left)
    assert.equal((await leftovers(directory)).contents, left.length)
    assert.equal((await runCli(['purge', '--dir', directory, ...args])).code, 1)
  })
}

test('purge --tag counts the variants that go with the one that has the tag', async () => {
  const directory = await tagged()
  await using manager = await StreamingManager.open(directory)
  const headers = { ...FRESH, vary: 'accept' }
  await manager.put('https://a.example/v', { headers, body: 'w', requestHeaders: { accept: 'b' } })
  const dry = await runCli(['purge', '--dry-run', '--tag', 'some', '--dir', directory])
  assert.match(dry.stdout, /^2 entries would go/)
  assert.match((await runCli(['purge', '--tag', 'some', '--dir', directory])).stdout, /^2 entries removed/)
  assert.equal((await runCli(['purge', '--tag', 'a', '--all', '--dir', directory])).code, 2)
})

test('beside a process that has the directory open, what had the tag is a miss there', async (t) => {
  const origin = await startOrigin(t, (request, response) => {
    response.writeHead(200, { ...FRESH, 'cache-tag': request.url === '/a' ? 'one, two' : 'two' }).end('body')
  })
  const cache = await startCache(t, { interceptor: { tagsHeader: 'cache-tag' } })
  for (const path of ['/a', '/b']) await cache.get(origin.url + path)
  await cache.manager.runPendingTasks()
  assert.equal((await runCli(['purge', '--tag', 'one', '--dir', cache.directory])).code, 0)
  await cache.manager.runPendingTasks()
  assert.match((await cache.get(`${origin.url}/a`)).cache, /^fwd=uri-miss/)
  assert.match((await cache.get(`${origin.url}/b`)).cache, /^hit/)
})

const NOTED = {
  build: 17,
  apiKey: 'SECRET1',
  from: 'https://a.example/?token=SECRET2',
  list: [{ password: ['SECRET3'] }],
}

test('show has tags and metadata, without credentials unless they are to be revealed', async (t) => {
  const origin = await startOrigin(t, (_, response) => response.writeHead(200, FRESH).end('body'))
  const directory = await temporaryDirectory()
  const options: CacheInterceptorOptions = {
    tags: () => ['product-17', 'https://a.example/?sig=SECRET4'],
    metadata: () => NOTED,
  }
  {
    await using manager = await StreamingManager.open(directory)
    const response = await createFetch(manager, options)(origin.url)
    await response.text()
    await manager.put('https://a.example/', { headers: FRESH, body: 'bare' })
  }
  const show = async (...args: string[]) => (await runCli(['show', origin.url, '--dir', directory, ...args])).stdout
  const text = await show()
  assert.match(text, /^ {2}tags {6}product-17, https:\/\/a\.example\/\?sig=REDACTED$/m)
  assert.match(
    text,
    /^ {2}metadata {2}\{"build":17,"apiKey":"REDACTED","from":"https:\/\/a\.example\/\?token=REDACTED","list":\[\{"password":"REDACTED"\}\]\}$/m,
  )
  assert.doesNotMatch(text + (await show('--json')), /SECRET/)
  const [revealed] = (JSON.parse(await show('--json', '--reveal')) as { stored: object[] }).stored
  assert.deepEqual(
    { tags: Reflect.get(revealed ?? {}, 'tags'), metadata: Reflect.get(revealed ?? {}, 'metadata') },
    { tags: ['product-17', 'https://a.example/?sig=SECRET4'], metadata: NOTED },
  )
  const bare = (await runCli(['show', 'https://a.example/', '--dir', directory])).stdout
  assert.match(bare, /^ {2}tags {6}none$/m)
  assert.doesNotMatch(bare, /metadata/)
})

test('metadata is redacted by the names of its properties, whatever is below them', () => {
  const planted = JSON.parse('{"__proto__":{"secret":1},"a":null,"b":[true,"Bearer abcdefgh"]}') as never
  assert.equal(
    JSON.stringify(redactJson(planted)),
    '{"__proto__":{"secret":"REDACTED"},"a":null,"b":[true,"Bearer REDACTED"]}',
  )
})
