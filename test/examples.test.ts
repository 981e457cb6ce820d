/** Each example and the tour run as a user runs them, and say what their headers promise. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { startOrigin } from './helpers/origin.ts'
import { temporaryDirectory } from './helpers/directory.ts'

const EXAMPLES = join(import.meta.dirname, '../examples')
const HELPERS = new Set(['origin.ts', 'tour.ts'])

interface Outcome {
  readonly code: number
  readonly output: string
}

/** `directory` is where the example finds its temporary folder. */
function run(args: readonly string[], directory?: string): Promise<Outcome> {
  const env = { ...process.env, ...(directory === undefined ? {} : { TMPDIR: directory }) }
  return new Promise((resolve) => {
    execFile(process.execPath, [...args], { cwd: EXAMPLES, env, timeout: 120_000 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), output: stdout + stderr })
    })
  })
}

const MISS = String.raw`Hello!  undici-streaming-cache; fwd=uri-miss; stored`
const HIT = String.raw`Hello!  undici-streaming-cache; hit; ttl=\d+`

/** Each metric's samples, below the two lines that say what it is, and a blank line after them. */
const PROMETHEUS = Object.entries({
  requests_total: [
    String.raw`\{result="hit"\} 4`,
    String.raw`\{result="collapsed"\} 0`,
    String.raw`\{result="bypass"\} 0`,
    String.raw`\{result="miss",reason="uri-miss"\} 1`,
  ],
  body_bytes_total: [
    String.raw`\{source="memory"\} \d+`,
    String.raw`\{source="disk"\} \d+`,
    String.raw`\{source="network"\} 6`,
  ],
  stores_total: [' 1'],
  evictions_total: [' 0'],
  faults_total: [' 0'],
  entries: [' 1'],
  disk_bytes: [String.raw` \d+`],
  memory_bytes: [String.raw` \d+`],
}).flatMap(([name, samples], i) => [
  ...(i === 0 ? [] : ['']),
  `# HELP http_cache_${name} .+`,
  `# TYPE http_cache_${name} ${name.endsWith('_total') ? 'counter' : 'gauge'}`,
  ...samples.map((sample) => `http_cache_${name}${sample}`),
])

const EXPECTED: Readonly<Record<string, readonly string[]>> = {
  'global-fetch.ts': [
    String.raw`Node's fetch\(\) +${MISS}`,
    String.raw`Node's fetch\(\) +${HIT}`,
    String.raw`undici's fetch\(\) +${HIT}`,
    String.raw`undici's request\(\) +${HIT}`,
    'The origin was asked 1 time.',
  ],
  'per-client.ts': [
    String.raw`fetch\(\) with the agent +${MISS}`,
    String.raw`fetch\(\) with the agent +${HIT}`,
    String.raw`Node's fetch\(\) with it +${HIT}`,
    String.raw`request\(\) with the pool +${HIT}`,
    String.raw`fetch\(\) without a cache +Hello!  -`,
    'The origin was asked 2 times.',
  ],
  'built-in-fetch.ts': [`first +${MISS}`, `again +${HIT}`, 'uninstalled +Hello!  -', 'The origin was asked 2 times.'],
  'manager.ts': [
    'event: stored https://example.com/a, 10 bytes',
    'event: stored https://example.com/b, 10 bytes',
    'event: stored https://example.com/c, 10 bytes',
    String.raw`get: 200 This is a\.`,
    'get: nothing',
    String.raw`entry: https://example.com/a +10 bytes, \d+ on disk, text/plain`,
    String.raw`entry: https://example.com/b +10 bytes, \d+ on disk, text/plain`,
    String.raw`entry: https://example.com/c +10 bytes, \d+ on disk, text/plain`,
    'delete: true, again: false',
    String.raw`event: evicted https://example.com/[ac] \((?:count|rejected)\)`,
    String.raw`stats: 1 entry, \d+ bytes on disk, 3 stored, 1 evicted`,
  ],
  'ssr-tags.ts': [
    String.raw`GET +/lamp +<h1>lamp: 40 €</h1>`,
    String.raw`GET +/chair +<h1>chair: 90 €</h1>`,
    String.raw`GET +/lamp +<h1>lamp: 40 €</h1>`,
    String.raw`POST /webhook/product-lamp +1 purged`,
    String.raw`GET +/lamp +<h1>lamp: 35 €</h1>`,
    String.raw`GET +/chair +<h1>chair: 90 €</h1>`,
    String.raw`The API was asked 3 times\.`,
  ],
  'api-gateway.ts': [
    String.raw`/things +\["thing"\]  cdn stale, then undici-streaming-cache uri-miss`,
    String.raw`/things +\["thing"\]  cdn stale, then undici-streaming-cache hit`,
    String.raw`/mine +\["mine"\]  undici-streaming-cache uri-miss`,
    String.raw`/mine +\["mine"\]  undici-streaming-cache uri-miss`,
    String.raw`The origin was asked 3 times\.`,
  ],
  'crawler.ts': [
    String.raw`first run : 3 pages, 0 of them from the cache`,
    String.raw`offline   : 3 pages, 3 of them from the cache`,
    String.raw`The site was asked 3 times\.`,
  ],
  'docs-for-agents.ts': [
    String.raw`first +# API, from the site`,
    String.raw`again +# API, from the cache`,
    String.raw`ten minutes later +# API, from the cache, as the site answered 304`,
    String.raw`an hour later, site down +# API, from the cache, as the site answered 503`,
    String.raw`a day later, still down +cannot be read: 503`,
  ],
  'large-downloads.ts': [
    String.raw`miss 240 MB in 4 downloads at a time, 0 hits: memory grew by 1?\d?\d MB`,
    String.raw`hit  240 MB in 4 downloads at a time, 4 hits: memory grew by 1?\d?\d MB`,
    String.raw`The origin was asked 4 times, and is in the same process\.`,
  ],
  'ci-offline.ts': [
    String.raw`online : /toolchain\.tar  90000 bytes from the network`,
    String.raw`online : /fixtures\.json  9 bytes from the network`,
    String.raw`offline: /toolchain\.tar  90000 bytes from the cache`,
    String.raw`offline: /fixtures\.json  9 bytes from the cache`,
    String.raw`offline: /forgotten +504, not stored`,
  ],
  'cluster.ts': [
    String.raw`worker 1: ${MISS}`,
    String.raw`worker 2: ${HIT}`,
    String.raw`worker 3: ${HIT}`,
    String.raw`The origin was asked 1 time\.`,
  ],
  'opentelemetry.ts': [
    'span: GET /hello, hit',
    'span: GET /hello, hit',
    'span: GET /hello, hit',
    String.raw`metric: http\.client\.request\.duration hit: 3 measured`,
    String.raw`metric: undici_streaming_cache\.requests hit: 3`,
    String.raw`metric: undici_streaming_cache\.requests miss uri-miss: 1`,
    String.raw`metric: undici_streaming_cache\.io memory: \d+`,
    String.raw`(?:metric: undici_streaming_cache\.io disk: \d+\n)?metric: undici_streaming_cache\.io network: 6`,
    String.raw`metric: undici_streaming_cache\.stores: 1`,
    String.raw`metric: undici_streaming_cache\.entries: 1`,
    String.raw`metric: undici_streaming_cache\.disk\.usage: \d+`,
    String.raw`metric: undici_streaming_cache\.memory\.usage: \d+`,
  ],
  'prometheus.ts': PROMETHEUS,
  'hidden-fetch.ts': [
    String.raw`first +sunny  undici-streaming-cache; fwd=uri-miss; stored`,
    String.raw`again +sunny  undici-streaming-cache; hit; ttl=\d+`,
    String.raw`with reload +rainy  undici-streaming-cache; fwd=request; stored`,
    String.raw`meanwhile +sunny  undici-streaming-cache; hit; ttl=\d+`,
    String.raw`afterwards +rainy  undici-streaming-cache; hit; ttl=\d+`,
    String.raw`The origin was asked 2 times\.`,
  ],
  'undici-store.ts': [
    String.raw`first  Hello!  age: -`,
    String.raw`again  Hello!  age: \d`,
    String.raw`stored /hello#partition=@undici, 6 bytes`,
    String.raw`The origin was asked 1 time\.`,
  ],
}

test('every example is checked here and listed for readers', async () => {
  const files = (await readdir(EXAMPLES)).filter((name) => name.endsWith('.ts') && !HELPERS.has(name))
  assert.deepEqual(files.sort(), Object.keys(EXPECTED).sort())
  const list = await readFile(join(EXAMPLES, 'README.md'), 'utf8')
  for (const file of files) assert.ok(list.includes(`(${file})`), `${file} is not in examples/README.md`)
})

for (const [example, lines] of Object.entries(EXPECTED)) {
  test(`examples/${example} prints what it promises`, async () => {
    const { code, output } = await run([example])
    assert.match(output, new RegExp(`^${lines.join('\n')}\n$`))
    assert.equal(code, 0)
  })
}

test('the tour shows every way of answering, and leaves nothing behind', async () => {
  const directory = await temporaryDirectory()
  const { code, output } = await run(['tour.ts'], directory)
  for (const line of [
    /^ {2}\/video +miss +60\.0 MB +60\.0 MB .*nothing stored/m,
    /^ {2}\/video +hit +60\.0 MB +0 B .*fresh for another 7 days$/m,
    /^ {2}\/greeting \(de\) +miss .*\(Vary\)$/m,
    /^ {2}\/account +not stored .*no-store$/m,
    /^ {2}\/mail +not stored .*private/m,
    /^ {2}\/LICENSE \(ETag\) +validated .* 0 B .*304 from the origin/m,
    /^ {2}\/photo \(Last-Modified\) +validated +5\.0 MB +0 B /m,
    /^ {2}\/news \(has changed\) +replaced /m,
    /^ {2}POST \/news +passed /m,
    /Restart: a new process on the same directory\n.*\/LICENSE +hit .*\n.*\/photo +hit .*\n.*\/video +hit +60\.0 MB +0 B /,
    /^ {2}\/video +evicted +60\.0 MB .*over the limit$/m,
    /^All as expected\.$/m,
  ]) {
    assert.match(output, line)
  }
  assert.equal(code, 0)
  assert.deepEqual(await readdir(directory), [])
})

test('the tour of your URLs fetches each cold, again, and after a restart', async (t) => {
  const origin = await startOrigin(t, (request, response) => {
    const caching = request.url === '/kept' ? { 'cache-control': 'max-age=60' } : { 'cache-control': 'no-store' }
    response.writeHead(200, caching).end('12345')
  })
  const { code, output } = await run(['tour.ts', `${origin.url}/kept`, `${origin.url}/not`], await temporaryDirectory())
  assert.match(output, /\/kept\n {2}first +miss +5 B .*\n {2}again +hit +5 B /)
  assert.match(output, /\/not\n {2}first +not stored +5 B .*\n {2}again +not stored +5 B .*no-store/)
  assert.match(output, /Restart.*\n {2}http.*\/kept +hit +5 B .*\n {2}http.*\/not +not stored +5 B /)
  assert.equal(code, 0)
  assert.equal(origin.requests.filter(({ url }) => url === '/kept').length, 1)
})

test('the tour of a URL that cannot be fetched says so in one line, and fails', async (t) => {
  const origin = await startOrigin(t, (_, response) => response.destroy())
  const { code, output } = await run(['tour.ts', origin.url, 'nonsense'], await temporaryDirectory())
  assert.match(output, /^ {2}first: UND_ERR_SOCKET: other side closed$/m)
  assert.match(output, /^ {2}first: .*Invalid URL$/m)
  assert.match(output, /2 of 2 cannot be fetched/)
  assert.doesNotMatch(output, / at .*\.ts:/)
  assert.equal(code, 1)
})
