/**
 * What a user's editor sees, read from the declarations in `dist` (`npm run build` before): no `any` in what can be
 * reached from the exports, and something said of each option where its name is completed.
 */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { test } from 'node:test'
import manifest from '../../package.json' with { type: 'json' }

const ROOT = join(import.meta.dirname, '../..')

/** The declarations of each export, and all that they import in turn, by path. */
async function declarations(): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  const visit = async (path: string): Promise<void> => {
    if (found.has(path)) return
    const text = await readFile(path, 'utf8')
    found.set(path, text)
    for (const [, specifier = ''] of text.matchAll(/(?:from|import\(|import)\s*['"](\.[^'"]+)['"]/g))
      await visit(resolve(dirname(path), specifier.replace(/\.[jt]s$/, '.d.ts')))
  }
  for (const entry of Object.values(manifest.exports))
    if (typeof entry === 'object') await visit(join(ROOT, entry.types))
  return found
}

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[^]*?\*\//g, '').replaceAll(/\/\/.*/g, '')
}

test('no declaration that a user can reach has the type any', async () => {
  const files = await declarations()
  assert.ok(files.size > 20, `only ${files.size} declarations were found`)
  for (const [path, text] of files)
    for (const line of withoutComments(text).split('\n'))
      assert.doesNotMatch(line, /\bany\b/, `${relative(ROOT, path)}: ${line.trim()}`)
})

test('each option that a user can name says what it is where it is completed', async () => {
  const files = await declarations()
  const entries = Object.values(manifest.exports).flatMap((entry) => (typeof entry === 'object' ? [entry.types] : []))
  const listed = entries.map((types) => withoutComments(files.get(join(ROOT, types)) ?? '')).join('\n')
  const isPublic = (name: string) => new RegExp(String.raw`\b${name}\b`).test(listed)
  const seen: string[] = []
  for (const text of files.values())
    for (const [, name = '', body = ''] of text.matchAll(/export interface (\w+)\b[^{]*\{([^]*?)^\}/gm)) {
      if (!isPublic(name) || !/(?:Options|Filter|Rule|Response|RateLimit)$/.test(name)) continue
      for (const [, comment, property = ''] of body.matchAll(/(\*\/\s*)?^ {4}readonly (\w+)\?:/gm)) {
        seen.push(`${name}.${property}`)
        assert.ok(comment !== undefined, `${name}.${property} says nothing of itself`)
      }
    }
  for (const option of [
    'ManagerOptions.maxSize',
    'CacheInterceptorOptions.type',
    'TermsOptions.ttl',
    'Rule.path',
    'PutResponse.metadata',
    'RateLimit.per',
    'InstrumentOptions.name',
  ])
    assert.ok(seen.includes(option), `${option} was not looked at`)
})
