/** The table of reasons in README.md has every one that the sources know, and no other. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

const ROOT = join(import.meta.dirname, '../..')

/** `'private' // a shared cache …` below `type Refusal =` or the like. */
function unionOf(file: string, type: string): string[] {
  const text = readFileSync(join(ROOT, 'src', file), 'utf8')
  const [, members = ''] = new RegExp(`type ${type} =\\n((?: {2}\\|.*\\n)+)`).exec(text) ?? []
  return Array.from(members.matchAll(/^ {2}\| '([\w-]+)'/gm), ([, member = '']) => member)
}

/** What is said in the places where a response is found not to be stored for a reason of no type. */
function saidInPlace(): string[] {
  const text = readFileSync(join(ROOT, 'src/interceptor/storing-handler.ts'), 'utf8')
  const [, begin = ''] = /^ {2}#beginStore\(([^]*?)^ {2}\}/m.exec(text) ?? []
  const [, why = ''] = /^ {2}#whyNotBegin\(([^]*?)^ {2}\}/m.exec(text) ?? []
  const said = `${/const head = (.*)/.exec(begin)?.[1]}\n${Array.from(why.matchAll(/return (.*)/g), ([, value]) => value).join('\n')}`
  return Array.from(said.matchAll(/'([\w-]+)'/g), ([, reason = '']) => reason)
}

test('README lists every reason for not storing, and no other', () => {
  const known = [
    ...unionOf('policy/storing.ts', 'Refusal'),
    ...unionOf('manager/pending-store.ts', 'AbortReason'),
    ...saidInPlace(),
  ]
  assert.ok(known.includes('private') && known.includes('slow-disk') && known.includes('unframed'), known.join())
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')
  const [, section = ''] = readme.split('\n### Why it is not stored\n')
  const [table = ''] = /(?:^\|.*\n)+/m.exec(section) ?? []
  const listed = Array.from(table.matchAll(/^\| `([\w-]+)`/gm), ([, reason = '']) => reason)
  assert.deepEqual(listed.toSorted(), [...new Set(known)].toSorted())
})

test('no place says a reason that none of these is', () => {
  const files = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  )
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')
  for (const file of files) {
    const text = readFileSync(join(ROOT, 'src', file), 'utf8')
    for (const [, reason = ''] of text.matchAll(/(?:\.refused\([^\n]*|\babort\()'([\w-]+)'\)/g))
      assert.ok(readme.includes(`| \`${reason}\``), `${file}: ${reason}`)
  }
})
