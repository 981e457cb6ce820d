/** The short way to what is stored: it finds what the long way finds, and counts what that counts. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { IncomingRequest } from '../../src/interceptor/cache-request.ts'
import { resolveInterceptorOptions } from '../../src/interceptor/options.ts'
import type { Hit, Lookup } from '../../src/manager/lookup.ts'
import { PLACE_WORDS, readSnapshot } from '../../src/metadata-index/snapshot.ts'
import { SlotTable } from '../../src/metadata-index/slot-table.ts'
import type { PolicySettings } from '../../src/policy/cache-request.ts'
import { entryKey, type StoredResponse } from '../../src/stored-response.ts'
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

/** Makes a request one of which the fields have to be read, and changes nothing: there is no range. */
const WITHOUT_EFFECT = { 'if-range': '"x"' }

/** Reads a body, so that it may be held in memory, however slow the disk was a moment ago. */
function read(manager: StreamingManager, stored: StoredResponse): void {
  while (engineOf(manager).readSmall(stored) === undefined);
}

test('both ways find the same for any request at any time', async () => {
  let fromMemory = 0
  await fc.assert(
    fc.asyncProperty(steps, async (run) => {
      let now = Date.parse('2026-11-26T12:00:00Z')
      const clock = (): number => now
      await using quick = await StreamingManager.temporary({ clock })
      await using slow = await StreamingManager.temporary({ clock })
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
        const uri = `http://x/${step.name}`
        const [one, other] = [quick, slow].map((manager) => {
          const headers = manager === slow ? { ...step.headers, ...WITHOUT_EFFECT } : step.headers
          const request = IncomingRequest.from(step.method, uri, headers, '')
          assert.ok(request)
          const lookup = engineOf(manager).lookup(request, step.settings)
          if (lookup.outcome === 'hit' && lookup.hot === undefined) read(manager, lookup.stored)
          return lookup
        })
        assert.deepEqual(described(one), described(other))
        if (one?.outcome !== 'hit' || one.hot === undefined) continue
        fromMemory++
        assert.equal(one.hot.stored, one.stored)
      }
      assert.deepEqual(countedIn(quick), countedIn(slow))
    }),
    { numRuns: 150 },
  )
  assert.ok(fromMemory > 50, `${fromMemory} from memory`)
})

test('what is in memory is handed on only as it was stored, and for no other response, wherever that lies by now', async () => {
  await using manager = await StreamingManager.temporary()
  const engine = engineOf(manager)
  const ask = (name: string): Hit => {
    const request = IncomingRequest.from('GET', `http://x/${name}`, {}, '')
    assert.ok(request)
    const lookup = engine.lookup(request, SETTINGS[0] as PolicySettings)
    assert.equal(lookup.outcome, 'hit')
    return lookup
  }
  for (const name of NAMES) {
    await manager.put(`http://x/${name}`, { headers: { 'cache-control': 'max-age=10' }, body: `body of ${name}` })
    read(manager, ask(name).stored)
    assert.equal(ask(name).hot?.body.toString(), `body of ${name}`)
  }
  // As when another catalogue has taken this one's place.
  const { hot } = ask('a')
  assert.ok(hot)
  hot.place = engine.catalogue.placeOf('http://x/b')
  assert.equal(ask('a').stored.key, 'http://x/a')
  hot.body[0] = 0
  assert.equal(ask('a').hot, undefined)
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

/** All that is said of it, for a comparison of two that have stored the same. */
function described(lookup: Lookup | undefined): object {
  assert.ok(lookup)
  if (lookup.outcome !== 'hit')
    return lookup.outcome === 'validate' ? { ...lookup, stored: lookup.stored.fields } : lookup
  const { stored, hot, age, ttl, revalidate } = lookup
  const { fields, variant, body } = stored
  return { fields, variant, size: body.size, isInMemory: hot !== undefined, age, ttl, revalidate }
}
