/** What can be tried of every cache on disk in the same way, in few rounds: `npm run test:faults -- --peers`. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, rm } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { diskUse, filesIn, leftovers, temporaryDirectory } from '../../helpers/directory.ts'
import { WORKER_PATHS, workerPath } from '../promises/kill.ts'
import { ANSWERS, SIZES } from '../promises/lying-origins.ts'
import { DAMAGES } from '../promises/no-wrong-byte.ts'
import { pick, seeded, type Outcome } from '../promises/promise.ts'
import { bodyOf, startProvingOrigin, stopOrigin, type ProvingOrigin } from '../promises/proving-origin.ts'
import type { OpenPeer, Peer } from './peer.ts'

export interface Trial {
  readonly name: string
  /** What counts as a failure. */
  readonly what: string
  readonly rounds: number
  readonly run: (peer: Peer, rounds: number) => Promise<Outcome>
}

/** No empty one: make-fetch-happen fails for those, damaged or not (npm/make-fetch-happen#293). */
const PATHS = ['/b-1', '/c-900', '/d-65536', '/e-65537', '/f-200000']
/** Whole where nobody lies: that they end with their connection is not against the RFC. */
const WHOLE = ['no length, and an end', 'an unknown coding, and an end', 'length and chunks']
/** Milliseconds that a request may take: some never end. */
const PATIENCE_MS = 10_000

/** Undefined when all is well. */
async function ask(cache: OpenPeer, origin: ProvingOrigin, path: string): Promise<'wrong' | 'failed' | undefined> {
  try {
    const { statusCode, bytes } = await cache.ask(origin.url + path, AbortSignal.timeout(PATIENCE_MS))
    return statusCode === 200 && bytes.equals(bodyOf(path)) ? undefined : 'wrong'
  } catch {
    return 'failed'
  }
}

async function damage(peer: Peer, rounds: number): Promise<Outcome> {
  const random = seeded(11)
  const origin = await startProvingOrigin()
  const directory = await temporaryDirectory()
  const counts = { wrong: 0, failed: 0, 'starts failed': 0, 'not healed': 0 }
  let cache = await peer.open(directory)
  for (let round = 0; round < rounds; round++) {
    for (const path of PATHS) await ask(cache, origin, path)
    await cache.settle()
    await cache.close()
    const files = await filesIn(directory, '.')
    const path = pick(random, files)
    await DAMAGES[pick(random, Object.keys(DAMAGES))]?.(random, path, files)
    try {
      cache = await peer.open(directory)
    } catch {
      counts['starts failed']++
      await rm(directory, { recursive: true, force: true })
      cache = await peer.open(await remade(directory))
    }
    for (const time of ['at once', 'again', 'healed']) {
      const before = origin.requests
      const results = await Promise.all(PATHS.map((each) => ask(cache, origin, each)))
      for (const result of results) if (result !== undefined) counts[result]++
      await cache.settle()
      if (time === 'healed' && (origin.requests > before || results.some((each) => each !== undefined)))
        counts['not healed']++
    }
  }
  await cache.close().catch(() => {})
  stopOrigin(origin)
  return { rounds, failures: linesOf(counts), counts }
}

async function killed(peer: Peer, rounds: number): Promise<Outcome> {
  const random = seeded(12)
  const origin = await startProvingOrigin()
  const directory = await temporaryDirectory()
  const worker = fileURLToPath(new URL('kill-worker.ts', import.meta.url))
  const counts = { wrong: 0, failed: 0, 'starts failed': 0, 'temporary files left': 0 }
  for (let round = 0; round < rounds; round++) {
    const child = spawn(process.execPath, ['--no-warnings', worker, peer.name, directory, origin.url, String(round)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(child.stdout, 'data')
    await new Promise((resolve) => setTimeout(resolve, 50 + random() * 200))
    child.kill('SIGKILL')
    await once(child, 'exit')
    const cache = await peer.open(directory).catch(() => undefined)
    if (cache === undefined) {
      counts['starts failed']++
      continue
    }
    for (let i = 0; i < 20; i++) {
      const result = await ask(cache, origin, workerPath(1 + Math.floor(random() * (WORKER_PATHS - 1))))
      if (result !== undefined) counts[result]++
    }
    await cache.settle()
    await cache.close()
  }
  counts['temporary files left'] = (await leftovers(directory)).temporary
  stopOrigin(origin)
  return { rounds, failures: linesOf(counts), counts }
}

async function lying(peer: Peer, rounds: number): Promise<Outcome> {
  const names = Object.keys(ANSWERS)
  let asked = 0
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.on('data', (data) => {
      asked++
      const [, n = '', size = ''] = /^GET \/(\d+)-(\d+)/.exec(data.toString('latin1')) ?? []
      ANSWERS[names[Number(n)] ?? '']?.(socket, Buffer.alloc(Number(size), 'body'))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const cache = await peer.open(await temporaryDirectory())
  const failures: string[] = []
  for (let round = 0; round < rounds; round++) {
    for (const [n, name] of names.entries()) {
      if (WHOLE.includes(name)) continue
      for (const size of SIZES) {
        const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/${n}-${size}-${round}`
        await cache.ask(url, AbortSignal.timeout(2000)).catch(() => {})
        await cache.settle()
        const before = asked
        const isServed = await cache.ask(url, AbortSignal.timeout(2000)).then(
          () => true,
          () => false,
        )
        if (isServed && asked === before) failures.push(`stored as whole: ${name}, ${size} bytes`)
      }
    }
  }
  await cache.close()
  server.close()
  return { rounds, failures, counts: { answers: rounds * (names.length - WHOLE.length) * SIZES.length } }
}

async function aborted(peer: Peer, rounds: number): Promise<Outcome> {
  const random = seeded(13)
  const origin = await startProvingOrigin()
  const directory = await temporaryDirectory()
  const cache = await peer.open(directory)
  await ask(cache, origin, PATHS[1] as string)
  await cache.settle()
  const before = await leftovers(directory)
  for (let round = 0; round < rounds; round++) {
    const controller = new AbortController()
    const asking = cache.ask(`${origin.url}/new${round}-${pick(random, [1000, 100_000, 400_000])}`, controller.signal)
    const left = asking.catch(() => {})
    for (let turns = Math.floor(random() * 30); turns > 0; turns--) await nextTurn()
    controller.abort()
    await left
  }
  await cache.settle()
  const { temporary, descriptors } = await leftovers(directory)
  const counts = {
    'temporary files left': temporary,
    'descriptors left': Math.max(0, descriptors - before.descriptors),
  }
  await cache.close()
  stopOrigin(origin)
  return { rounds, failures: linesOf(counts), counts }
}

const LIMIT = 10_000_000
const BODY = 100_000

async function limited(peer: Peer, rounds: number): Promise<Outcome> {
  const origin = await startProvingOrigin()
  const directory = await temporaryDirectory()
  const cache = await peer.open(directory, { maxSize: LIMIT, maxCount: LIMIT / BODY })
  for (let round = 0; round < rounds; round++) await ask(cache, origin, `/limited${round}-${BODY}`)
  await cache.settle()
  const size = await diskUse(directory)
  await cache.close()
  stopOrigin(origin)
  const failures = size > LIMIT * 1.1 ? [`${size} bytes on disk, ${LIMIT} asked for`] : []
  return { rounds, failures, counts: { 'bytes on disk': size } }
}

async function remade(directory: string): Promise<string> {
  await mkdir(directory)
  return directory
}

/** As many failures as were counted. */
function linesOf(counts: Readonly<Record<string, number>>): string[] {
  return Object.entries(counts).flatMap(([what, count]) => Array.from({ length: count }, () => what))
}

export const TRIALS: readonly Trial[] = [
  {
    name: 'no wrong byte',
    what: 'one file damaged while closed; bytes wrong, requests or starts failed, not healed at the third request',
    rounds: 60,
    run: damage,
  },
  {
    name: 'kill -9',
    what: 'in the middle of stores; bytes wrong, requests or starts failed, temporary files left in the end',
    rounds: 15,
    run: killed,
  },
  {
    name: 'lying origins',
    what: 'an answer that broke off or contradicts itself, stored as whole',
    rounds: 1,
    run: lying,
  },
  { name: 'aborts', what: 'callers that leave; temporary files and descriptors left', rounds: 200, run: aborted },
  { name: 'limits on disk', what: '10 MB asked for, 60 MB offered; more than a tenth over', rounds: 600, run: limited },
]
