/** The tour with an origin of its own: every path that a response can take, each with what is expected of it. */
import { join } from 'node:path'
import { install, StreamingManager } from 'undici-streaming-cache'
import { startOrigin, type Origin } from '../origin.ts'
import { makeSite, type Site } from './site.ts'
import { visitInNewProcess } from './second-process.ts'
import { bytes, printEvent, printHead, printTitle, printVisit } from './table.ts'
import { takeEvents, visit, type Outcome, type Visit } from './visit.ts'

const HOURS_MS = 3_600_000
const SMALL_LIMIT = 8_000_000

/** Resolves with what was not as it ought to be. */
export async function tourOfTheCache(directory: string): Promise<string[]> {
  return await new Tour(join(directory, 'cache'), await makeSite(directory)).run()
}

class Tour {
  readonly #directory: string
  readonly #site: Site
  readonly #problems: string[] = []
  #ahead = 0
  #sentBefore = 0
  #visits = 0

  constructor(directory: string, site: Site) {
    this.#directory = directory
    this.#site = site
  }

  async run(): Promise<string[]> {
    await using origin = await startOrigin(this.#site.resources, this.#clock)
    console.log(`Origin on ${origin.url}, cache in a temporary directory, fetch() is Node's own.\n`)
    printHead()
    // Node loads fetch's code at its first use: not to be counted as the first visit's.
    await fetch('data:,')
    const manager = await StreamingManager.open(this.#directory, { clock: this.#clock, maxStoreDelay: 10_000 })
    const uninstall = install(manager)
    await this.#firstProcess(manager, origin)
    uninstall()
    await manager.close()
    await this.#secondProcess(origin)
    await this.#smallerLimit(origin)
    console.log(
      `\n${this.#visits} requests, ${origin.requests} of them reached the origin. ` +
        `Every body was compared with the origin's, byte for byte by sha256.`,
    )
    return this.#problems
  }

  readonly #clock = (): number => Date.now() + this.#ahead

  async #firstProcess(manager: StreamingManager, origin: Origin): Promise<void> {
    const see = async (expected: Outcome, path: string, name = path, init: RequestInit = {}): Promise<void> => {
      this.#check(expected, name, path, await visit(manager, origin.url + path, init), origin, init)
    }
    printTitle('First visit: from the origin to you, and onto the disk as it passes')
    for (const path of this.#site.files) await see('miss', path)
    printTitle('Second visit: from the disk, 64 KiB at a time')
    for (const path of this.#site.files) await see('hit', path)

    printTitle('One URL, two languages: the response says Vary: Accept-Language')
    for (const [language, first] of [
      ['en', 'miss'],
      ['de', 'miss'],
    ] as const) {
      await see(first, '/greeting', `/greeting (${language})`, { headers: { 'accept-language': language } })
    }
    await see('hit', '/greeting', '/greeting (en)', { headers: { 'accept-language': 'en' } })

    printTitle('Not for a cache: nothing of these reaches the disk')
    for (const path of ['/account', '/mail']) {
      await see('not stored', path)
    }

    printTitle('Three hours later (the tour moves the clock): what is stale is validated, not fetched again')
    this.#ahead = 3 * HOURS_MS
    this.#site.publishNews()
    await see('validated', '/LICENSE', '/LICENSE (ETag)')
    await see('validated', '/photo', '/photo (Last-Modified)')
    await see('replaced', '/news', '/news (has changed)')
    for (const path of ['/LICENSE', '/photo', '/news']) await see('hit', path)

    printTitle('A change through the cache: what was stored is invalid')
    await see('passed', '/news', 'POST /news', { method: 'POST', body: 'A comment' })
    await see('miss', '/news')
  }

  async #secondProcess(origin: Origin): Promise<void> {
    printTitle('Restart: a new process on the same directory')
    const paths = ['/LICENSE', '/photo', '/video']
    let next = 0
    const urls = paths.map((path) => origin.url + path)
    for await (const answer of visitInNewProcess(this.#directory, this.#ahead, urls)) {
      const path = paths[next++] ?? ''
      if (typeof answer === 'string') this.#problems.push(`${path}: ${answer}`)
      else this.#check('hit', path, path, answer, origin)
    }
    if (next !== paths.length) this.#problems.push('The second process did not answer for every URL')
  }

  async #smallerLimit(origin: Origin): Promise<void> {
    await using manager = await StreamingManager.open(this.#directory, { clock: this.#clock, maxStoreDelay: 10_000 })
    const uninstall = install(manager)
    printTitle(`Less room: maxSize becomes ${bytes(SMALL_LIMIT)}, ${bytes(manager.size)} are in use`)
    await manager.runPendingTasks()
    takeEvents()
    await manager.resize({ maxSize: SMALL_LIMIT })
    const evicted = takeEvents().filter((event) => event.event === 'evict')
    for (const { key, size } of evicted) printEvent(new URL(key).pathname, 'evicted', size, 'over the limit')
    if (!evicted.some(({ key }) => key.endsWith('/video'))) this.#problems.push('/video was not evicted')
    if (manager.size > SMALL_LIMIT) this.#problems.push(`${bytes(manager.size)} are in use after the limit shrank`)
    for (const [expected, path] of [
      ['hit', '/LICENSE'],
      ['not stored', '/video'],
    ] as const) {
      this.#check(expected, path, path, await visit(manager, origin.url + path), origin)
    }
    uninstall()
  }

  /** Prints a visit, and notes when it is not what was expected or its body is not the origin's. */
  #check(expected: Outcome, name: string, path: string, answer: Visit, origin: Origin, init: RequestInit = {}): void {
    this.#visits++
    const sent = origin.bytesSent - this.#sentBefore
    this.#sentBefore = origin.bytesSent
    printVisit(name, answer, sent)
    if (answer.outcome !== expected) this.#problems.push(`${name} was to be "${expected}" and is "${answer.outcome}"`)
    const isFromStore = expected === 'hit' || expected === 'validated'
    if (isFromStore && sent > 0) this.#problems.push(`${name}: the origin sent ${bytes(sent)} for it`)
    if (init.method === undefined && answer.sha256 !== this.#site.digest(path, new Headers(init.headers))) {
      this.#problems.push(`${name}: the body is not the origin's`)
    }
  }
}
