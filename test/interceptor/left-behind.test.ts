/** What a stream of requests leaves to the garbage collection: nothing that hangs on what has grown old already. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cacheInterceptor, StreamingManager } from '../../src/index.ts'
import type { DispatchController, DispatchHandler } from '../../src/interceptor/dispatch.ts'
import { PassingHandler } from '../../src/interceptor/passing-handler.ts'
import { collectYoung, leftBehind } from '../helpers/collect.ts'
import { temporaryDirectory } from '../helpers/directory.ts'

const REQUESTS = 4_000
const UNDER_WAY = 8
/** What a consumer has of its own. */
const CONSUMER_WORDS = 2_048

class Consumer implements DispatchHandler {
  readonly own: unknown[] = Array.from({ length: CONSUMER_WORDS })
  readonly #onOver: () => void

  constructor(onOver: () => void) {
    this.#onOver = onOver
  }

  onResponseEnd(): void {
    this.#onOver()
  }

  onResponseError(_controller: DispatchController, error: Error): void {
    throw error
  }
}

const controller: DispatchController = {
  aborted: false,
  paused: false,
  reason: null,
  abort: () => {},
  pause: () => {},
  resume: () => {},
}

const answers = { 'what is stored': 'max-age=60', 'what must not be': 'no-store' } as const

for (const [what, control] of Object.entries(answers)) {
  test(`of the requests for ${what} nothing stays that their consumers have`, async (t) => {
    const manager = await StreamingManager.open(await temporaryDirectory(), { maxEntries: 100 })
    t.after(() => manager.close())
    const body = Buffer.from('body')
    const headers = { 'cache-control': control, 'content-length': String(body.length), date: new Date().toUTCString() }
    const dispatch = cacheInterceptor(manager)((_options, handler) => {
      setImmediate(() => {
        handler.onRequestStart?.(controller, {})
        handler.onResponseStart?.(controller, 200, headers, 'OK')
        handler.onResponseData?.(controller, body)
        handler.onResponseEnd?.(controller, {})
      })
      return true
    })
    let asked = 0
    const ask = (): Promise<void> =>
      new Promise((resolve) => {
        dispatch({ origin: 'http://origin.example', path: `/${asked++}`, method: 'GET' }, new Consumer(resolve))
      })
    const loop = async (): Promise<void> => {
      for (let i = 0; i < REQUESTS / UNDER_WAY; i++) {
        await ask()
        if (i % 32 === 0) collectYoung()
      }
    }
    const bytes = await leftBehind(async () => void (await Promise.all(Array.from({ length: UNDER_WAY }, loop))))
    assert.ok(bytes < (REQUESTS * CONSUMER_WORDS * 8) / 4, `${bytes} bytes stay of ${REQUESTS * CONSUMER_WORDS * 8}`)
  })
}

test('a handler in between is nobody’s once all has been said, but one that throws at the end hears of its error', () => {
  const heard: string[] = []
  const passing = new PassingHandler({
    onResponseEnd: () => {
      heard.push('end')
      throw new Error('of the consumer')
    },
    onResponseError: (_controller, error) => void heard.push(error.message),
  })
  assert.throws(() => passing.onResponseEnd(controller, {}), /of the consumer/)
  passing.onResponseError(controller, new Error('told'))
  passing.onResponseError(controller, new Error('told again'))
  passing.onResponseEnd(controller, {})
  assert.deepEqual(heard, ['end', 'told'])
})
