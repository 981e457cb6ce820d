/** A body that arrives once and is read by many: bytes, bounds, and what happens when it cannot be stored. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { BodyWriter } from '../../src/content-store/body-writer.ts'
import { WaitingBytes, Writing } from '../../src/content-store/writing.ts'
import { Descriptors } from '../../src/content-store/descriptors.ts'
import type { DispatchController } from '../../src/interceptor/dispatch.ts'
import { Exchange } from '../../src/interceptor/exchange.ts'
import type { Lost } from '../../src/interceptor/flight-reader.ts'
import { BodyTee } from '../../src/interceptor/body-tee.ts'
import { NetworkSource } from '../../src/interceptor/network-source.ts'
import { SharedBody } from '../../src/interceptor/shared-body.ts'
import { PendingStore } from '../../src/manager/pending-store.ts'
import type { StoredHead } from '../../src/policy/storing.ts'
import { temporaryDirectory } from '../helpers/directory.ts'

const MIB = 1_048_576

interface RigOptions {
  readonly maxBodySize?: number
  readonly maxDelay?: number
  /** The disk takes nothing. */
  readonly isBroken?: boolean
}

/** A shared body on a real writer, and a network that stops when it is held. */
async function startRig({ maxBodySize = Infinity, maxDelay = 60_000, isBroken = false }: RigOptions = {}) {
  const directory = await temporaryDirectory()
  const descriptors = new Descriptors({ maxOpenFiles: 4, maxOpenDelay: 1000 })
  if (isBroken) await writeFile(join(directory, 'tmp'), 'a file in the way')
  const path = join(directory, 'tmp', 'body')
  const waitingBytes = new WaitingBytes(Infinity)
  const writing = new Writing(descriptors, waitingBytes)
  const pending: PendingStore = new PendingStore({
    head: {} as StoredHead,
    declaredSize: undefined,
    maxBodySize,
    waitingBytes,
    queue: { mayCome: () => true, leave: () => false },
    createWriter: () => new BodyWriter(path, writing),
    onEnd: async ({ writer }, outcome) => {
      if (outcome === 'commit') return writer === undefined || (await writer.finish()) !== undefined
      await writer?.abort(outcome)
      return false
    },
  })
  let isPaused = false
  let onResume: (() => void) | undefined
  const controller: DispatchController = {
    aborted: false,
    reason: null,
    get paused() {
      return isPaused
    },
    abort: () => {},
    pause: () => void (isPaused = true),
    resume: () => {
      isPaused = false
      onResume?.()
    },
  }
  const source = new NetworkSource(controller)
  const tee = new BodyTee(pending, source, 60_000)
  let deserted = 0
  const body = new SharedBody(pending, source, { size: 0, isHeld: false, maxDelay, onDeserted: () => void deserted++ })
  body.expect(false)
  deserted = 0
  let peak = 0
  const gauge = () => void (peak = Math.max(peak, body.memory))
  return {
    body,
    pending,
    path,
    descriptors,
    gauge,
    peak: () => peak,
    deserted: () => deserted,
    isHeld: () => isPaused,
    async push(chunk: Buffer) {
      while (controller.paused) await new Promise<void>((resolve) => void (onResume = resolve))
      tee.write(chunk)
      body.push(chunk)
      gauge()
    },
    finish() {
      tee.commit()
      body.finish({}, [])
    },
    async settle() {
      while (descriptors.held > 0) await turn()
    },
  }
}

class Consumer {
  readonly chunks: Buffer[] = []
  readonly exchange: Exchange
  readonly ended: Promise<'end' | Error>
  lost: Lost | undefined
  received = 0
  onData: (() => void) | undefined

  constructor() {
    const { promise, resolve } = Promise.withResolvers<'end' | Error>()
    this.ended = promise
    this.exchange = new Exchange({
      onResponseData: (_, chunk) => {
        this.chunks.push(chunk)
        this.received += chunk.length
        this.onData?.()
      },
      onResponseEnd: () => resolve('end'),
      onResponseError: (_, error) => resolve(error),
    })
  }

  get bytes(): Buffer {
    return Buffer.concat(this.chunks)
  }

  follow(body: SharedBody, { start = 0, end = Infinity, isBound = false, isLeader = false } = {}): this {
    const onLost = (lost: Lost) => {
      this.lost = lost
      return false
    }
    this.exchange.start(null)
    body.follow({
      exchange: this.exchange,
      start,
      end,
      isLeader,
      isSummed: true,
      onLost: isBound ? undefined : onLost,
    })
    return this
  }
}

test('64 MiB and 50 consumers of different speed take less than 1 MiB, and one descriptor', async () => {
  const rig = await startRig()
  const chunk = randomBytes(65_536)
  const whole = crc32(Buffer.concat(Array.from({ length: 1024 }, () => chunk)))
  const consumers = Array.from({ length: 50 }, () => new Consumer())
  const sums = consumers.map((consumer, i) => {
    let sum = 0
    consumer.onData = () => {
      for (const each of consumer.chunks.splice(0)) sum = crc32(each, sum)
      rig.gauge()
      if (i === 0) return
      consumer.exchange.pause()
      // From one that is done in a turn to one that takes as many as there are chunks, and one that waits for all.
      let turns = i === 49 ? Infinity : i
      const wait = () => {
        if (turns === Infinity ? rig.body.isEndAt(1024 * 65_536) : turns-- <= 0) consumer.exchange.resume()
        else setImmediate(wait)
      }
      wait()
    }
    return () => sum
  })
  for (const consumer of consumers) consumer.follow(rig.body)
  for (let i = 0; i < 1024; i++) {
    await rig.push(Buffer.from(chunk))
    if (i % 8 === 0) await turn()
    assert.ok(rig.descriptors.held <= 1)
  }
  rig.finish()
  for (const [i, consumer] of consumers.entries()) {
    assert.equal(await consumer.ended, 'end')
    assert.equal(sums[i]?.(), whole)
  }
  assert.ok(rig.peak() < MIB, `${rig.peak()} bytes`)
  await rig.settle()
})

test('the only one left holds the network itself; with another it flows', async () => {
  const rig = await startRig()
  const [first, second] = [new Consumer().follow(rig.body), new Consumer().follow(rig.body)]
  first.exchange.pause()
  assert.equal(rig.isHeld(), false)
  second.exchange.abort(new Error('left'))
  assert.equal(rig.isHeld(), true)
  const third = new Consumer().follow(rig.body)
  assert.equal(rig.isHeld(), false)
  await rig.push(Buffer.from('bytes'))
  third.exchange.abort(new Error('left'))
  assert.equal(rig.isHeld(), true)
  first.exchange.resume()
  assert.equal(rig.isHeld(), false)
  assert.equal(rig.deserted(), 0)
  first.exchange.abort(new Error('left'))
  assert.equal(rig.deserted(), 1)
  rig.finish()
  await rig.settle()
})

for (const isBroken of [true, false]) {
  const why = isBroken ? 'the disk takes nothing' : 'it turns out too large'
  const options = { isBroken, ...(isBroken ? {} : { maxBodySize: MIB }) }
  const chunks = Array.from({ length: 64 }, () => randomBytes(65_536))

  test(`when ${why}, one that stalls is waited for a while and then lost; the others get all`, async () => {
    const rig = await startRig({ ...options, maxDelay: 50 })
    const [quick, stalled] = [new Consumer().follow(rig.body), new Consumer()]
    stalled.onData = () => stalled.exchange.pause()
    stalled.follow(rig.body)
    for (const chunk of chunks) {
      await rig.push(chunk)
      // The disk is given the time to say what it says.
      await turn()
    }
    rig.finish()
    assert.equal(await quick.ended, 'end')
    assert.ok(quick.bytes.equals(Buffer.concat(chunks)))
    // What the disk has it reads first.
    stalled.onData = undefined
    stalled.exchange.resume()
    assert.match(String(await stalled.ended), /gone on without/)
    assert.ok(stalled.received >= (isBroken ? 65_536 : MIB))
    assert.ok(stalled.bytes.equals(Buffer.concat(chunks).subarray(0, stalled.received)))
    assert.deepEqual(stalled.lost?.rest, { start: stalled.received, end: Infinity })
    assert.equal(stalled.lost?.checksum, crc32(stalled.bytes))
    assert.ok(rig.peak() < MIB, `${rig.peak()} bytes`)
    await rig.settle()
  })

  test(`when ${why}, one that nobody else could serve is waited for`, async () => {
    const rig = await startRig({ ...options, maxDelay: 0 })
    const [quick, slow] = [new Consumer().follow(rig.body), new Consumer()]
    slow.onData = () => {
      slow.exchange.pause()
      setImmediate(() => slow.exchange.resume())
    }
    slow.follow(rig.body, { isBound: true })
    for (const chunk of chunks) await rig.push(chunk)
    rig.finish()
    for (const consumer of [quick, slow]) {
      assert.equal(await consumer.ended, 'end')
      assert.ok(consumer.bytes.equals(Buffer.concat(chunks)))
    }
    assert.ok(rig.peak() < MIB, `${rig.peak()} bytes`)
    await rig.settle()
  })
}

test('damage to what is on its way to the store is not handed on', async () => {
  const rig = await startRig()
  const [first, stalled] = [new Consumer().follow(rig.body), new Consumer()]
  stalled.follow(rig.body)
  stalled.exchange.pause()
  for (let i = 0; i < 16; i++) await rig.push(randomBytes(65_536))
  while (rig.pending.memory > 0) await turn()
  await writeFile(rig.path, 'damage', { flag: 'r+' })
  stalled.exchange.resume()
  assert.match(String(await stalled.ended), /is damaged/)
  assert.equal(stalled.received, 0)
  assert.equal(stalled.lost?.rest.start, 0)
  rig.finish()
  assert.equal(await first.ended, 'end')
  await rig.settle()
})

type Step =
  | { readonly does: 'push'; readonly size: number }
  | { readonly does: 'join'; readonly start: number; readonly length: number }
  | { readonly does: 'pause' | 'resume' | 'abort'; readonly which: number }
  | { readonly does: 'turn' | 'too-large' }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ does: fc.constant('push' as const), size: fc.integer({ min: 1, max: 150_000 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      does: fc.constant('join' as const),
      start: fc.oneof(fc.constant(0), fc.nat(300_000)),
      length: fc.oneof(fc.constant(Infinity), fc.integer({ min: 1, max: 300_000 })),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ does: fc.constantFrom('pause' as const, 'resume', 'abort'), which: fc.nat(20) }),
  },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('turn' as const) }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('too-large' as const) }) },
)

test('whatever they do: who ends has exactly its bytes, who is lost has the beginning of them', async () => {
  const noise = randomBytes(4 * MIB)
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), fc.boolean(), async (steps, isBroken) => {
      const rig = await startRig({ isBroken, maxDelay: 1 })
      const joined: { consumer: Consumer; start: number; end: number; left?: boolean }[] = []
      const join = (start: number, end: number) => {
        joined.push({ consumer: new Consumer().follow(rig.body, { start, end }), start, end })
      }
      join(0, Infinity)
      let size = 0
      for (const each of steps) {
        const one = 'which' in each ? joined[each.which % joined.length] : undefined
        if (each.does === 'push') {
          // All paused: nothing comes, as on a network that is held.
          for (let turns = 0; rig.isHeld() && turns < 20; turns++) await turn()
          if (rig.isHeld()) continue
          const chunk = noise.subarray(size, (size += Math.min(each.size, noise.length - size)))
          if (chunk.length > 0) await rig.push(chunk)
        } else if (each.does === 'join') {
          if (rig.pending.isOpen && rig.pending.size === size) join(each.start, each.start + each.length)
        } else if (each.does === 'too-large') rig.pending.abort('too-large')
        else if (each.does === 'turn') await turn()
        else if (each.does === 'pause') one?.consumer.exchange.pause()
        else if (each.does === 'resume') one?.consumer.exchange.resume()
        else if (one !== undefined) {
          one.left = true
          one.consumer.exchange.abort(new Error('left'))
        }
      }
      rig.finish()
      for (const { consumer, start, end, left } of joined) {
        consumer.exchange.resume()
        const outcome = await consumer.ended
        const expected = noise.subarray(Math.min(start, size), Math.min(end, size))
        const { bytes, lost } = consumer
        assert.ok(bytes.equals(expected.subarray(0, bytes.length)))
        if (outcome === 'end') assert.equal(bytes.length, expected.length)
        else assert.ok(left || lost?.checksum === crc32(bytes), String(outcome))
      }
      assert.ok(rig.peak() < MIB, `${rig.peak()} bytes`)
      await rig.settle()
    }),
    { numRuns: 100 },
  )
})
