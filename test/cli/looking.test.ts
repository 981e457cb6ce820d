/** `ls`, `show`, `cat` and `stats`: what they say, as text and as JSON, and that they change nothing. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { runCli, seeded, seedInto } from '../helpers/cli.ts'
import { appendHistory } from '../../src/content-store/history-file.ts'
import { Layout } from '../../src/content-store/layout.ts'
import { temporaryDirectory } from '../helpers/directory.ts'
import manifest from '../../package.json' with { type: 'json' }

const HOUR = 3_600_000
const FRESH = { 'cache-control': 'max-age=100000', 'content-type': 'text/plain' }

/** Stored two hours ago, so that ages are known. */
function mixed(): Promise<string> {
  return seeded(
    {
      'https://a.example/one': { headers: FRESH, body: 'x'.repeat(10) },
      'https://a.example/two': { headers: { 'cache-control': 'max-age=60' }, body: 'x'.repeat(10_000) },
      'https://b.example/three': { headers: { ...FRESH, etag: '"3"' }, statusCode: 404, body: 'gone' },
      'https://b.example/four': { headers: { 'cache-control': 'no-cache', etag: '"4"' }, body: 'ask' },
    },
    { clock: () => Date.now() - 2 * HOUR },
  )
}

function lines(text: string): unknown[] {
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
}

test('ls lists what is stored: a line each, with size, age and freshness', async () => {
  const { code, stdout, stderr } = await runCli(['ls', '--dir', await mixed()])
  assert.equal(stderr, '')
  assert.equal(code, 0)
  assert.deepEqual(
    stdout
      .trim()
      .split('\n')
      .map((line) => line.split(/ {2,}/)),
    [
      ['200', '16.0 KiB', '2 h', '25 h', 'https://a.example/one'],
      ['200', '24.0 KiB', '2 h', '-119 min', 'https://a.example/two'],
      ['200', '16.0 KiB', '2 h', 'ask', 'https://b.example/four'],
      ['404', '16.0 KiB', '2 h', '25 h', 'https://b.example/three'],
    ],
  )
})

test('ls filters and sorts, with --json a document a line', async () => {
  const directory = await mixed()
  const keys = async (...args: string[]) => {
    const { stdout, code } = await runCli(['ls', '--json', '--dir', directory, ...args])
    assert.equal(code, 0)
    return lines(stdout).map((entry) => (entry as { key: string }).key.replace('https://', ''))
  }
  assert.deepEqual(await keys('--origin', 'https://b.example/'), ['b.example/four', 'b.example/three'])
  assert.deepEqual(await keys('--prefix', 'https://a.example/t'), ['a.example/two'])
  assert.deepEqual(await keys('--status', '4xx'), ['b.example/three'])
  assert.deepEqual(await keys('--stale'), ['a.example/two'])
  assert.deepEqual(await keys('--fresh', '--reverse'), ['b.example/three', 'a.example/one'])
  assert.deepEqual(await keys('--sort', 'size', '--limit', '1'), ['a.example/two'])
})

test('an entry in JSON has everything that ls shows, exactly', async () => {
  const { stdout } = await runCli(['ls', '--json', '--prefix', 'https://a.example/one', '--dir', await mixed()])
  const { respondedAt, freshUntil, age, ...entry } = JSON.parse(stdout)
  assert.deepEqual(entry, {
    key: 'https://a.example/one',
    method: 'GET',
    url: 'https://a.example/one',
    statusCode: 200,
    contentType: 'text/plain',
    bodySize: 10,
    diskSize: 16_384,
    state: 'fresh',
    lifetime: 100_000,
  })
  assert.ok(age >= 7200 && age < 7400)
  // Date has whole seconds.
  assert.ok(Math.abs(Date.parse(freshUntil) - Date.parse(respondedAt) - 100_000_000) <= 2000)
})

test('nothing found is exit code 1, wrong usage 2', async () => {
  const directory = await mixed()
  assert.equal((await runCli(['ls', '--dir', directory, '--status', '500'])).code, 1)
  const absent = await runCli(['ls', '--dir', join(directory, 'absent')])
  assert.deepEqual([absent.code, absent.stderr.includes('There is no cache in')], [1, true])
  assert.deepEqual((await readdir(directory)).includes('absent'), false)
  for (const args of [
    ['ls'],
    ['ls', '--dir', directory, '--fresh', '--stale'],
    ['ls', '--dir', directory, '--sort', 'colour'],
    ['ls', '--dir', directory, '--limit', '0'],
    ['ls', '--dir', directory, '--origin', 'nonsense'],
    ['show', '--dir', directory, 'nonsense'],
    ['show', '--dir', directory],
    ['nonsense'],
    [],
  ]) {
    const { code, stderr, stdout } = await runCli(args)
    assert.deepEqual([args, code, stdout], [args, 2, ''])
    assert.notEqual(stderr, '')
  }
})

test('with --json, what was not found or has failed is a document, too', async () => {
  const directory = await mixed()
  const absent = join(directory, 'absent')
  for (const [args, expected] of [
    [['cat', 'https://none.example/'], 'nothing is stored for https://none.example/'],
    [['get', '--offline', 'https://none.example/'], 'nothing is stored for https://none.example/'],
    [['stats', '--dir', absent], `There is no cache in ${absent}`],
  ] as const) {
    const { code, stdout, stderr } = await runCli(['--json', '--dir', directory, ...args])
    assert.equal(code, 1)
    assert.deepEqual(JSON.parse(stdout), { error: expected })
    assert.equal(stderr, `undici-streaming-cache: ${expected}\n`)
  }
  const { stdout } = await runCli(['--json', '--dir', directory, 'show', 'https://none.example/'])
  assert.deepEqual(JSON.parse(stdout), { url: 'https://none.example/', stored: [] })
})

test('the program knows its version', async () => {
  for (const flag of ['--version', '-V'])
    assert.deepEqual(await runCli([flag]), { code: 0, stdout: `${manifest.version}\n`, stderr: '' })
})

test('every command has its help', async () => {
  const { stdout, code } = await runCli(['--help'])
  assert.equal(code, 0)
  const commands = Array.from(stdout.matchAll(/^ {2}([a-z]+) /gm), ([, name = '']) => name).filter((n) => n !== 'help')
  assert.deepEqual(commands, ['ls', 'show', 'cat', 'get', 'stats', 'rm', 'purge', 'warm', 'verify', 'gc', 'report'])
  const helps = await Promise.all(commands.map((command) => runCli(['help', command])))
  for (const [i, help] of helps.entries()) {
    assert.equal(help.code, 0)
    assert.match(help.stdout, new RegExp(`Usage: undici-streaming-cache ${commands[i]}`))
    assert.match(help.stdout, /--dir/)
  }
})

test('show says all about every variant, and why it is fresh', async () => {
  const headers = { 'cache-control': 'max-age=60, stale-if-error=600', vary: 'accept-language', etag: '"1"' }
  const directory = await seeded({
    'https://a.example/': { headers, body: 'de', requestHeaders: { 'accept-language': 'de' } },
  })
  const en = { headers: { ...headers, expires: '0' }, body: 'english', requestHeaders: { 'accept-language': 'en' } }
  await seedInto(directory, { 'https://a.example/': en, 'HEAD https://a.example/': { headers: FRESH } })
  const { stdout, code } = await runCli(['show', '--json', '--dir', directory, 'https://A.example'])
  const { stored } = JSON.parse(stdout)
  assert.equal(code, 0)
  assert.deepEqual(
    stored.map(({ method, bodySize }: { method: string; bodySize: number }) => [method, bodySize]).sort(),
    [
      ['GET', 2],
      ['GET', 7],
      ['HEAD', 0],
    ],
  )
  const english = stored.find(({ bodySize }: { bodySize: number }) => bodySize === 7)
  assert.deepEqual(english.reasons, ['max-age=60', 'stale-if-error=600', 'can be validated by ETag'])
  assert.deepEqual(english.vary, ['accept-language'])
  assert.equal(english.sha256, createHash('sha256').update('english').digest('hex'))
  const text = (await runCli(['show', '--dir', directory, 'https://a.example/'])).stdout
  assert.match(text, /^GET https:\/\/a\.example\/\n {2}200\n {2}cache-control: max-age=60/m)
  assert.match(text, /^ {2}freshness {1}fresh for another \d+ s$/m)
  assert.match(text, /^ {2}because {3}max-age=60; stale-if-error=600; can be validated by ETag$/m)
  assert.match(text, /^ {2}vary {6}accept-language \(variant [0-9a-f]+\)$/m)
  assert.equal((await runCli(['show', '--dir', directory, 'https://a.example/other'])).code, 1)
})

test('what was stored for a partition is shown with its URL', async () => {
  const directory = await seeded({ 'https://a.example/#partition=me': { headers: FRESH, body: 'mine' } })
  const { stdout } = await runCli(['show', '--json', '--reveal', '--dir', directory, 'https://a.example/'])
  assert.equal(JSON.parse(stdout).stored[0].key, 'https://a.example/#partition=me')
})

test('cat writes a body byte for byte, decoded if asked, in base64 with --json', async () => {
  const body = Buffer.from(Array.from({ length: 200_000 }, (_, i) => (i * 7) % 251))
  const url = 'https://a.example/data'
  const headers = { ...FRESH, 'content-encoding': 'gzip' }
  const directory = await seeded({
    [url]: { headers, body: gzipSync(body) },
    'https://a.example/empty': { headers: FRESH },
  })
  const json = await runCli(['cat', '--json', '--decode', '--dir', directory, url])
  const document = JSON.parse(json.stdout)
  assert.deepEqual(Buffer.from(document.body, 'base64'), body)
  assert.equal(document.headers['content-encoding'], 'gzip')
  const raw = JSON.parse((await runCli(['cat', '--json', '--dir', directory, url])).stdout)
  assert.deepEqual(Buffer.from(raw.body, 'base64'), gzipSync(body))
  assert.deepEqual(await runCli(['cat', '--dir', directory, 'https://a.example/empty']), {
    code: 0,
    stdout: '',
    stderr: '',
  })
  const missing = await runCli(['cat', '--dir', directory, 'https://a.example/none'])
  assert.deepEqual([missing.code, missing.stdout], [1, ''])
})

test('stats counts what is there, by origin, status and content type', async () => {
  const directory = await mixed()
  const { code, stdout } = await runCli(['stats', '--json', '--dir', directory])
  const { oldest, newest, ...document } = JSON.parse(stdout)
  assert.equal(code, 0)
  assert.ok(oldest <= newest)
  assert.deepEqual(document, {
    directory,
    openIn: [],
    entries: 4,
    urls: 4,
    bodies: 4,
    bodyBytes: 10_017,
    diskBytes: 73_728,
    fresh: 2,
    stale: 1,
    validate: 1,
    answered: null,
    byOrigin: [
      { name: 'https://a.example', entries: 2, size: 40_960 },
      { name: 'https://b.example', entries: 2, size: 32_768 },
    ],
    byStatus: [
      { name: '200', entries: 3, size: 57_344 },
      { name: '404', entries: 1, size: 16_384 },
    ],
    byContentType: [
      { name: 'none', entries: 2, size: 40_960 },
      { name: 'text/plain', entries: 2, size: 32_768 },
    ],
  })
  assert.match((await runCli(['stats', '--dir', directory])).stdout, /4 entries of 4 URLs, 72\.0 KiB on disk/)
})

test('stats tells what processes have noted of their hits and misses', async () => {
  const directory = await mixed()
  const stretch = { from: Date.parse('2026-11-26T00:00Z'), to: Date.parse('2026-11-26T01:00Z') }
  const counts = { hits: 30, misses: 10, bytesServed: 3072, bytesFromNetwork: 1024 }
  await appendHistory(new Layout(directory), { ...stretch, ...counts }, false)
  const { answered } = JSON.parse((await runCli(['stats', '--json', '--dir', directory])).stdout)
  const { columns, ...told } = answered
  assert.deepEqual(told, { since: '2026-11-26T00:00:00.000Z', until: '2026-11-26T01:00:00.000Z', ...counts })
  assert.equal(columns.length, 48)
  const { stdout } = await runCli(['stats', '--dir', directory])
  assert.match(stdout, /30 hits and 10 misses \(75\.0 %\) since 2026-11-26/)
  assert.match(stdout, /3\.00 KiB handed out, 1\.00 KiB from the network/)
})

async function everyFile(directory: string): Promise<string[]> {
  const found = await readdir(directory, { recursive: true })
  const states = found.map(async (name) => {
    const { mtimeMs, size, mode } = await stat(join(directory, name))
    return `${name} ${mtimeMs} ${size} ${mode}`
  })
  return (await Promise.all(states)).sort()
}

test('looking changes nothing, not even what a manager would clean up', async () => {
  const directory = await mixed()
  const orphan = join(directory, 'content-v2/sha256/ab/cd')
  await mkdir(orphan, { recursive: true })
  await writeFile(join(orphan, 'ef'.repeat(30)), 'nobody needs it')
  await writeFile(join(directory, 'tmp/nobody'), 'nobody writes it')
  const before = await everyFile(directory)
  for (const args of [
    ['ls'],
    ['show', 'https://a.example/one'],
    ['cat', 'https://a.example/one'],
    ['stats'],
    ['verify', '--dry-run'],
    ['purge', '--all', '--dry-run'],
    ['report', '-o', '-'],
  ])
    await runCli([...args, '--dir', directory])
  assert.deepEqual(await everyFile(directory), before)
})

test('an empty cache has no entries, and a folder that is none is no cache', async () => {
  const directory = await seeded({})
  assert.equal((await runCli(['ls', '--dir', directory])).code, 1)
  assert.equal((await runCli(['stats', '--dir', directory])).code, 0)
  const other = await temporaryDirectory()
  assert.equal((await runCli(['stats', '--dir', other])).code, 1)
  assert.deepEqual(await readdir(other), [])
  assert.equal(await readFile(join(directory, 'snapshot'), 'utf8').catch(() => ''), '')
})
