/**
 * Four processes on one directory for some seconds, a round each: small limits, bodies that prove their URL and version,
 * invalidations by POST and delete(), and kill -9 all the while.
 */
import { readFile, stat, utimes } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { basename, dirname, join } from 'node:path'
import { StreamingManager } from '../../../src/index.ts'
import { filesIn, temporaryDirectory } from '../../helpers/directory.ts'
import { startProcess, type CacheProcess } from '../../helpers/processes.ts'
import type { FaultPromise, Outcome } from './promise.ts'

const PROCESSES = 4
/** Requests under way in each process. */
const CLIENTS = 4
const URLS = 120
const LIMITS = { maxEntries: 60, maxSize: 2_000_000 }
/** Bytes that may be in the directory beside the limit: what all clients are writing, and what followers are ahead. */
const BEING_WRITTEN = PROCESSES * CLIENTS * 160_000 + (PROCESSES * LIMITS.maxSize) / 16
/** Milliseconds after which an invalidation must have taken effect everywhere. */
const EFFECT_MS = 1000
/** What a process has invalidated so many milliseconds before its death may not have reached even its own disk. */
const LOST_MS = 20

interface Invalidation {
  readonly by: CacheProcess
  readonly version: number
  readonly at: number
}

/** Bytes that no other URL and version has, of 30 bytes to 150 KB. */
function bodyOf(path: string, version: number): string {
  const mark = `${path} version ${version};`
  return mark.padEnd(30 + ((Number(path.slice(1)) * 7919 + version * 104_729) % 500) ** 2 * 0.6, mark)
}

class Soak {
  readonly counts = { gets: 0, hits: 0, invalidations: 0, kills: 0, wrong: 0, failed: 0, outdated: 0 }
  readonly failures: string[] = []
  peak = 0
  readonly #directory: string
  readonly #versions = new Map<string, number>()
  readonly #invalidations = new Map<string, Invalidation[]>()
  #origin = ''
  processes: CacheProcess[] = []
  /** Resolves when the process of this index runs again. */
  readonly #restarts: (Promise<void> | undefined)[] = []
  #isOver = false

  constructor(directory: string) {
    this.#directory = directory
  }

  async run(seconds: number): Promise<void> {
    const server = createServer((request, response) => this.#respond(request, response))
    server.keepAliveTimeout = 600_000
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    this.#origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    try {
      // All at once, on a directory that none of them finds.
      const starts = Array.from({ length: PROCESSES }, () => startProcess(this.#directory, LIMITS))
      const started = await Promise.allSettled(starts)
      this.processes = started.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
      await Promise.all(starts)
      const until = performance.now() + seconds * 1000
      const clients = Array.from({ length: PROCESSES * CLIENTS }, (_, i) => this.#client(i % PROCESSES, until))
      await Promise.all([...clients, this.#killer(until), this.#watch()])
    } finally {
      server.closeAllConnections()
      server.close()
    }
  }

  #respond(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url ?? ''
    if (request.method === 'POST') this.#change(path)
    const body = bodyOf(path, this.#versionOf(path))
    response.writeHead(200, { 'cache-control': 'max-age=1000', 'content-length': body.length }).write(body.slice(0, 20))
    // Some are under way for longer.
    const isSlow = Math.random() < 0.1
    this.#later(isSlow ? 100 : 0, () => response.end(body.slice(20)))
  }

  #later(ms: number, what: () => void): void {
    if (ms === 0) what()
    else setTimeout(what, ms)
  }

  #versionOf(path: string): number {
    return this.#versions.get(path) ?? 0
  }

  #change(path: string): void {
    this.#versions.set(path, this.#versionOf(path) + 1)
  }

  async #client(index: number, until: number): Promise<void> {
    while (performance.now() < until) {
      await this.#restarts[index]
      const process = this.processes[index] as CacheProcess
      // Some are asked for more often than others.
      const path = `/${Math.floor(Math.random() ** 2 * URLS)}`
      const work = Math.random() < 0.04 ? this.#invalidate(process, path) : this.#get(process, path)
      await work.catch((error: Error) => {
        if (this.#restarts[index] !== undefined || this.processes[index] !== process) return
        this.counts.failed++
        this.failures.push(`failed: ${path} ${error.message}`)
      })
    }
    this.#isOver = true
  }

  async #get(process: CacheProcess, path: string): Promise<void> {
    const at = performance.now()
    const { text, cache, statusCode } = await process.ask({ do: 'get', url: this.#origin + path })
    this.counts.gets++
    if (cache.startsWith('hit')) this.counts.hits++
    const version = Number(/version (\d+);/.exec(text)?.[1])
    if (statusCode !== 200 || text !== bodyOf(path, version)) {
      this.counts.wrong++
      this.failures.push(`wrong: ${path} ${statusCode} ${text.length} bytes ${text.slice(0, 30)}`)
    }
    const newer = this.#invalidations.get(path)?.find((each) => each.version > version && each.at + EFFECT_MS < at)
    if (newer === undefined) return
    this.counts.outdated++
    const ago = Math.round(at - newer.at)
    this.failures.push(
      `outdated: ${path} version ${version}, ${newer.version} ${ago} ms ago by ${newer.by.pid}; ${cache} in ${process.pid}`,
    )
  }

  async #invalidate(by: CacheProcess, path: string): Promise<void> {
    const url = this.#origin + path
    if (Math.random() < 0.5) await by.ask({ do: 'post', url })
    else {
      this.#change(path)
      await by.ask({ do: 'delete', url })
    }
    this.counts.invalidations++
    const list = this.#invalidations.get(path) ?? []
    // What the origin has changed since is not what this has made void.
    list.push({ by, version: this.#versionOf(path), at: performance.now() })
    this.#invalidations.set(path, list)
  }

  async #killer(until: number): Promise<void> {
    while (performance.now() + 1000 < until) {
      await new Promise((resolve) => setTimeout(resolve, 200 + Math.random() * 400))
      const index = Math.floor(Math.random() * PROCESSES)
      this.#restarts[index] = this.#replace(index)
      await this.#restarts[index]
      this.#restarts[index] = undefined
    }
  }

  async #replace(index: number): Promise<void> {
    const victim = this.processes[index] as CacheProcess
    await victim.kill()
    const at = performance.now()
    for (const list of this.#invalidations.values()) {
      const lost = list.findIndex((each) => each.by === victim && each.at > at - LOST_MS)
      if (lost >= 0) list.splice(lost)
    }
    this.counts.kills++
    this.processes[index] = await startProcess(this.#directory, LIMITS)
  }

  async #watch(): Promise<void> {
    while (!this.#isOver) {
      this.peak = Math.max(this.peak, await sizeOf(this.#directory))
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}

/** Bytes of bodies and buckets, in blocks of the file system. */
async function sizeOf(directory: string): Promise<number> {
  const files = [...(await filesIn(directory, 'content-v2')), ...(await filesIn(directory, 'index-v5'))]
  const stats = await Promise.all(files.map((file) => stat(file).catch(() => ({ size: 0 }))))
  return stats.reduce((sum, { size }) => sum + Math.ceil(size / 4096) * 4096, 0)
}

/** Bodies without a record, and records without a body. */
async function leaks(directory: string): Promise<{ orphans: number; hollow: number }> {
  const digestOf = (file: string) => basename(dirname(dirname(file))) + basename(dirname(file)) + basename(file)
  const bodies = new Set((await filesIn(directory, 'content-v2')).map((file) => digestOf(file)))
  const needed = new Set<string>()
  for (const file of await filesIn(directory, 'index-v5')) {
    for (const [, digest = ''] of (await readFile(file, 'utf8')).matchAll(/"sha256":"([0-9a-f]{64})"/g))
      needed.add(digest)
  }
  return { orphans: bodies.difference(needed).size, hollow: needed.difference(bodies).size }
}

async function run(seconds: number): Promise<Outcome> {
  const directory = join(await temporaryDirectory(), 'cache')
  const soak = new Soak(directory)
  try {
    await soak.run(seconds)
    for (const _ of [1, 2, 3]) for (const each of soak.processes) await each.ask({ do: 'settle' })
    for (const each of soak.processes) await each.ask({ do: 'close' })
  } finally {
    await Promise.all(soak.processes.map((each) => each.kill()))
  }
  // As if the background pass came later: what is young may be somebody's who is about to commit it.
  const anHourAgo = Date.now() / 1000 - 3600
  for (const file of await filesIn(directory, 'content-v2')) await utimes(file, anHourAgo, anHourAgo)
  const last = await StreamingManager.open(directory, LIMITS)
  await last.runPendingTasks()
  await last.close()
  // Until the sweep the bodies are there that a killed process had not yet committed: they count as being written.
  const size = await sizeOf(directory)
  const { orphans, hollow } = await leaks(directory)
  const { gets, hits, invalidations, kills, wrong, failed, outdated } = soak.counts
  const zeros = {
    wrong,
    failed,
    outdated,
    'temporary files': (await filesIn(directory, 'tmp')).length,
    journals: (await filesIn(directory, 'procs')).length,
    'bodies without a record': orphans,
    'records without a body': hollow,
    'bytes over maxSize': Math.max(0, size - LIMITS.maxSize, soak.peak - LIMITS.maxSize - BEING_WRITTEN),
  }
  const failures = Object.entries(zeros).map(([what, count]) => (count > 0 ? [`${count} ${what}`] : []))
  if (kills === 0 || hits === 0 || invalidations === 0) failures.push(['no kill, no hit or no invalidation'])
  return {
    rounds: seconds,
    failures: [...failures.flat(), ...soak.failures],
    counts: { requests: gets, hits, invalidations, kills, 'bytes at most': soak.peak },
  }
}

export const severalProcesses: FaultPromise = {
  number: 5,
  name: 'several processes',
  promise: 'four on one directory, killed all the while: right and current responses, limits kept, nothing left behind',
  rounds: { long: 60, short: 3 },
  run,
}
