/** Writing and reading one body: whole, checked, and without a trace when it is given up. */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import fs, { readFileSync, statSync } from 'node:fs'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { BodyReader, Reading } from '../../src/content-store/body-reader.ts'
import { BodyWriter, WRITE_QUEUE_BYTES } from '../../src/content-store/body-writer.ts'
import { WaitingBytes, Writing } from '../../src/content-store/writing.ts'
import { Descriptors } from '../../src/content-store/descriptors.ts'
import { CHUNK_SIZE, compactChecksums } from '../../src/stored-response.ts'
import { leftovers, temporaryDirectory } from '../helpers/directory.ts'
import { exportMocks } from '../helpers/mocks.ts'

const descriptors = new Descriptors({ maxOpenFiles: 8, maxOpenDelay: 1000 })
const quick = new Reading(descriptors)
/** Every call is slow for it, so that nearly all go through the pool. */
const patient = new Reading(descriptors, -1)
const waitingBytes = new WaitingBytes(2 ** 24)
const writing = new Writing(descriptors, waitingBytes)
const patientWriting = new Writing(descriptors, waitingBytes, -1)

/** A descriptor is given back when the system has closed it, which is a callback of its own. */
async function assertGivenBack(): Promise<void> {
  for (let turn = 0; turn < 10_000 && descriptors.held > 0; turn++) await nextTurn()
  assert.equal(descriptors.held, 0, 'every descriptor was given back')
}

test.afterEach(assertGivenBack)

test('whatever pieces a body comes in, length, digest and chunk checksums are those of the whole', async () => {
  const directory = await temporaryDirectory()
  let count = 0
  const size = fc.oneof(
    fc.integer({ min: 0, max: 200_000 }),
    fc.constantFrom(0, 1, CHUNK_SIZE - 1, CHUNK_SIZE, CHUNK_SIZE + 1),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(size, { maxLength: 6 }), async (sizes) => {
      const path = join(directory, String(count++))
      const writer = new BodyWriter(path, count % 2 === 0 ? writing : patientWriting)
      const pieces = sizes.map((length) => randomBytes(length))
      for (const piece of pieces)
        if (!writer.write(piece)) await new Promise<void>((resolve) => void (writer.onDrain = resolve))
      const body = await writer.finish()
      const whole = Buffer.concat(pieces)
      const chunks = Array.from({ length: Math.ceil(whole.length / CHUNK_SIZE) }, (_, i) =>
        whole.subarray(i * CHUNK_SIZE, (i + 1) * CHUNK_SIZE),
      )
      assert.deepEqual(body, {
        size: whole.length,
        sha256: createHash('sha256').update(whole).digest('hex'),
        checksums: compactChecksums(chunks.map((chunk) => crc32(chunk))),
      })
      assert.deepEqual(await readFile(path), whole)
      for (const reading of [quick, patient]) {
        const reader = await BodyReader.open(path, body, reading)
        const read: Buffer[] = []
        for (let chunk = await reader.next(); chunk !== undefined; chunk = await reader.next()) read.push(chunk)
        reader.close()
        assert.deepEqual(Buffer.concat(read), whole)
        assert.deepEqual(
          read.map((chunk) => chunk.length),
          chunks.map((chunk) => chunk.length),
        )
      }
    }),
    { numRuns: 50 },
  )
  assert.equal((await leftovers(directory)).descriptors, 0)
})

test('write says when the disk is behind, and onDrain when it has caught up', async () => {
  const writer = new BodyWriter(join(await temporaryDirectory(), 'body'), writing)
  assert.equal(writer.write(Buffer.alloc(WRITE_QUEUE_BYTES - 1)), true)
  const drained = new Promise<void>((resolve) => void (writer.onDrain = resolve))
  assert.equal(writer.write(Buffer.alloc(1)), false)
  await drained
  assert.equal(writer.write(Buffer.alloc(1)), true)
  assert.equal((await writer.finish())?.size, WRITE_QUEUE_BYTES + 1)
})

/** A writer whose file is open, and which nothing waits for. */
async function startWriter(path: string, by: Writing): Promise<BodyWriter> {
  const writer = new BodyWriter(path, by)
  writer.write(Buffer.alloc(1))
  await new Promise<void>((resolve) => void (writer.onDrain = resolve))
  return writer
}

test('a quick disk has each chunk at once, and memory nothing of it', async () => {
  const path = join(await temporaryDirectory(), 'body')
  const writer = await startWriter(path, new Writing(descriptors, waitingBytes, Infinity))
  for (let i = 1; i <= 20; i++) {
    assert.equal(writer.write(Buffer.alloc(CHUNK_SIZE, i)), true)
    assert.equal(statSync(path).size, i * CHUNK_SIZE + 1)
    assert.ok(writer.memory <= CHUNK_SIZE)
  }
  assert.equal(writer.blockedMs, 0)
  // What would be a stall by its size alone waits for the pool.
  assert.equal(writer.write(Buffer.alloc(4 * CHUNK_SIZE + 1)), true)
  assert.ok(writer.memory > 4 * CHUNK_SIZE)
  const body = await writer.finish()
  assert.equal(body?.size, 24 * CHUNK_SIZE + 2)
  assert.equal(body.sha256, createHash('sha256').update(readFileSync(path)).digest('hex'))
})

test('after a slow write the pool has the next ones, and the time is told', async (t) => {
  const path = join(await temporaryDirectory(), 'body')
  const writer = await startWriter(path, new Writing(descriptors, waitingBytes, -1))
  const calls = t.mock.method(fs, 'writeSync').mock
  exportMocks(t)
  const drained = async (): Promise<void> => {
    const drain = new Promise<void>((resolve) => void (writer.onDrain = resolve))
    writer.write(Buffer.alloc(10))
    await drain
  }
  writer.write(Buffer.alloc(10))
  assert.equal(calls.callCount(), 1)
  const { blockedMs } = writer
  assert.ok(blockedMs > 0)
  for (let i = 0; i < 16; i++) await drained()
  assert.equal(calls.callCount(), 1)
  writer.write(Buffer.alloc(10))
  assert.equal(calls.callCount(), 2)
  assert.ok(writer.blockedMs > blockedMs)
  assert.equal((await writer.finish())?.size, 1 + 18 * 10)
})

test('what the system does not take at once waits for the rest; what it refuses is a failure', async (t) => {
  const directory = await temporaryDirectory()
  const [short, refused] = [
    await startWriter(join(directory, 'short'), writing),
    await startWriter(join(directory, 'refused'), writing),
  ]
  const { writeSync } = fs
  const disk: { refusal?: Error } = {}
  t.mock.method(fs, 'writeSync', (descriptor: number, bytes: Buffer) => {
    if (disk.refusal !== undefined) throw disk.refusal
    return writeSync(descriptor, bytes.subarray(0, 3))
  })
  exportMocks(t)
  short.write(Buffer.from('0123456789'))
  const body = await short.finish()
  assert.equal(readFileSync(join(directory, 'short'), 'latin1'), '\u00000123456789')
  assert.equal(body?.size, 11)

  disk.refusal = Object.assign(new Error('no space'), { code: 'ENOSPC' })
  let told = 0
  refused.onFailure = () => told++
  assert.equal(refused.write(Buffer.from('0123456789')), true)
  assert.equal(refused.failure, disk.refusal)
  assert.equal(told, 1)
  assert.equal(await refused.finish(), undefined)
  assert.deepEqual(await readdir(directory), ['short'])
})

test('given up before, in the middle of and after writing, a body leaves no file and no descriptor', async () => {
  const directory = await temporaryDirectory()
  const stages: ((writer: BodyWriter) => Promise<unknown>)[] = [
    async () => {},
    async (writer) => writer.write(Buffer.alloc(100_000)),
    async (writer) => {
      writer.write(Buffer.alloc(100_000))
      await new Promise<void>((resolve) => void (writer.onDrain = resolve))
    },
    async (writer) => {
      writer.write(Buffer.alloc(100_000))
      await writer.finish()
    },
  ]
  for (const [i, stage] of stages.entries()) {
    const writer = new BodyWriter(join(directory, `tmp/../${i}`), writing)
    await stage(writer)
    await writer.abort(new Error('given up'))
    await writer.abort(new Error('again'))
    assert.equal(writer.write(Buffer.alloc(1)), true, 'what still comes is taken and dropped')
  }
  assert.deepEqual(await readdir(directory), [])
  assert.equal((await leftovers(directory)).descriptors, 0)
})

test('a disk that does not take it is a failure that says why, never a throw', async () => {
  const file = join(await temporaryDirectory(), 'file')
  await writeFile(file, 'in the way')
  const writer = new BodyWriter(join(file, 'body'), writing)
  assert.equal(writer.write(Buffer.alloc(10)), true)
  assert.equal(await writer.finish(), undefined)
  assert.ok(writer.failure instanceof Error && 'code' in writer.failure)
  assert.equal(writer.failure.code, 'ENOTDIR')
})

for (const [how, reading] of Object.entries({ quick, patient })) {
  test(`a reader that is closed while it reads closes its descriptor afterwards: ${how} disk`, async () => {
    const directory = await temporaryDirectory()
    const path = join(directory, 'body')
    const writer = new BodyWriter(path, writing)
    writer.write(randomBytes(300_000))
    const body = await writer.finish()
    assert.ok(body)
    const reader = await BodyReader.open(path, body, reading)
    await reader.next()
    const next = reader.next()
    reader.close()
    await next
    assert.equal(await reader.next(), undefined)
    await assertGivenBack()
    assert.equal((await leftovers(directory)).descriptors, 0)
  })
}

test('a large body that is read at once lets the event loop go on, too', async () => {
  const path = join(await temporaryDirectory(), 'body')
  const writer = new BodyWriter(path, writing)
  const piece = Buffer.alloc(WRITE_QUEUE_BYTES)
  for (let i = 0; i < 64; i++) {
    if (!writer.write(piece)) await new Promise<void>((resolve) => void (writer.onDrain = resolve))
  }
  const body = await writer.finish()
  assert.ok(body)
  // Never slow: nothing goes through the pool, whose answers would be turns of their own.
  const reader = await BodyReader.open(path, body, new Reading(descriptors, Infinity))
  let turns = 0
  let isReading = true
  const count = (): void => {
    turns++
    if (isReading) setImmediate(count)
  }
  setImmediate(count)
  while ((await reader.next()) !== undefined);
  isReading = false
  reader.close()
  assert.ok(turns > 1, `${turns} turns`)
})
