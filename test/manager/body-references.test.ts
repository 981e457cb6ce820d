/** A body is needed as long as somebody needs it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { BodyReferences } from '../../src/manager/body-references.ts'

test('counted as a plain counter counts, whatever is retained and released', () => {
  const step = fc.record({ name: fc.constantFrom('a', 'b', 'c'), isRetained: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const references = new BodyReferences()
      const model = new Map<string, number>()
      for (const { name, isRetained } of steps) {
        const count = model.get(name) ?? 0
        model.set(name, Math.max(0, isRetained ? count + 1 : count - 1))
        if (isRetained) references.retain(name)
        else references.release(name)
        assert.equal(references.has(name), model.get(name) !== 0)
      }
      const all = [...references.all()].toSorted()
      assert.deepEqual(
        all,
        ['a', 'b', 'c'].flatMap((name) => Array.from({ length: model.get(name) ?? 0 }, () => name)),
      )
    }),
  )
})
