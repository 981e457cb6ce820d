/** The hit ratio over time, as the report and `stats` tell it. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { historyOf } from '../../src/cli/report/history.ts'
import { appendHistory } from '../../src/content-store/history-file.ts'
import { Layout } from '../../src/content-store/layout.ts'
import { runCli, seeded } from '../helpers/cli.ts'
import { temporaryDirectory } from '../helpers/directory.ts'

const isoTime = (time: number): string => new Date(time).toISOString()

const stretch = fc
  .record({
    from: fc.integer({ min: 0, max: 10 ** 9 }),
    length: fc.integer({ min: 0, max: 10 ** 8 }),
    hits: fc.nat(10_000),
    misses: fc.nat(10_000),
    bytesServed: fc.nat(10 ** 9),
    bytesFromNetwork: fc.nat(10 ** 9),
  })
  .map(({ length, ...rest }) => ({ ...rest, to: rest.from + length }))

test('no request is lost in the columns, and none is counted twice', () => {
  fc.assert(
    fc.property(fc.array(stretch, { minLength: 1, maxLength: 200 }), (stretches) => {
      const view = historyOf(stretches, isoTime)
      const inColumns = view?.columns.reduce((sum, { hits, misses }) => sum + hits + misses, 0) ?? 0
      const all = stretches.reduce((sum, { hits, misses }) => sum + hits + misses, 0)
      assert.ok(Math.abs(inColumns - all) <= 1e-6 * Math.max(1, all), `${inColumns} of ${all}`)
      assert.equal((view?.hits ?? 0) + (view?.misses ?? 0), all)
      assert.ok(view?.columns.every(({ hits, misses }) => hits >= 0 && misses >= 0))
    }),
  )
  assert.equal(historyOf([], isoTime), undefined)
})

test('the report draws it, where there is any', async () => {
  const directory = await seeded({ 'https://a.example/': { body: 'a' } })
  const file = join(await temporaryDirectory(), 'report.html')
  const pageOf = async () => {
    await runCli(['report', '--quiet', '--dir', directory, '-o', file])
    return (await readFile(file, 'utf8')).replaceAll(/\s+/g, ' ')
  }
  assert.match(await pageOf(), /Not known yet: a process that has the directory open notes its counts/)
  const counts = { hits: 3, misses: 1, bytesServed: 4096, bytesFromNetwork: 1024 }
  await appendHistory(new Layout(directory), { from: 0, to: 3_600_000, ...counts }, true)
  const page = await pageOf()
  assert.match(page, /Of 4 requests from 1970-01-01 00:00 to 1970-01-01 01:00 UTC the cache has answered 75\.0 %/)
  assert.match(page, /That has saved 3 requests to origins and 4\.00 KiB of bodies; 1\.00 KiB came from the network/)
  assert.equal(page.match(/<i style="height:75\.00%/g)?.length, 48)
})
