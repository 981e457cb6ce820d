/** What is shown and what is not: credentials, control characters, numbers for people, progress. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Progress } from '../../src/cli/progress.ts'
import { redactFields, redactText, toJson, visible } from '../../src/cli/redaction.ts'
import { humanDuration, humanSize, parseSize } from '../../src/cli/units.ts'
import { runCli, seeded } from '../helpers/cli.ts'

test('credentials in URLs are redacted, whatever they are called', () => {
  for (const [text, expected] of [
    ['https://user:pass@a.example/', 'https://REDACTED@a.example/'],
    ['https://user@a.example/', 'https://REDACTED@a.example/'],
    ['https://a.example/?token=abc&page=2', 'https://a.example/?token=REDACTED&page=2'],
    ['https://a.example/?page=2&%74oken=abc#x', 'https://a.example/?page=2&%74oken=REDACTED#x'],
    [
      'https://a.example/?access_token=a&Api-Key=b&api_key=c',
      'https://a.example/?access_token=REDACTED&Api-Key=REDACTED&api_key=REDACTED',
    ],
    [
      'https://a.example/?X-Amz-Signature=a&X-Amz-Credential=b&sig=c',
      'https://a.example/?X-Amz-Signature=REDACTED&X-Amz-Credential=REDACTED&sig=REDACTED',
    ],
    [
      'https://a.example/?client_secret=a&password=b&code=c&sessionId=d',
      'https://a.example/?client_secret=REDACTED&password=REDACTED&code=REDACTED&sessionId=REDACTED',
    ],
    ['https://a.example/#access_token=abc', 'https://a.example/#access_token=REDACTED'],
    ['https://a.example/#partition=me', 'https://a.example/#partition=REDACTED'],
    ['https://a.example/?a;token=b', 'https://a.example/?a;token=REDACTED'],
    ['<https://a.example/?key=abc>; rel="next"', '<https://a.example/?key=REDACTED>; rel="next"'],
    ['https://a.example/?author=x&keyword=y&monkey=z', 'https://a.example/?author=x&keyword=y&monkey=z'],
    ['https://a.example/eyJhbGciOi.eyJzdWIi.c2ln', 'https://a.example/REDACTED'],
    ['https://a.example/a@b', 'https://a.example/a@b'],
    ['https://a.example/?%E0%A4%A=x&secret=y', 'https://a.example/?%E0%A4%A=x&secret=REDACTED'],
  ] as const)
    assert.equal(redactText(text), expected)
})

test('values of headers that may be credentials are redacted', () => {
  const fields = {
    'set-cookie': ['a=1', 'b=2'],
    authorization: 'Bearer abcdefgh',
    'x-api-key': 'k',
    'x-auth-user': 'u',
    'x-csrf-token': 't',
    location: 'https://a.example/?token=abc',
    'x-echo': 'Bearer abcdefgh',
    'content-type': 'text/html',
  }
  assert.deepEqual(redactFields(fields), {
    'set-cookie': ['REDACTED', 'REDACTED'],
    authorization: 'REDACTED',
    'x-api-key': 'REDACTED',
    'x-auth-user': 'REDACTED',
    'x-csrf-token': 'REDACTED',
    location: 'https://a.example/?token=REDACTED',
    'x-echo': 'Bearer REDACTED',
    'content-type': 'text/html',
  })
})

test('no command shows a credential, but with --reveal', async () => {
  const url = 'https://a.example/?token=SECRET1'
  const directory = await seeded({
    [url]: {
      headers: { 'set-cookie': 'sid=SECRET2', 'x-api-key': 'SECRET3', location: '/?sig=SECRET4' },
      body: 'body',
    },
    'https://a.example/#partition=SECRET5': { body: 'mine' },
  })
  const commands = [
    ['ls'],
    ['show', url],
    ['cat', url, '--json'],
    ['stats'],
    ['report', '-o', '-'],
    ['purge', '--all', '--dry-run'],
  ]
  for (const args of [...commands, ...commands.map((args) => [...args, '--json'])]) {
    const { stdout, stderr } = await runCli([...args, '--dir', directory])
    assert.doesNotMatch(stdout + stderr, /SECRET/, args.join(' '))
  }
  const missing = await runCli(['show', 'https://a.example/?token=SECRET', '--dir', directory])
  assert.doesNotMatch(missing.stdout + missing.stderr, /SECRET/)
  const revealed = await runCli(['show', url, '--reveal', '--dir', directory])
  for (const secret of ['SECRET1', 'SECRET2', 'SECRET3', 'SECRET4']) assert.ok(revealed.stdout.includes(secret))
})

test('control characters reach no terminal', async () => {
  assert.equal(visible('a\u001b[31m\u009b\u202eb\u200d'), String.raw`a\x1b[31m\x9b\u{202e}b\u{200d}`)
  assert.equal(toJson('a\u001b\u009b\u202e'), String.raw`"a\u001b\u009b\u202e"`)
  const key = 'https://a.example/\u001b]0;title\u0007\u009b2J'
  const directory = await seeded({ [key]: { headers: { 'x-a': '\u001b[2J' }, body: 'body' } })
  for (const args of [
    ['ls'],
    ['show', key],
    ['stats'],
    ['report', '-o', '-'],
    ['ls', '--json'],
    ['show', key, '--json'],
  ]) {
    const { stdout, stderr } = await runCli([...args, '--dir', directory])
    // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
    assert.doesNotMatch(stdout + stderr, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/, args.join(' '))
  }
})

test('sizes and durations as people write them', () => {
  assert.deepEqual([0, 999, 1000, 1024, 10_239, 1_048_575, 1_048_576, 5 * 1024 ** 4].map(humanSize), [
    '0 B',
    '999 B',
    '0.98 KiB',
    '1.00 KiB',
    '10.0 KiB',
    '1.00 MiB',
    '1.00 MiB',
    '5.00 TiB',
  ])
  assert.deepEqual([0, 1, 119, 120, 7199, 7200, 172_800, 63_115_200].map(humanDuration), [
    '0 s',
    '1 s',
    '119 s',
    '2 min',
    '119 min',
    '2 h',
    '2 d',
    '2 y',
  ])
  assert.deepEqual(['0', '64', '64K', '1.5 MiB', '2g', '1tb'].map(parseSize), [
    0,
    64,
    65_536,
    1_572_864,
    2 * 1024 ** 3,
    1024 ** 4,
  ])
  for (const text of ['', 'x', '-1', '1P', '1e3', '99999999T']) assert.throws(() => parseSize(text), /size/)
})

function progress(stream: { isTTY?: boolean; columns?: number }, isQuiet = false) {
  const written: string[] = []
  const clock = { now: 0 }
  const write = (text: string) => {
    written.push(text)
    return true
  }
  const made = new Progress({
    stream: { ...stream, write },
    title: 'Working',
    unit: 'items',
    isQuiet,
    now: () => clock.now,
  })
  return { progress: made, written, clock }
}

test('a terminal sees a bar with rate and time left, ten times a second at most, and it goes', () => {
  const { progress: bar, written, clock } = progress({ isTTY: true, columns: 100 })
  for (const done of [10, 11, 50]) {
    clock.now = done * 10
    bar.update(done, 100)
  }
  bar.end()
  assert.deepEqual(written, [
    '\r\u001b[KWorking ██░░░░░░░░░░░░░░░░░░░░░░ 10 %, 10 of 100, 100/s, 1 s left',
    '\r\u001b[KWorking ████████████░░░░░░░░░░░░ 50 %, 50 of 100, 100/s, 1 s left',
    '\r\u001b[K',
  ])
})

test('a narrow terminal sees no line that wraps', () => {
  const { progress: bar, written } = progress({ isTTY: true, columns: 20 })
  bar.update(1, 3)
  assert.equal(written[0], '\r\u001b[KWorking ████████░░░')
})

test('a terminal that does not know how wide it is sees whole words', () => {
  const { progress: bar, written } = progress({ isTTY: true, columns: 0 })
  bar.update(1, 3)
  assert.match(written[0] ?? '', / 33 %, 1 of 3$/)
})

test('elsewhere there is a line for a tenth, once a second at most, and none for short work', () => {
  const { progress: lines, written, clock } = progress({})
  for (const [now, done] of [
    [500, 40],
    [1500, 45],
    [1600, 60],
    [2400, 70],
    [2600, 75],
  ] as const) {
    clock.now = now
    lines.update(done, 100)
  }
  lines.end()
  assert.deepEqual(written, [
    'Working: 45 %, 45 of 100, 30/s, 2 s left\n',
    'Working: 75 %, 75 of 100, 29/s, 1 s left\n',
  ])
  const quiet = progress({ isTTY: true }, true)
  quiet.progress.update(1, 2)
  quiet.progress.end()
  assert.deepEqual(quiet.written, [])
})
