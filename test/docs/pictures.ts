/**
 * Takes the pictures of examples/sizing.md: `npm run pictures`, where Chromium is installed. A cache that is too small is
 * asked for what an app might ask for in a day, the same each time, and the panels of its report are photographed. What is
 * stored in the end is not quite the same: it depends on when the disk was done.
 */
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Agent, request } from 'undici'
import { cacheInterceptor, StreamingManager, type Interceptor } from '../../src/index.ts'
import { dumpDom, screenshot, whyNoChromium } from '../helpers/chromium.ts'
import { runCli } from '../helpers/cli.ts'
import { temporaryDirectory } from '../helpers/directory.ts'

const FOLDER = join(import.meta.dirname, '../../examples/sizing')
const WIDTH = 860
const DAY_MS = 24 * 3_600_000
const REQUESTS = 12_000
const PROCESSES = 48
const CHUNK = 65_536
const MAX_SIZE = 48 * 1024 ** 2

/** Name of the file, and which children of the page are on it: figures 2, treemap 3, sizes and ages 4, and so on. */
const PICTURES = {
  'what-fills-the-disk': [2, 3],
  'sizes-and-ages': [4],
  'next-to-go': [5],
  'freshness-ahead': [6],
  'hit-ratio': [7],
}

interface Kind {
  readonly weight: number
  readonly urls: number
  readonly url: (i: number) => string
  readonly size: (random: () => number) => number
  readonly headers: Record<string, string>
  /** Milliseconds to its header section, more or less. */
  readonly latency: number
}

const KINDS: readonly Kind[] = [
  {
    weight: 60,
    urls: 3_000,
    url: (i) => `https://api.example.com/v1/products/${i}`,
    size: (random) => 400 + random() * 5_000,
    headers: { 'content-type': 'application/json', 'cache-control': 'max-age=3600' },
    latency: 120,
  },
  {
    weight: 25,
    urls: 900,
    url: (i) => `https://images.example.com/${i % 3 === 0 ? 'large' : 'thumbs'}/${i}.webp`,
    size: (random) => 8_000 + random() ** 3 * 400_000,
    headers: { 'content-type': 'image/webp', 'cache-control': 'max-age=604800' },
    latency: 40,
  },
  {
    weight: 12,
    urls: 400,
    url: (i) => `https://docs.example.org/${['guide', 'api', 'blog'][i % 3]}/${i}`,
    size: (random) => 15_000 + random() * 60_000,
    headers: { 'content-type': 'text/html', 'cache-control': 'max-age=600', etag: '"1"' },
    latency: 300,
  },
  {
    weight: 3,
    urls: 40,
    url: (i) => `https://downloads.example.net/releases/app-${i}.tar.gz`,
    size: (random) => 1_000_000 + random() * 4_000_000,
    headers: { 'content-type': 'application/gzip', 'cache-control': 'max-age=31536000, immutable' },
    latency: 90,
  },
]

const reason = await whyNoChromium()
if (reason !== false) throw new Error(reason)
const directory = await fill()
const report = join(await temporaryDirectory(), 'report.html')
const { code, stderr } = await runCli(['report', '--quiet', '--dir', directory, '-o', report])
if (code !== 0) throw new Error(stderr)
const text = (await readFile(report, 'utf8')).replaceAll(directory, './cache')
for (const [name, shown] of Object.entries(PICTURES)) await photograph(name, shown, text)

/** What an app asks for in a day: each kind by its weight, in each kind some far more often than others. */
async function fill(): Promise<string> {
  const directory = await temporaryDirectory()
  const random = chance(17)
  const start = Date.now() - DAY_MS
  const clock = { now: start }
  const agent = new Agent()
  const sizes = new Map<string, number>()
  const answer = (kind: Kind, url: string): Answer => {
    const size = sizes.get(url) ?? Math.round(kind.size(random))
    sizes.set(url, size)
    clock.now += Math.round(kind.latency * (0.5 + random()))
    return { headers: { ...kind.headers, date: new Date(clock.now).toUTCString() }, body: Buffer.alloc(size, url) }
  }
  // What it was asked for is noted on disk when a process ends: one for each half hour.
  for (let i = 0; i < REQUESTS;) {
    await using manager = await StreamingManager.open(directory, { maxSize: MAX_SIZE, clock: () => clock.now })
    do {
      clock.now = Math.max(clock.now, start + Math.round((i / REQUESTS) * DAY_MS))
      const kind = pick(random)
      const url = kind.url(Math.floor(kind.urls * random() ** 3))
      const dispatcher = agent.compose(
        answering(() => answer(kind, url)),
        cacheInterceptor(manager),
      )
      await (await request(url, { dispatcher })).body.dump({ limit: Infinity })
      i++
    } while (i % (REQUESTS / PROCESSES) !== 0)
    await manager.runPendingTasks()
  }
  return directory
}

interface Answer {
  readonly headers: Record<string, string>
  readonly body: Buffer
}

/** In the place of the network: there are no such origins. What it sends is taken as fast as it comes. */
function answering(answer: () => Answer): Interceptor {
  return () => (_, handler) => {
    const unread = { aborted: false, paused: false, reason: null, abort() {}, pause() {}, resume() {} }
    handler.onRequestStart?.(unread, {})
    const { headers, body } = answer()
    const fields = { ...headers, 'content-length': String(body.length) }
    const lines = Object.entries(fields).flat()
    const controller = { ...unread, rawHeaders: lines.map((part) => Buffer.from(part)) }
    handler.onResponseStart?.(controller, 200, fields, 'OK')
    for (let at = 0; at < body.length; at += CHUNK) handler.onResponseData?.(controller, body.subarray(at, at + CHUNK))
    handler.onResponseEnd?.(controller, {})
    return true
  }
}

function pick(random: () => number): Kind {
  let left = random() * KINDS.reduce((sum, { weight }) => sum + weight, 0)
  return KINDS.find(({ weight }) => (left -= weight) < 0) ?? (KINDS[0] as Kind)
}

/** Mulberry32: the same numbers each time. */
function chance(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let bits = Math.imul(state ^ (state >>> 15), 1 | state)
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32
  }
}

/**
 * In a window as high as what is shown; the page's policy allows no script of others', so it is taken out for it.
 */
async function photograph(name: string, shown: readonly number[], text: string): Promise<void> {
  const others = `body > :not(${shown.map((i) => `:nth-child(${i})`).join(', ')})`
  const style = `<style>body { padding: 12px 12px 1px } ${others} { display: none !important }
    body > * { margin-block: 0 12px !important }</style>`
  const measure = '<script>document.title = document.body.offsetHeight</script>'
  const open = text.replace(/<meta\s+http-equiv[^>]*>/, '').replace('</head>', `${style}</head>`)
  const page = join(await temporaryDirectory(), 'page.html')
  await writeFile(page, open.replace('</body>', `${measure}</body>`))
  const [, height] = /<title>(\d+)<\/title>/.exec(await dumpDom(page, { width: WIDTH })) ?? []
  const png = join(FOLDER, `${name}.png`)
  await screenshot(page, png, { width: WIDTH, height: Number(height) })
  console.log(`${name}.png: ${WIDTH} × ${height}, ${(await stat(png)).size} bytes`)
}
