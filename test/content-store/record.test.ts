/** Records and buckets: what is written is read again, and what is not whole is no record. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatBucket, parseBucket } from '../../src/content-store/bucket.ts'
import { isAbandoned, Layout } from '../../src/content-store/layout.ts'
import { recordFromJson, recordToJson } from '../../src/content-store/record.ts'
import { CHUNK_SIZE, compactChecksums, type StoredResponse } from '../../src/stored-response.ts'

const latin1 = fc.string({ unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code)) })
const token = fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,12}$/)
const hex = (length: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`))

const seconds = fc.nat()
const terms = fc
  .record(
    { ttl: seconds, minTtl: seconds, maxTtl: seconds, staleIfError: seconds, staleWhileRevalidate: seconds },
    { requiredKeys: [], noNullPrototype: true },
  )
  .filter((given) => Object.keys(given).length > 0)

const record: fc.Arbitrary<StoredResponse> = fc
  .record({
    key: fc.webUrl(),
    variant: fc.oneof(fc.constant(''), hex(32)),
    vary: fc.array(token),
    statusCode: fc.integer({ min: 200, max: 599 }),
    statusMessage: latin1,
    fields: fc.array(fc.tuple(token, latin1)).map((pairs) => pairs.flat()),
    scope: fc.constantFrom('shared' as const, 'private' as const),
    requestTime: fc.nat(),
    responseTime: fc.nat(),
    size: fc.integer({ min: 0, max: 5 * CHUNK_SIZE }),
    sha256: hex(64),
  })
  .chain(({ size, sha256, ...head }) => {
    const length = Math.ceil(size / CHUNK_SIZE)
    const checksums = fc.array(fc.integer({ min: 0, max: 2 ** 32 - 1 }), { minLength: length, maxLength: length })
    return checksums.map((sums) => ({ ...head, body: { size, sha256, checksums: compactChecksums(sums) } }))
  })
  .chain((head) =>
    fc
      .record({ terms, metadata: fc.json() }, { requiredKeys: [], noNullPrototype: true })
      .map((more) => ({ ...head, ...more })),
  )

test('a record is the same after JSON', () => {
  fc.assert(
    fc.property(record, (value) =>
      assert.deepEqual(recordFromJson(JSON.parse(JSON.stringify(recordToJson(value)))), value),
    ),
  )
})

test('a bucket is the same after its file, newest last', () => {
  const variants = fc.uniqueArray(record, { selector: ({ variant }) => variant, maxLength: 8 })
  fc.assert(
    fc.property(variants, (records) => {
      const read = parseBucket(formatBucket(records))
      assert.deepEqual(
        read,
        records.toSorted((a, b) => a.responseTime - b.responseTime),
      )
    }),
  )
})

test('a bucket with one bit flipped gives only whole records', () => {
  fc.assert(
    fc.property(fc.array(record, { minLength: 1, maxLength: 3 }), fc.nat(), (records, at) => {
      const bytes = Buffer.from(formatBucket(records))
      const position = at % (bytes.length * 8)
      bytes[position >> 3] = (bytes[position >> 3] ?? 0) ^ (1 << (position & 7))
      for (const read of parseBucket(bytes.toString())) {
        assert.ok(records.some((one) => JSON.stringify(one) === JSON.stringify(read)))
      }
    }),
  )
})

const sample = recordToJson({
  key: 'http://a/',
  variant: '',
  vary: [],
  statusCode: 200,
  statusMessage: 'OK',
  fields: ['a', 'b'],
  scope: 'shared',
  requestTime: 1,
  responseTime: 2,
  body: { size: 1, sha256: 'a'.repeat(64), checksums: 1 },
})

test('what is not whole, of another version, or could do harm is no record', () => {
  assert.ok(recordFromJson(sample))
  const changes: Record<string, unknown> = {
    version: 2,
    key: 5,
    variant: '../..',
    vary: 'accept',
    statusCode: 100,
    statusMessage: null,
    scope: 'everybody',
    requestTime: -1,
    responseTime: 'now',
    size: 2 ** 53,
    sha256: '../../../../etc/passwd'.padEnd(64, 'a'),
    checksums: 'AAAA',
  }
  for (const [name, value] of Object.entries(changes))
    assert.equal(recordFromJson({ ...sample, [name]: value }), undefined, name)
  for (const fields of [['a'], ['a', 'b\r\nc'], ['a b', 'c'], ['', 'x'], ['a', 5], ['a', '\0']]) {
    assert.equal(recordFromJson({ ...sample, fields }), undefined, JSON.stringify(fields))
  }
  for (const value of [null, undefined, 5, 'x', [], {}]) assert.equal(recordFromJson(value), undefined)
})

test('keys cannot leave the directory', () => {
  const layout = new Layout('/cache')
  fc.assert(
    fc.property(fc.string(), (key) => {
      const hash = createHash('sha256').update(key).digest('hex')
      assert.equal(layout.bucket(key), `/cache/index-v5/${hash.slice(0, 2)}/${hash.slice(2, 4)}/${hash.slice(4)}`)
    }),
  )
})

test('temporary files of this run and of live processes stay, others are abandoned', () => {
  const [own = ''] = new Layout('/cache').temporaryFile().split('/').slice(-1)
  assert.equal(isAbandoned(own), false)
  assert.equal(isAbandoned(`${process.ppid}-abcdef-0`), false)
  assert.equal(isAbandoned(`${process.pid}-another-0`), true)
  assert.equal(isAbandoned('999999999-abcdef-0'), true)
  assert.equal(isAbandoned('cacache-leftover'), true)
})

test('what is laid down and noted is left out where it is of another form', () => {
  const [plain] = fc.sample(record, 1)
  assert.ok(plain)
  const { terms: _, metadata: __, ...bare } = plain
  const read = (more: object) => recordFromJson({ ...recordToJson(bare), ...more })
  for (const wrong of [
    null,
    [],
    'x',
    {},
    { ttl: -1 },
    { ttl: '1' },
    { ttl: 0.5 },
    { other: 1 },
    { maxTtl: Infinity },
  ]) {
    assert.deepEqual(read({ terms: wrong }), bare)
  }
  assert.deepEqual(read({ terms: { ttl: 1, maxTtl: -1, other: 2 } })?.terms, { ttl: 1 })
  for (const wrong of [null, {}, 1, '', '{', 'undefined']) assert.deepEqual(read({ metadata: wrong }), bare)
  assert.equal(read({ terms: { ttl: 7 } })?.terms, read({ terms: { ttl: 7 } })?.terms, 'one object for all')
})
