/** How long a slow disk may hold up who writes a body, and what becomes of it when it fails. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { PendingStore } from '../../src/manager/pending-store.ts'
import { BodySink } from '../../src/undici-store/body-sink.ts'

/** A store whose disk says when it takes something. */
class Disk {
  isOpen = true
  onDrain: (() => void) | undefined
  size = 0
  blockedMs = 0
  outcome: string | undefined
  /** What `write` says, and what it does beside. */
  onWrite: () => boolean = () => true

  write(chunk: Buffer): boolean {
    this.size += chunk.length
    return this.onWrite()
  }

  async commit(): Promise<boolean> {
    this.isOpen = false
    this.outcome ??= 'commit'
    return this.outcome === 'commit'
  }

  abort(reason: string): void {
    this.isOpen = false
    this.outcome ??= reason
  }
}

interface Opened {
  readonly disk: Disk
  readonly sink: BodySink
  readonly settled: boolean[]
  readonly closed: Promise<void>
}

function open(t: TestContext, maxStoreDelay: number): Opened {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const disk = new Disk()
  const settled: boolean[] = []
  const sink = new BodySink({
    pending: disk as unknown as PendingStore,
    declaredSize: undefined,
    maxStoreDelay,
    onSettled: (isKept) => settled.push(isKept),
  })
  const closed = new Promise<void>((resolve) => sink.once('close', resolve))
  return { disk, sink, settled, closed }
}

test('a disk that catches up in time holds the writer until then, and the body is kept', async (t) => {
  const { disk, sink, settled, closed } = open(t, 100)
  let written = 0
  disk.onWrite = () => false
  sink.write('one', () => written++)
  t.mock.timers.tick(99)
  assert.equal(written, 0)
  disk.onDrain?.()
  disk.onWrite = () => true
  sink.end('two')
  await closed
  assert.deepEqual([written, disk.outcome, settled], [1, 'commit', [true]])
})

test('one that does not is given up after maxStoreDelay: the writer goes on, and nothing is kept', async (t) => {
  const { disk, sink, settled, closed } = open(t, 100)
  let errors = 0
  sink.on('error', () => errors++)
  disk.onWrite = () => false
  sink.write('one')
  t.mock.timers.tick(99)
  assert.equal(disk.outcome, undefined)
  t.mock.timers.tick(1)
  await closed
  assert.deepEqual([disk.outcome, settled, errors], ['slow-disk', [false], 0])
})

test('one that stops everything for longer is given up, too', async (t) => {
  const { disk, sink, closed } = open(t, 100)
  disk.onWrite = () => {
    disk.blockedMs += 50
    return true
  }
  sink.write('one')
  sink.write('two')
  assert.equal(disk.outcome, undefined)
  sink.write('three')
  await closed
  assert.equal(disk.outcome, 'slow-disk')
})

test('maxStoreDelay: 0 waits for no disk', async (t) => {
  const { disk, sink, closed } = open(t, 0)
  disk.onWrite = () => false
  sink.write('one')
  t.mock.timers.tick(0)
  await closed
  assert.equal(disk.outcome, 'slow-disk')
})

test('a disk that fails closes the stream, while it is written to and while it is waited for', async (t) => {
  const { disk, sink, settled, closed } = open(t, 100)
  let errors = 0
  sink.on('error', () => errors++)
  disk.onWrite = () => {
    // The store tells who waits that it has given up.
    queueMicrotask(() => {
      disk.abort('failed')
      disk.onDrain?.()
    })
    return false
  }
  sink.write('one')
  await closed
  assert.deepEqual([disk.outcome, settled, errors], ['failed', [false], 0])
})
