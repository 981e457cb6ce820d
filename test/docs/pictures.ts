/**
 * Takes the pictures of examples/sizing.md: `npm run pictures`, where Chromium is installed. A cache that is too small is
 * filled with what a day of an app might ask for, always the same, and the panels of its report are photographed.
 */
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createFetch, StreamingManager } from '../../src/index.ts'
import { dumpDom, screenshot, whyNoChromium } from '../helpers/chromium.ts'
import { runCli } from '../helpers/cli.ts'
import { temporaryDirectory } from '../helpers/directory.ts'

const FOLDER = join(import.meta.dirname, '../../examples/sizing')
const WIDTH = 860
const DAY_MS = 24 * 3_600_000
const REQUESTS = 12_000
const MAX_SIZE = 48 * 1024 ** 2

/** Name of the file, and which children of the page are on it: figures 2, treemap 3, sizes and ages 4, and so on. */
const PICTURES = { 'what-fills-the-disk': [2, 3], 'sizes-and-ages': [4], 'next-to-go': [5], 'freshness-ahead': [6] }

interface Kind {
  readonly weight: number
  readonly urls: number
  readonly url: (i: number) => string
  readonly size: (random: () => number) => number
  readonly headers: Record<string, string>
}

const KINDS: readonly Kind[] = [
  {
    weight: 60,
    urls: 3_000,
    url: (i) => `https://api.example.com/v1/products/${i}`,
    size: (random) => 400 + random() * 5_000,
    headers: { 'content-type': 'application/json', 'cache-control': 'max-age=3600' },
  },
  {
    weight: 25,
    urls: 900,
    url: (i) => `https://images.example.com/${i % 3 === 0 ? 'large' : 'thumbs'}/${i}.webp`,
    size: (random) => 8_000 + random() ** 3 * 400_000,
    headers: { 'content-type': 'image/webp', 'cache-control': 'max-age=604800' },
  },
  {
    weight: 12,
    urls: 400,
    url: (i) => `https://docs.example.org/${['guide', 'api', 'blog'][i % 3]}/${i}`,
    size: (random) => 15_000 + random() * 60_000,
    headers: { 'content-type': 'text/html', 'cache-control': 'max-age=600', etag: '"1"' },
  },
  {
    weight: 3,
    urls: 40,
    url: (i) => `https://downloads.example.net/releases/app-${i}.tar.gz`,
    size: (random) => 1_000_000 + random() * 4_000_000,
    headers: { 'content-type': 'application/gzip', 'cache-control': 'max-age=31536000, immutable' },
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
  let now = start
  await using manager = await StreamingManager.open(directory, { maxSize: MAX_SIZE, clock: () => now })
  const stored = createFetch(manager)
  const sizes = new Map<string, number>()
  for (let i = 0; i < REQUESTS; i++) {
    now = start + Math.round((i / REQUESTS) * DAY_MS)
    const kind = pick(random)
    const url = kind.url(Math.floor(kind.urls * random() ** 3))
    const response = await stored(url, { cache: 'only-if-cached' })
    await response.arrayBuffer()
    if (response.status !== 504) continue
    const size = sizes.get(url) ?? Math.round(kind.size(random))
    sizes.set(url, size)
    const date = new Date(now).toUTCString()
    await manager.put(url, { headers: { ...kind.headers, date }, body: Buffer.alloc(size, url) })
  }
  return directory
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
 * What was put by hand has waited for no origin: the slowest are left out. In a window as high as what is shown; the page's policy allows no script of others', so it is taken out for it.
 */
async function photograph(name: string, shown: readonly number[], text: string): Promise<void> {
  const others = `body > :not(${shown.map((i) => `:nth-child(${i})`).join(', ')})`
  const style = `<style>body { padding: 12px 12px 1px } ${others} { display: none !important }
    body > * { margin-block: 0 12px !important }
    .pair:nth-child(6) { grid-template-columns: 1fr !important } .pair:nth-child(6) > :nth-child(2) { display: none }</style>`
  const measure = '<script>document.title = document.body.offsetHeight</script>'
  const open = text.replace(/<meta\s+http-equiv[^>]*>/, '').replace('</head>', `${style}</head>`)
  const page = join(await temporaryDirectory(), 'page.html')
  await writeFile(page, open.replace('</body>', `${measure}</body>`))
  const [, height] = /<title>(\d+)<\/title>/.exec(await dumpDom(page, { width: WIDTH })) ?? []
  const png = join(FOLDER, `${name}.png`)
  await screenshot(page, png, { width: WIDTH, height: Number(height) })
  console.log(`${name}.png: ${WIDTH} × ${height}, ${(await stat(png)).size} bytes`)
}
