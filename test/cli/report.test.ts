/** `report`: what it shows, that nothing in it gets out of hand, and that a real browser shows it. */
import assert from 'node:assert/strict'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { inflateSync } from 'node:zlib'
import fc from 'fast-check'
import { squarified } from '../../src/cli/report/treemap.ts'
import { createFetch, StreamingManager } from '../../src/index.ts'
import { dumpDom, screenshot, whyNoChromium } from '../helpers/chromium.ts'
import { runCli, seeded, type Seed } from '../helpers/cli.ts'
import { temporaryDirectory } from '../helpers/directory.ts'

const FRESH = { 'cache-control': 'max-age=100000', etag: '"1"' }
const ATTACK = `"'></title></style></script><script>document.title='owned'</script><img src=x onerror="document.title='owned'">`

/** Also what no request would have: a directory may have been planted. */
const HOSTILE: Seed = {
  [`https://a.example/${ATTACK}`]: { headers: FRESH, body: 'a' },
  [`https://a.example/<!--<script>?q=${ATTACK}`]: { headers: { 'cache-control': 'no-cache', etag: ATTACK }, body: 'b' },
  [`https://${ATTACK}/`]: { headers: { 'content-type': ATTACK }, body: 'c' },
  [ATTACK]: { headers: FRESH, body: 'd' },
  'https://a.example/__proto__/constructor': { headers: FRESH, body: 'e' },
}

function many(): Seed {
  const entries = Array.from({ length: 150 }, (_, i) => {
    const headers = { 'cache-control': `max-age=${[0, 30, 3000, 80_000, 9_999_999][i % 5]}`, etag: '"1"' }
    return [`https://host${i % 17}.example/part${i % 7}/item${i}`, { headers, body: Buffer.alloc(i * 900, i) }] as const
  })
  return Object.fromEntries(entries)
}

async function pageOf(directory: string, ...args: string[]): Promise<string> {
  const file = join(await temporaryDirectory(), 'report.html')
  const { code, stderr } = await runCli(['report', '--quiet', '--dir', directory, '-o', file, ...args])
  assert.deepEqual([code, stderr], [0, ''])
  return file
}

test('the page is one file that loads nothing, for its owner alone', async () => {
  const file = await pageOf(await seeded(many()))
  const text = await readFile(file, 'utf8')
  assert.equal((await stat(file)).mode & 0o777, 0o600)
  assert.match(text, /default-src 'none'|default-src &#39;none&#39;/)
  assert.doesNotMatch(text, /<link|@import|url\(|<img|<iframe|<script src|<svg|href=|fetch\(/)
})

test('with --json there is what the page shows, and no page', async () => {
  const directory = await seeded(many())
  const { stdout, code } = await runCli([
    'report',
    '--json',
    '--dir',
    directory,
    '--rows',
    '20',
    '-o',
    join(directory, 'no'),
  ])
  const data = JSON.parse(stdout)
  assert.equal(code, 0)
  assert.deepEqual([data.entries, data.originCount, data.rows.length, data.points.length], [150, 17, 20, 150])
  for (const bins of [data.sizes, data.ages, data.ahead])
    assert.equal(
      bins.reduce((sum: number, { entries }: { entries: number }) => sum + entries, 0),
      150,
    )
  const sum = (folders: { size: number }[]) => folders.reduce((total, { size }) => total + size, 0)
  assert.equal(sum(data.folders), data.diskBytes)
  for (const { parts, size } of data.folders) assert.ok(parts.length === 0 || sum(parts) === size)
  assert.equal(data.folders.length, 12)
  await assert.rejects(stat(join(directory, 'no')))
})

test('filters of ls hold for the report', async () => {
  const directory = await seeded(many())
  const { stdout } = await runCli(['report', '--json', '--origin', 'https://host3.example', '--dir', directory])
  assert.deepEqual([JSON.parse(stdout).entries, JSON.parse(stdout).originCount], [9, 1])
})

test('what is asked for often stands above, and what is next to go goes first', async () => {
  const directory = await temporaryDirectory()
  const limits = { maxEntries: 40 }
  await using manager = await StreamingManager.open(directory, limits)
  const cached = createFetch(manager)
  for (let i = 0; i < 60; i++) {
    const url = `https://a.example/${i}`
    await manager.put(url, { headers: FRESH, body: `${i}` })
    for (let times = 0; times < 5; times++) await (await cached('https://a.example/0', { cache: 'force-cache' })).text()
  }
  await manager.runPendingTasks()
  const { stdout } = await runCli(['report', '--json', '--dir', directory])
  const data = JSON.parse(stdout) as { points: { key: string; frequency: number; isNext: boolean }[] }
  const [hottest] = data.points.toSorted((a, b) => b.frequency - a.frequency)
  assert.equal(hottest?.key, 'https://a.example/0')
  const next = data.points.filter(({ isNext }) => isNext).map(({ key }) => key)
  assert.ok(next.length >= 2 && !next.includes('https://a.example/0'))
})

test('without a snapshot, and without entries, the page says so', async () => {
  const directory = await seeded({})
  const text = await readFile(await pageOf(directory), 'utf8')
  assert.match(text, /Nothing is stored\./)
  assert.match(text, /no snapshot of the index yet/)
})

test('nothing stored gets out of its place in the page', async () => {
  const text = await readFile(await pageOf(await seeded(HOSTILE)), 'utf8')
  assert.equal(text.match(/<script/g)?.length, 2)
  assert.equal(text.match(/<\/script/g)?.length, 2)
  assert.equal(text.match(/<img/g), null)
  assert.equal(text.match(/<\/title>/g)?.length, 1)
  assert.equal(text.match(/<\/style>/g)?.length, 1)
})

const noBrowser = await whyNoChromium()
if (noBrowser !== false) console.log(noBrowser)

test('a browser shows every panel and the table', { skip: noBrowser }, async () => {
  const dom = await dumpDom(await pageOf(await seeded(many())))
  for (const title of [
    'What fills the disk',
    'Sizes',
    'Ages',
    'Freshness ahead',
    'Slowest origins',
    'Hit ratio over time',
  ])
    assert.ok(dom.includes(`<h2>${title}</h2>`), title)
  assert.match(dom, /150 of 150/)
  // A page of the table, which its script has made.
  const [, table = ''] = dom.split('id="entries"')
  assert.equal(table.match(/<td class="url">https:\/\/host\d+\.example/g)?.length, 100)
})

test('in a browser, no script that was stored runs', { skip: noBrowser }, async () => {
  const dom = await dumpDom(await pageOf(await seeded(HOSTILE)))
  assert.match(dom, /<title>Cache report: /)
  assert.match(dom, /5 of 5/)
  // It is there to be read, as text.
  assert.ok(dom.includes("&lt;script&gt;document.title='owned'&lt;/script&gt;"))
})

test('the policy keeps a script out that got into the page all the same', { skip: noBrowser }, async () => {
  const file = await pageOf(await seeded(HOSTILE))
  const text = await readFile(file, 'utf8')
  await writeFile(file, text.replace('</h1>', `</h1><script>document.title = 'owned'</script><b onclick="x" id="in">`))
  const dom = await dumpDom(file)
  assert.match(dom, /id="in"/)
  assert.match(dom, /<title>Cache report: /)
})

test('searching and sorting do what they say', { skip: noBrowser }, async () => {
  const file = await pageOf(await seeded(many()))
  const text = await readFile(file, 'utf8')
  // The test's own script stands where a user would click; the policy is the page's, so it is taken out for it.
  const script = `<script>{
    const box = document.getElementById('search'); box.value = 'HOST3 item20'; box.dispatchEvent(new Event('input'))
    const found = document.getElementById('count').textContent
    box.value = ''; box.dispatchEvent(new Event('input'))
    const first = () => document.querySelector('#entries tbody tr').cells[0].textContent
    document.querySelectorAll('#entries th button')[0].click(); const up = first()
    document.querySelectorAll('#entries th button')[0].click(); const down = first()
    document.getElementById('more').click()
    const rows = document.querySelectorAll('#entries tbody tr').length
    document.title = [found, up, down, rows].join('|')
  }</script></body>`
  await writeFile(file, text.replace(/<meta\s+http-equiv[^>]*>/, '').replace('</body>', script))
  const [, title] = /<title>(.*)<\/title>/.exec(await dumpDom(file)) ?? []
  assert.equal(title, '1 of 150|https://host0.example/part0/item0|https://host9.example/part6/item111|150')
})

test(
  'light, dark and narrow, the page is as wide as its window and as dark as asked',
  { skip: noBrowser },
  async () => {
    const file = await pageOf(await seeded({ ...many(), ...HOSTILE }))
    const text = await readFile(file, 'utf8')
    const folder = await temporaryDirectory()
    for (const [isDark, colour] of [
      [false, [250, 249, 246]],
      [true, [21, 24, 27]],
    ] as const) {
      const png = join(folder, `${isDark}.png`)
      await screenshot(file, png, { isDark })
      assert.deepEqual(firstPixel(await readFile(png)), colour)
    }
    // A headless window is 500 wide at least; a frame in it is as narrow as a phone.
    const script = `<body style="margin:0"><iframe id="f" style="border:0;width:360px;height:2000px"></iframe><script>
    f.srcdoc = ${JSON.stringify(text.replace(/<meta\s+http-equiv[^>]*>/, '')).replaceAll('<', String.raw`\u003c`)}
    f.onload = () => { const { scrollWidth, clientWidth } = f.contentDocument.documentElement; document.title = scrollWidth - clientWidth }
  </script></body>`
    const frame = join(folder, 'frame.html')
    await writeFile(frame, script)
    assert.match(await dumpDom(frame), /<title>0<\/title>/)
  },
)

/** Of an 8-bit picture without interlacing: a first pixel is the same whatever filter its line has. */
function firstPixel(png: Buffer): number[] {
  const parts: Buffer[] = []
  for (let at = 8; at < png.length;) {
    const length = png.readUInt32BE(at)
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT') parts.push(png.subarray(at + 8, at + 8 + length))
    at += length + 12
  }
  return [...inflateSync(Buffer.concat(parts)).subarray(1, 4)]
}

test('boxes of a treemap have the areas that they should, and none covers another', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 1_000_000 }), { minLength: 1, maxLength: 40 })
  const side = fc.integer({ min: 1, max: 200 })
  fc.assert(
    fc.property(sizes, side, side, (unsorted, width, height) => {
      const sorted = unsorted.toSorted((a, b) => b - a)
      const total = sorted.reduce((sum, size) => sum + size, 0)
      const boxes = squarified(sorted, { x: 0, y: 0, width, height })
      const slack = 1e-6 * width * height
      assert.equal(boxes.length, sorted.length)
      for (const [i, box] of boxes.entries()) {
        const { x, y } = box
        assert.ok(Math.abs(box.width * box.height - ((sorted[i] ?? 0) / total) * width * height) < slack)
        assert.ok(x >= -slack && y >= -slack && x + box.width <= width + slack && y + box.height <= height + slack)
        for (const other of boxes.slice(i + 1)) {
          const wide = Math.min(x + box.width, other.x + other.width) - Math.max(x, other.x)
          const high = Math.min(y + box.height, other.y + other.height) - Math.max(y, other.y)
          assert.ok(wide < 1e-6 || high < 1e-6 || wide * high < slack)
        }
      }
    }),
  )
  assert.deepEqual(squarified([0, 0], { x: 0, y: 0, width: 1, height: 1 }), [
    { x: 0, y: 0, width: 0, height: 0 },
    { x: 0, y: 0, width: 0, height: 0 },
  ])
})
