/** Pages for readers: their links lead somewhere, and what they say is written here is exported, or an option. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { test } from 'node:test'
import * as api from '../../src/index.ts'
import { StreamingManager } from '../../src/index.ts'
import { membersOf } from './interfaces.ts'

const ROOT = join(import.meta.dirname, '../..')
/** Of a picture, so that the repository stays small. */
const MOST_BYTES = 150_000
const PAGES = ['README.md', 'src/README.md', 'bench/README.md', ...pagesIn('examples')]

function pagesIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder)).flatMap((name) => (name.endsWith('.md') ? [join(folder, name)] : []))
}

function textOf(page: string): string {
  return readFileSync(join(ROOT, page), 'utf8')
}

/** As GitHub makes them of headings: lower case, without punctuation, blanks are hyphens. */
function anchorsOf(page: string): Set<string> {
  const headings = textOf(page)
    .replaceAll(/^```[^]*?^```/gm, '')
    .matchAll(/^#+ (.*)$/gm)
  return new Set(
    Array.from(headings, ([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )
}

for (const page of PAGES)
  test(`${page}: every link leads somewhere`, () => {
    const links = textOf(page)
      .replaceAll(/^```[^]*?^```/gm, '')
      .matchAll(/\]\(([^)\s]+)\)/g)
    for (const [, link = ''] of links) {
      if (/^https?:/.test(link)) continue
      const [path = '', anchor] = link.split('#')
      const target = path === '' ? page : relative(ROOT, resolve(ROOT, dirname(page), path))
      assert.ok(existsSync(join(ROOT, target)), `${page}: ${link}`)
      if (anchor !== undefined) assert.ok(anchorsOf(target).has(anchor), `${page}: there is no ${link}`)
    }
  })

test('pictures are small, and each is on a page', () => {
  const pictures = readdirSync(join(ROOT, 'examples/sizing'))
  assert.ok(pictures.length >= 4)
  for (const picture of pictures) {
    assert.ok(statSync(join(ROOT, 'examples/sizing', picture)).size < MOST_BYTES, `${picture} has too many bytes`)
    assert.ok(textOf('examples/sizing.md').includes(`(sizing/${picture})`), `${picture} is on no page`)
  }
})

test('every page in examples is linked from README.md', () => {
  const readme = textOf('README.md')
  for (const page of pagesIn('examples')) assert.ok(readme.includes(`(${page}`), page)
})

/** Names that a user may write: exports, members of the manager, options, and what is in them. */
function names(): Set<string> {
  const interfaces = ['ManagerOptions', 'CacheInterceptorOptions', 'Rule', 'RequestCacheOptions', 'RateLimit']
  const prototype = Object.getOwnPropertyNames(StreamingManager.prototype)
  const statics = Object.getOwnPropertyNames(StreamingManager).map((name) => `StreamingManager.${name}`)
  const options = interfaces.flatMap((name) => membersOf(name).map((member) => member.name))
  return new Set([...Object.keys(api), ...prototype, ...statics, ...options, 'Age', 'Cache-Status'])
}

test('migrating: what is written here exists', () => {
  const known = names()
  let seen = 0
  for (const line of textOf('examples/migrating.md').split('\n')) {
    const cells = line.split('|').map((cell) => cell.trim())
    if (cells.length < 5 || /^-+$/.test(cells[1] ?? '') || cells[2] === 'here') continue
    for (const [, code = ''] of (cells[2] ?? '').matchAll(/`([^`]+)`/g)) {
      if (/^(?:npx|undici-streaming-cache:)/.test(code)) continue
      // `type: 'private'` and `key(request)` name `type` and `key`.
      const [name = ''] = /^[\w.-]+/.exec(code) ?? []
      seen++
      assert.ok(known.has(name), `${code} is in no list of what this package has`)
    }
  }
  assert.ok(seen > 60, `only ${seen} names were found`)
})
