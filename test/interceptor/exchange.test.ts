/** What is left of a request that is over. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DispatchHandler } from '../../src/interceptor/dispatch.ts'
import { Exchange } from '../../src/interceptor/exchange.ts'
import { sentFields } from '../../src/interceptor/headers.ts'
import { collect } from '../helpers/collect.ts'

for (const how of ['end', 'failure'] as const) {
  test(`a controller that is kept after the ${how} keeps neither its consumer nor its header section`, async () => {
    let seen: unknown
    const { exchange, consumer } = consumed(
      (controller) => (seen = controller.rawHeaders),
      (each) => (how === 'end' ? each.end() : each.fail(new Error('broken off'))),
    )
    assert.deepEqual((seen as Buffer[]).map(String), ['etag', '"1"'])
    assert.equal(exchange.rawHeaders, null)
    // A WeakRef keeps what it was made for until the turn ends.
    await new Promise(setImmediate)
    collect()
    assert.equal(consumer.deref(), undefined)
  })
}

function consumed(
  onOver: (controller: Exchange) => void,
  finish: (exchange: Exchange) => void,
): { exchange: Exchange; consumer: WeakRef<DispatchHandler> } {
  const handler: DispatchHandler = {
    onResponseEnd: () => onOver(exchange),
    onResponseError: () => onOver(exchange),
  }
  const exchange = new Exchange(handler)
  exchange.start(null)
  exchange.respondWith(200, sentFields(['etag', '"1"']), 'OK')
  finish(exchange)
  return { exchange, consumer: new WeakRef(handler) }
}
