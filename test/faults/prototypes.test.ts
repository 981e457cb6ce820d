/** Names that JavaScript gives a meaning to are names like all others: from the network, in records, snapshots and journals. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { crc32 } from 'node:zlib'
import { startCache } from '../helpers/cache.ts'
import { filesIn, temporaryDirectory } from '../helpers/directory.ts'
import { startOrigin } from '../helpers/origin.ts'

const NAMES = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf']
const BEFORE = JSON.stringify(Object.getOwnPropertyNames(Object.prototype).sort())

function assertUnpolluted(): void {
  assert.equal(JSON.stringify(Object.getOwnPropertyNames(Object.prototype).sort()), BEFORE)
  assert.equal(({} as { polluted?: unknown }).polluted, undefined)
}

test('header fields of such names come back as they were, and nothing else changes', async (t) => {
  const fields = NAMES.flatMap((name) => [name, 'polluted'])
  const origin = await startOrigin(t, (_, response) => {
    response.writeHead(200, ['cache-control', 'max-age=60', 'vary', 'constructor, __proto__', ...fields]).end('body')
  })
  const { get, manager } = await startCache(t)
  await get(origin.url)
  const second = await get(origin.url)
  assert.match(second.cache, /^hit/)
  for (const name of NAMES) assert.equal(Object.hasOwn(second.headers, name.toLowerCase()), true, name)
  for await (const { headers } of manager.entries()) {
    for (const name of NAMES) assert.equal(Object.hasOwn(headers, name.toLowerCase()), true, name)
  }
  const third = await get(origin.url, { headers: { constructor: 'x', tostring: 'y' } })
  assert.match(third.cache, /^fwd=vary-miss/)
  assertUnpolluted()
})

test('planted JSON reaches no prototype', async (t) => {
  const directory = await temporaryDirectory()
  const { manager } = await startCache(t, { directory })
  const url = 'https://example.com/'
  await manager.put(url, { headers: { 'cache-control': 'max-age=60' }, body: 'body' })
  await manager.close()
  const [bucket = ''] = await filesIn(directory, 'index-v5')
  const line = (await readFile(bucket, 'utf8')).split('\t')[1] ?? ''
  const planted = [
    line.replace('"metadata":{', '"metadata":{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},'),
    line.replace('{"key"', '{"__proto__":{"polluted":1},"key"'),
    '{"__proto__":{"integrity":"x","metadata":{}}}',
    '{"integrity":"x","metadata":{"__proto__":{"version":1}}}',
  ]
  const lines = planted.map((json) => `\n${createHash('sha1').update(json).digest('hex')}\t${json}`)
  await writeFile(bucket, lines.join(''))
  const record = `{"__proto__":{"polluted":1},"key":"__proto__"}`
  const header = `{"__proto__":{"polluted":1},"version":2,"writtenAt":1,"recordBytes":${record.length},"checksum":${crc32(record)}}`
  await writeFile(join(directory, 'snapshot'), `${header}\n${record}`)
  await mkdir(join(directory, 'procs'), { recursive: true })
  const notes =
    '{"note":"stored","key":"__proto__","bodies":[],"__proto__":{"polluted":1}}\n{"__proto__":{"note":"cleared"}}\n'
  await writeFile(join(directory, 'procs', `${process.ppid}-aaaaaaaa-bbbbbbbb-1-0-1`), notes)
  const { manager: next } = await startCache(t, { directory })
  await next.runPendingTasks()
  const found = await next.get(url)
  assert.equal(found && (await text(found.body)), 'body')
  assertUnpolluted()
})

test('keys and partitions of such names are keys like others', async (t) => {
  const { manager } = await startCache(t)
  for (const name of NAMES) await manager.put(`https://example.com/${name}`, { body: name })
  for (const name of NAMES) {
    const found = await manager.get(`https://example.com/${name}`)
    assert.equal(found && (await text(found.body)), name)
  }
  assert.equal(manager.entryCount, NAMES.length)
  assertUnpolluted()
})
