/** What no RFC says and a cache in a client breaks on: the handlers of undici's generations, and the fetch of each. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as undici8 from 'undici'
import * as undici7 from 'undici7'
import type { TestCache } from '../helpers/cache.ts'
import { control, stage } from './stage.ts'

/** What a handler is told, in order; the same words for both generations. */
interface Recording {
  readonly calls: string[]
  readonly raw: unknown[]
  text: string
}

/** The consumer pauses at the first chunk, until `pause` is over. */
type Ask = (cache: TestCache, url: string, pause?: () => Promise<unknown>) => Promise<Recording>

const newStyle: Ask = async ({ dispatcher }, url, pause) => {
  const recording: Recording = { calls: [], raw: [], text: '' }
  let isPaused = false
  let wasPaused = false
  await new Promise<void>((resolve) => {
    dispatcher.dispatch(
      { origin: url, path: '/', method: 'GET' },
      {
        onRequestStart: () => void recording.calls.push('start'),
        onResponseStart(controller, statusCode) {
          recording.calls.push(`headers ${statusCode}`)
          recording.raw.push(...(controller.rawHeaders as Buffer[]))
        },
        onResponseData(controller, chunk) {
          if (isPaused) recording.calls.push('data while paused')
          recording.text += chunk.toString('latin1')
          if (pause === undefined || wasPaused) return
          isPaused = wasPaused = true
          controller.pause()
          void pause().then(() => {
            isPaused = false
            controller.resume()
          })
        },
        onResponseEnd: () => resolve(void recording.calls.push('end')),
        onResponseError: (_, error) => resolve(void recording.calls.push(`error ${error.message}`)),
      },
    )
  })
  return recording
}

const legacy: Ask = async ({ dispatcher }, url, pause) => {
  const recording: Recording = { calls: [], raw: [], text: '' }
  let isPaused = false
  let wasPaused = false
  await new Promise<void>((resolve) => {
    let resume = () => {}
    const handler = {
      onConnect: () => void recording.calls.push('start'),
      onHeaders(statusCode: number, raw: Buffer[], onResume: () => void) {
        recording.calls.push(`headers ${statusCode}`)
        recording.raw.push(...raw)
        resume = onResume
        return true
      },
      onData(chunk: Buffer) {
        if (isPaused) recording.calls.push('data while paused')
        recording.text += chunk.toString('latin1')
        if (pause === undefined || wasPaused) return true
        isPaused = wasPaused = true
        void pause().then(() => {
          isPaused = false
          resume()
        })
        return false
      },
      onComplete: () => resolve(void recording.calls.push('end')),
      onError: (error: Error) => resolve(void recording.calls.push(`error ${error.message}`)),
    }
    dispatcher.dispatch({ origin: url, path: '/', method: 'GET' }, handler as undici8.Dispatcher.DispatchHandler)
  })
  return recording
}

/** The raw header section as text: names and values in turn, but for what says where it came from. */
function lines({ raw }: Recording): string[] {
  assert.ok(raw.length % 2 === 0 && raw.every((part) => Buffer.isBuffer(part)))
  const texts = raw.map(String)
  return texts.filter((text, i) => i % 2 === 0 && text.startsWith('X-')).concat(texts.filter((text) => text === '1'))
}

test('[K.4] handlers of either generation are told the same, of a miss, a hit, a 304 and an error', async (t) => {
  const text = 'x'.repeat(200_000)
  for (const ask of [newStyle, legacy]) {
    const { origin, cache, clock, get } = await stage(t, ({ headers }) => {
      const fields = { 'cache-control': 'max-age=60, must-revalidate', etag: '"e"', 'X-One': '1', 'X-Two': ['1', '1'] }
      return headers['if-none-match'] === '"e"' ? { status: 304, fields } : { fields, body: text }
    })
    for (const pass of [0, 0, 61, 0]) {
      clock.pass(pass)
      // Meanwhile another body comes whole.
      for (const pause of [() => get('/other'), undefined]) {
        const recording = await ask(cache, origin.url, pause)
        assert.deepEqual(recording.calls, ['start', 'headers 200', 'end'])
        assert.equal(recording.text, text)
        assert.deepEqual(lines(recording), ['X-One', 'X-Two', 'X-Two', '1', '1', '1'])
      }
    }
    clock.pass(61)
    origin.server.closeAllConnections()
    origin.server.close()
    const { calls } = await ask(cache, origin.url)
    assert.deepEqual(calls, ['start', 'headers 504', 'end'])
    const { calls: unknown } = await ask(cache, 'http://127.0.0.1:1')
    assert.match(unknown.join(), /^(start,)?error /)
  }
})

test('[K.4] the fetch of this Node, and of both undici, is answered on a miss and on a hit', async (t) => {
  for (const anyFetch of [fetch, undici8.fetch, undici7.fetch]) {
    const { origin, cache, count } = await stage(t, control('max-age=60, public', { 'set-cookie': ['a=1', 'b=2'] }))
    for (const turn of ['miss', 'hit']) {
      const response = await (anyFetch as typeof fetch)(origin.url, { dispatcher: cache.dispatcher } as object)
      assert.deepEqual([await response.text(), response.headers.getSetCookie()], ['body', ['a=1', 'b=2']], turn)
    }
    assert.equal(count(), 1)
  }
})
