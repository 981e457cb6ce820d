/** `verify`: every kind of damage is found, dropped, and not found again. */
import assert from 'node:assert/strict'
import { appendFile, mkdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { startCache } from '../helpers/cache.ts'
import { runCli, seeded } from '../helpers/cli.ts'
import { filesIn, leftovers } from '../helpers/directory.ts'
import { onDisk } from '../helpers/processes.ts'

const FRESH = { 'cache-control': 'max-age=100000' }
const SIZE = 200_000

function three(): Promise<string> {
  return seeded(
    Object.fromEntries(
      ['a', 'b', 'c'].map((name) => [`https://${name}.example/`, { headers: FRESH, body: name.repeat(SIZE) }]),
    ),
  )
}

/** The content file of the body that begins so. */
async function contentOf(directory: string, letter: string): Promise<string> {
  for (const file of await filesIn(directory, 'content-v2'))
    if ((await readFile(file, 'latin1')).startsWith(letter)) return file
  throw new Error(`no content of ${letter}`)
}

async function bucketOf(directory: string, key: string): Promise<string> {
  for (const file of await filesIn(directory, 'index-v5')) if ((await readFile(file, 'utf8')).includes(key)) return file
  throw new Error(`no bucket of ${key}`)
}

interface Problem {
  readonly kind: string
  readonly name: string
  readonly isRepaired: boolean
}

async function verify(directory: string, ...args: string[]): Promise<{ code: number | null; problems: Problem[] }> {
  const { code, stdout } = await runCli(['verify', '--json', '--dir', directory, ...args])
  return { code, problems: JSON.parse(stdout).problems }
}

test('an undamaged directory has nothing wrong', async () => {
  const directory = await three()
  const { code, stdout, stderr } = await runCli(['verify', '--dir', directory])
  assert.deepEqual([code, stdout, stderr], [0, '3 records, 586 KiB read: nothing wrong\n', ''])
})

const DAMAGES: Readonly<Record<string, (directory: string) => Promise<void>>> = {
  'a flipped bit in the last chunk': async (directory) => {
    const file = await contentOf(directory, 'b')
    const bytes = await readFile(file)
    bytes[SIZE - 1] = 0x63
    await writeFile(file, bytes)
  },
  'a short body': async (directory) => await truncate(await contentOf(directory, 'b'), SIZE - 1),
  'a missing body': async (directory) => await rm(await contentOf(directory, 'b')),
  'a folder in the place of a body': async (directory) => {
    const file = await contentOf(directory, 'b')
    await rm(file)
    await mkdir(file)
  },
  'a torn bucket': async (directory) => {
    const file = await bucketOf(directory, 'https://b.example/')
    await truncate(file, 200)
  },
  'a bucket of another key': async (directory) => {
    const file = await bucketOf(directory, 'https://b.example/')
    await writeFile(file, await readFile(await bucketOf(directory, 'https://a.example/')))
  },
}

for (const [name, damage] of Object.entries(DAMAGES)) {
  test(`${name} is found, dropped, and its neighbours stay`, async () => {
    const directory = await three()
    await damage(directory)
    const dry = await verify(directory, '--dry-run')
    assert.equal(dry.code, 1)
    assert.ok(dry.problems.length > 0 && dry.problems.every(({ isRepaired }) => !isRepaired))
    const found = await verify(directory)
    assert.equal(found.code, 1)
    assert.deepEqual(
      found.problems.map(({ kind, name, isRepaired }) => [kind, name, isRepaired]),
      dry.problems.map(({ kind, name }) => [kind, name, true]),
    )
    assert.deepEqual(await verify(directory), { code: 0, problems: [] })
    assert.deepEqual(await onDisk(directory), { buckets: 2, contents: 2, temporary: 0 })
    const { stdout } = await runCli(['cat', '--dir', directory, 'https://c.example/'])
    assert.equal(stdout, 'c'.repeat(SIZE))
  })
}

test('a body whose checksums are right and whose digest is another is found', async () => {
  const directory = await three()
  const file = await bucketOf(directory, 'https://b.example/')
  const a = await contentOf(directory, 'a')
  const b = await contentOf(directory, 'b')
  // The record of b names a's bytes by b's digest: only the whole digest tells.
  const { formatBucket, parseBucket } = await import('../../src/content-store/bucket.ts')
  const [ofA] = parseBucket(await readFile(await bucketOf(directory, 'https://a.example/'), 'utf8'))
  const [ofB] = parseBucket(await readFile(file, 'utf8'))
  assert.ok(ofA && ofB)
  await writeFile(file, formatBucket([{ ...ofB, body: { ...ofA.body, sha256: ofB.body.sha256 } }]))
  await writeFile(b, await readFile(a))
  const { problems } = await verify(directory)
  assert.deepEqual(
    problems.map(({ kind, name }) => [kind, name]),
    [['body', 'https://b.example/']],
  )
  assert.deepEqual(await verify(directory), { code: 0, problems: [] })
})

test('garbage after a whole record costs the garbage only', async () => {
  const directory = await three()
  await appendFile(await bucketOf(directory, 'https://b.example/'), '\ngarbage\n\tmore')
  const { problems } = await verify(directory)
  assert.deepEqual(
    problems.map(({ kind }) => kind),
    ['bucket'],
  )
  assert.deepEqual(await verify(directory), { code: 0, problems: [] })
  assert.equal((await leftovers(directory)).buckets, 3)
})

test('bodies without a record and abandoned files are found and go', async () => {
  const directory = await three()
  const orphan = join(directory, 'content-v2/sha256/ab/cd', 'ef'.repeat(30))
  await mkdir(dirname(orphan), { recursive: true })
  await writeFile(orphan, 'nobody needs it')
  await writeFile(join(directory, 'tmp/nobody'), 'nobody writes it')
  const { problems } = await verify(directory)
  assert.deepEqual(problems.map(({ kind, isRepaired }) => `${kind} ${isRepaired}`).sort(), [
    'orphan true',
    'temporary true',
  ])
  assert.deepEqual(await onDisk(directory), { buckets: 3, contents: 3, temporary: 0 })
})

test('beside a process that has the directory open, damage goes and it fetches anew', async (t) => {
  const cache = await startCache(t)
  for (const name of ['a', 'b'])
    await cache.manager.put(`https://${name}.example/`, { headers: FRESH, body: name.repeat(SIZE) })
  await truncate(await contentOf(cache.directory, 'b'), 5)
  const { problems } = await verify(cache.directory)
  assert.deepEqual(
    problems.map(({ kind, isRepaired }) => [kind, isRepaired]),
    [['body', true]],
  )
  await cache.manager.runPendingTasks()
  assert.equal(await cache.manager.get('https://b.example/'), undefined)
  assert.equal((await cache.manager.get('https://a.example/'))?.bodySize, SIZE)
  assert.deepEqual(await verify(cache.directory), { code: 0, problems: [] })
})

test('interrupted, verify changes nothing', async () => {
  const directory = await three()
  await truncate(await contentOf(directory, 'b'), 5)
  const { code, stderr } = await runCli(['verify', '--dir', directory], { signal: AbortSignal.abort() })
  assert.deepEqual([code, stderr], [130, 'interrupted\n'])
  assert.deepEqual(await onDisk(directory), { buckets: 3, contents: 3, temporary: 0 })
})
