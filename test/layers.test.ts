/** Keeps the import table of src/README.md true: each folder imports only what the table grants it. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { test } from 'node:test'
import manifest from '../package.json' with { type: 'json' }

const src = resolve(import.meta.dirname, '../src')
const LEAVES = new Set(['stored-response.ts', 'errors.ts', 'diagnostics.ts', 'common-strings.ts', 'passing-map.ts'])

const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))

/** What package.json exports, and the program. */
const entries = [
  ...Object.values<string | { readonly default: string }>(manifest.exports).flatMap((target) =>
    typeof target === 'string' ? [] : [target.default],
  ),
  manifest.bin['undici-streaming-cache'],
].map((path) => path.replace('./dist/', '').replace(/\.js$/, '.ts'))

/** The table as src/README.md has it: `| folder | may import |`, names in backquotes. */
function readTable(): Map<string, string[]> {
  const readme = readFileSync(join(src, 'README.md'), 'utf8')
  const rows = readme.matchAll(/^\| `([\w./-]+)`\s*\|(.*)\|$/gm)
  return new Map(
    Array.from(rows, ([, room = '', grants = '']) => [
      room,
      Array.from(grants.matchAll(/`([^`]+)`/g), ([, name = '']) => name),
    ]),
  )
}

/** The row that a file stands under. */
function roomOf(file: string): string {
  if (LEAVES.has(file)) return 'leaves'
  return file === 'index.ts' ? 'index.ts' : (dirname(file).split('/')[0] ?? '')
}

function importsOf(file: string): string[] {
  const source = readFileSync(join(src, file), 'utf8')
  return Array.from(
    source.matchAll(/(?:^|\n)(?:import|export)\s[^'"]*?from\s+'([^']+)'|(?:^|\n)import\s+'([^']+)'/g),
    (match) => match[1] ?? match[2] ?? '',
  )
}

test('each file imports only what its row of the table grants', () => {
  const table = readTable()
  assert.ok(table.size >= 7, 'the table in src/README.md has a row for each room')
  const violations: string[] = []
  for (const file of files) {
    const room = roomOf(file)
    const grants = table.get(room)
    assert.ok(grants, `src/README.md has no row for ${room}`)
    for (const specifier of importsOf(file)) {
      const target = specifier.startsWith('.')
        ? roomOf(relative(src, resolve(src, dirname(file), specifier)))
        : specifier
      if (target !== room && !grants.includes(target)) violations.push(`${file} imports ${specifier}`)
    }
  }
  assert.deepEqual(violations, [])
})

test('every source file is reached from the public list, a subpath export, or the program', () => {
  const reached = new Set<string>()
  const visit = (file: string) => {
    if (reached.has(file)) return
    reached.add(file)
    for (const specifier of importsOf(file))
      if (specifier.startsWith('.')) visit(relative(src, resolve(src, dirname(file), specifier)))
  }
  for (const entry of entries) visit(entry)
  assert.deepEqual(
    files.filter((file) => !reached.has(file)),
    [],
  )
})
