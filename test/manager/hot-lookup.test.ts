/** The short way to what is in memory: it finds what the long way finds, and counts what that counts. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { IncomingRequest } from '../../src/interceptor/cache-request.ts'
import { resolveInterceptorOptions } from '../../src/interceptor/options.ts'
import type { Lookup } from '../../src/manager/lookup.ts'
import { PLACE_WORDS, readSnapshot } from '../../src/metadata-index/snapshot.ts'
import { SlotTable } from '../../src/metadata-index/slot-table.ts'
import { entryKey } from '../../src/stored-response.ts'
import { engineOf, StreamingManager } from '../../src/manager/streaming-manager.ts'

const NAMES = ['a', 'b']
const SETTINGS = [{}, { type: 'private' as const }].map((options) => resolveInterceptorOptions(options).policy)

const steps = fc.array(
  fc.oneof(
    {
      weight: 20,
      arbitrary: fc.record({
        do: fc.constant('ask' as const),
        name: fc.constantFrom(...NAMES),
        headers: fc.constantFrom({}, { 'accept-language': 'de' }, { 'cache-control': 'no-cache' }),
        settings: fc.constantFrom(...SETTINGS),
        method: fc.constantFrom('GET', 'GET', 'HEAD'),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant('put' as const),
        name: fc.constantFrom(...NAMES),
        control: fc.constantFrom('max-age=10', 'max-age=100', 'max-age=10, private', 'no-cache'),
        vary: fc.constantFrom('', 'accept-language'),
      }),
    },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('wait' as const), seconds: fc.constantFrom(-3, 1, 4) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('soften' as const), name: fc.constantFrom(...NAMES) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('delete' as const), name: fc.constantFrom(...NAMES) }) },
  ),
  { minLength: 20, maxLength: 60 },
)

test('with memory and without it, the same is found for any request at any time', async () => {
  let fromMemory = 0
  await fc.assert(
    fc.asyncProperty(steps, async (run) => {
      let now = Date.parse('2026-11-26T12:00:00Z')
      const clock = (): number => now
      await using quick = await StreamingManager.temporary({ clock })
      await using slow = await StreamingManager.temporary({ clock, maxMemory: 0 })
      // Until everything is known, what is not in memory may lie on disk.
      for (const manager of [quick, slow]) await manager.runPendingTasks()
      for (const step of run) {
        if (step.do === 'wait') now += step.seconds * 1000
        for (const manager of [quick, slow]) {
          if (step.do === 'soften') await manager.purge({ url: `http://x/${step.name}` }, { soft: true })
          if (step.do === 'delete') await manager.delete(`http://x/${step.name}`)
          if (step.do !== 'put') continue
          const headers = { 'cache-control': step.control, ...(step.vary && { vary: step.vary }) }
          await manager.put(`http://x/${step.name}`, { headers, body: `${step.name} of ${now}` })
        }
        if (step.do !== 'ask') continue
        const request = IncomingRequest.from(step.method, `http://x/${step.name}`, step.headers, '')
        assert.ok(request)
        const [one, other] = [quick, slow].map((manager) => engineOf(manager).lookup(request, step.settings))
        assert.deepEqual(described(one), described(other))
        if (one?.outcome !== 'hit') continue
        if (one.hot === undefined) engineOf(quick).readSmall(one.stored)
        else {
          fromMemory++
          assert.equal(one.hot.stored, one.stored)
        }
      }
      assert.deepEqual(countedIn(quick), countedIn(slow))
    }),
    { numRuns: 60 },
  )
  assert.ok(fromMemory > 50, `${fromMemory} from memory`)
})

/** How often each record was asked for, as the index has counted it. */
function countedIn(manager: StreamingManager): Record<string, number> {
  const { records, index } = engineOf(manager).catalogue.snapshot(new Set())
  const names = Array.from(records, (record) => record && entryKey(record.key, record.variant))
  const places = readSnapshot(index())?.places ?? []
  return Object.fromEntries(
    names.map((name, i) => [name, SlotTable.unpack(places[i * PLACE_WORDS] as number).frequency]),
  )
}

/** All that is said of it, but for what only one of the two has. */
function described(lookup: Lookup | undefined): object {
  assert.ok(lookup)
  if (lookup.outcome !== 'hit')
    return lookup.outcome === 'validate' ? { ...lookup, stored: lookup.stored.fields } : lookup
  const { stored, age, ttl, revalidate } = lookup
  return { fields: stored.fields, variant: stored.variant, size: stored.body.size, age, ttl, revalidate }
}
