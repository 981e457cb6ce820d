/** Stored fields as consumers take them: by name, and raw, as Buffers that are like all others. */
import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { bytesOf, bytesOnce } from '../../src/policy/field-bytes.ts'
import { fieldsOnce, PreparedFields, type SentFields } from '../../src/policy/prepared-fields.ts'

const ENCODINGS = ['latin1', 'binary', 'utf8', 'ascii', 'hex', 'base64', 'base64url', 'utf16le', undefined] as const
const LINES = ['Date', 'now', 'Age', '7', 'Link', '</a>', 'link', '</b>', 'X-Latin', '\u00e9']

const ways: readonly [name: string, at: (age: number, status?: string) => SentFields][] = [
  ['prepared', (age, status) => new PreparedFields(LINES).at(age, status)],
  ['once', (age, status) => fieldsOnce(LINES, age, status)],
]

for (const [name, at] of ways) {
  test(`${name}: one Age, the cache's own, and what it says after that`, () => {
    const kept = ['Date', 'now', 'Link', '</a>', 'link', '</b>', 'X-Latin', '\u00e9', 'age', '3']
    assert.deepEqual(text(at(3)), kept)
    assert.deepEqual(text(at(3, 'cache; hit')), [...kept, 'cache-status', 'cache; hit'])
    assert.deepEqual(
      { ...at(3, 'cache; hit').headers },
      {
        date: 'now',
        link: ['</a>', '</b>'],
        'x-latin': '\u00e9',
        age: '3',
        'cache-status': 'cache; hit',
      },
    )
  })
}

test('who takes raw fields may change his list: the next one has all of them', () => {
  const fields = new PreparedFields(LINES)
  fields.at(1, 'hit').raw.splice(0, 4)
  assert.equal(fields.at(1, 'hit').raw.length, LINES.length + 2)
})

test('what is sent once says what it is to say, whatever went before it', () => {
  const lines = fc
    .array(fc.constantFrom('a', 'b', 'c', '\u00e9'), { maxLength: 8 })
    .map((parts) => [...parts, ...parts])
  fc.assert(
    fc.property(fc.array(lines, { minLength: 2 }), (responses) => {
      for (const each of responses) assert.deepEqual(text(fieldsOnce(each, 3, 'hit')).slice(0, -4), each)
    }),
  )
})

test('a Buffer that knows its text is like any other', () => {
  const parts = fc.string({ unit: fc.nat({ max: 0xff }).map((code) => String.fromCharCode(code)), maxLength: 40 })
  const bound = fc.option(fc.integer({ min: -3, max: 45 }), { nil: undefined })
  fc.assert(
    fc.property(parts, fc.constantFrom(...ENCODINGS), bound, bound, (part, encoding, start, end) => {
      const plain = Buffer.from(part, 'latin1')
      for (const bytes of [bytesOf(part), bytesOnce(part)]) {
        assert.deepStrictEqual(bytes, plain)
        assert.equal(bytes.toString(encoding, start, end), plain.toString(encoding, start, end))
      }
    }),
  )
})

test('text that is not latin1 is what its bytes say', () => {
  assert.equal(bytesOf('\u20ac').toString('latin1'), '\u00ac')
})

function text({ raw }: SentFields): string[] {
  assert.ok(raw.every((part) => Buffer.isBuffer(part)))
  return raw.map((part) => part.toString('latin1'))
}
