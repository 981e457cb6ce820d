/** The map in README.md: every number has its tests where it says, and every test of a number is on it. */
import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const FOLDER = fileURLToPath(new URL('.', import.meta.url))
const SUFFIX = '.test.ts'
/** Rows of each section: none may get lost. */
const ROWS: Readonly<Record<string, number>> = { A: 107, B: 23, C: 6, D: 4, K: 10 }

/** Files by the numbers in brackets at the beginning of their tests' names. */
async function filesByNumber(): Promise<Map<string, Set<string>>> {
  const found = new Map<string, Set<string>>()
  for (const file of await readdir(FOLDER)) {
    if (!file.endsWith(SUFFIX)) continue
    const source = await readFile(FOLDER + file, 'utf8')
    for (const [, numbers = ''] of source.matchAll(/^\s*test\(\s*[`'"]\[([A-K][^\]]*)\]/gm)) {
      for (const number of numbers.split(',').map((part) => part.trim())) {
        found.set(number, (found.get(number) ?? new Set()).add(file.slice(0, -SUFFIX.length)))
      }
    }
  }
  return found
}

test('every number of the checklist has a test where the map says, or a reason', async () => {
  const found = await filesByNumber()
  const rows = Array.from(
    (await readFile(`${FOLDER}README.md`, 'utf8')).matchAll(/^\| ([A-K][\d.]+) .*\| ([^|]+) \|$/gm),
  )
  const numbers = rows.map(([, number = '']) => number)
  for (const [section, count] of Object.entries(ROWS)) {
    const expected = Array.from({ length: count }, (_, i) => (section === 'A' ? `A${i + 1}` : `${section}.${i + 1}`))
    assert.deepEqual(
      numbers.filter((number) => number.startsWith(section)),
      expected,
    )
  }
  for (const [, number = '', where = ''] of rows) {
    if (where.startsWith('—')) assert.equal(found.has(number), false, `${number} has no test for a reason`)
    else
      assert.deepEqual(new Set(Array.from(where.matchAll(/`([^`]+)`/g), ([, file]) => file)), found.get(number), number)
  }
  assert.deepEqual(
    [...found.keys()].filter((number) => !numbers.includes(number)),
    [],
  )
})
