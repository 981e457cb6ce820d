/** Errors are told by their code: each has one of its own, the guards know all of them, and the README names them. */
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { createFetch, findCacheError, isCacheError, StreamingManager } from '../src/index.ts'
import * as errors from '../src/errors.ts'
import { startCache } from './helpers/cache.ts'
import { filesIn } from './helpers/directory.ts'
import { startOrigin } from './helpers/origin.ts'

/** One of each class that the room exports. */
function all(): errors.CacheError[] {
  const made = Object.values(errors).filter((value) => value.prototype instanceof Error)
  return made.map((value) => Reflect.construct(value, ['what', 'why', 'given']) as errors.CacheError)
}

test('each class has a code of its own and its own name, and the guards know it', () => {
  const codes = all().map(({ code }) => code)
  assert.ok(codes.length >= 4)
  assert.equal(new Set(codes).size, codes.length)
  for (const error of all()) {
    assert.equal(error.name, error.constructor.name)
    assert.ok(error instanceof Error && isCacheError(error) && isCacheError(error, error.code))
    assert.equal(findCacheError(error), error)
    const others = codes.filter((code) => code !== error.code)
    assert.ok(!others.some((code) => isCacheError(error, code)))
  }
})

test('what another copy of the package has thrown is known, too; what is not ours is not', () => {
  assert.ok(isCacheError(Object.assign(new Error('elsewhere'), { code: 'USC_ERR_CLOSED' })))
  for (const other of [undefined, null, 'USC_ERR_CLOSED', new Error('no'), { code: 'ENOENT' }, { code: 1 }, () => {}])
    assert.ok(!isCacheError(other))
  assert.ok(!isCacheError({ code: 'toString' }))
})

test('the first of ours in a chain of causes is found, and a chain without end is no trap', () => {
  const ours = new errors.ContentError('damaged', new errors.ClosedError())
  assert.equal(findCacheError(new TypeError('terminated', { cause: new Error('between', { cause: ours }) })), ours)
  const loop = new Error('loop')
  loop.cause = loop
  assert.equal(findCacheError(loop), undefined)
  assert.equal(findCacheError(new Error('bare')), undefined)
  assert.equal(findCacheError(undefined), undefined)
})

test('a damaged body that Node fetches fails with ours below what fetch says', async (t) => {
  const body = Buffer.alloc(300_000, 'a')
  let isGone = false
  const origin = await startOrigin(t, (_, response) => {
    if (isGone) response.destroy()
    else response.writeHead(200, { 'cache-control': 'max-age=60', 'content-length': body.length }).end(body)
  })
  const { manager, directory } = await startCache(t)
  const cachedFetch = createFetch(manager)
  await (await cachedFetch(origin.url)).arrayBuffer()
  await manager.runPendingTasks()
  const [path] = await filesIn(directory, 'content-v2')
  assert.ok(path)
  await writeFile(path, Buffer.concat([body.subarray(0, 200_000), Buffer.alloc(100_000, 'b')]))
  isGone = true
  const response = await cachedFetch(origin.url)
  await assert.rejects(response.arrayBuffer(), (error: Error) => {
    assert.ok(!isCacheError(error))
    return isCacheError(findCacheError(error), 'USC_ERR_CONTENT')
  })
})

test('a manager says by a code why it does nothing', async () => {
  const manager = await StreamingManager.temporary()
  await manager.close()
  await assert.rejects(manager.get('https://a.example/'), (error) => isCacheError(error, 'USC_ERR_CLOSED'))
  await assert.rejects(StreamingManager.open(import.meta.filename), (error) => isCacheError(error, 'USC_ERR_DIRECTORY'))
})

test('the README names every class with its code', async () => {
  const readme = await readFile(join(import.meta.dirname, '../README.md'), 'utf8')
  const [, section = ''] = /^## Errors\n([^]*?)^## /m.exec(readme) ?? []
  for (const { name, code } of all()) {
    assert.ok(section.includes(`\`${name}\``), `${name} is not under Errors`)
    assert.ok(section.includes(`\`${code}\``), `${code} is not under Errors`)
  }
  for (const guard of [isCacheError, findCacheError]) assert.ok(section.includes(`\`${guard.name}`), guard.name)
})
