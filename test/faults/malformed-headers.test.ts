/**
 * Ten thousand combinations of malformed response fields: whatever an origin sends, the caller gets it as it came, and
 * nothing throws, rejects or takes quadratic time.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { StreamingManager, cacheInterceptor } from '../../src/index.ts'
import { Exchange } from '../../src/interceptor/exchange.ts'
import type { DispatchController, DispatchHandler } from '../../src/interceptor/dispatch.ts'

const RUNS = Number(process.env['MALFORMED_RUNS'] ?? 10_000)
const NAMES = [
  'cache-control',
  'vary',
  'date',
  'age',
  'expires',
  'etag',
  'last-modified',
  'content-range',
  'set-cookie',
  'pragma',
]

const piece = fc.constantFrom(
  ...[
    'max-age',
    'private',
    'no-cache',
    'no-store',
    's-maxage',
    'immutable',
    '=',
    '"',
    ',',
    ';',
    ' ',
    '\t',
    '\\',
    '*',
    '-1',
    '0',
    '1e9',
  ],
  ...[
    '99999999999999999999',
    'Sun, 06 Nov 1994 08:49:37 GMT',
    'W/',
    '"e"',
    'bytes 0-1/*',
    'é',
    'ÿ',
    '__proto__',
    'accept',
    'x'.repeat(100),
  ],
)
const value = fc.oneof(
  fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join('')),
  fc.constantFrom('a,'.repeat(32_768), '"\\'.repeat(32_768), '='.repeat(65_536), ' '.repeat(65_536)),
)
const fields = fc.array(fc.tuple(fc.constantFrom(...NAMES), value), { maxLength: 6 })

/** Plays one response into a handler, as a dispatcher would. */
function respond(handler: DispatchHandler, lines: [string, string][]): void {
  const controller: DispatchController = new Exchange({})
  handler.onRequestStart?.(controller, null)
  const raw = [...lines, ['content-length', '4'] as const].flat().map((part) => Buffer.from(part, 'latin1'))
  const headers: Record<string, string[]> = { 'content-length': ['4'] }
  for (const [name, line] of lines) (headers[name] ??= []).push(line)
  controller.rawHeaders = raw
  handler.onResponseStart?.(controller, 200, headers, 'OK')
  handler.onResponseData?.(controller, Buffer.from('body'))
  handler.onResponseEnd?.(controller, {})
}

test(`${RUNS} malformed header sections reach the caller as they came, twice each`, { timeout: 300_000 }, async () => {
  await using manager = await StreamingManager.temporary({ maxEntries: 100 })
  let answer: [string, string][] = []
  const dispatch = cacheInterceptor(manager)((_, handler) => {
    respond(handler, answer)
    return true
  })
  let count = 0
  const ask = (path: string) =>
    new Promise<{ lines: string[]; body: string }>((resolve, reject) => {
      const lines: string[] = []
      let body = ''
      dispatch(
        { origin: 'http://origin.test', path, method: 'GET' },
        {
          onResponseStart: (controller) =>
            void lines.push(...(controller.rawHeaders as Buffer[]).map((part) => part.toString('latin1'))),
          onResponseData: (_, chunk) => void (body += chunk.toString()),
          onResponseEnd: () => resolve({ lines, body }),
          onResponseError: (_, error) => reject(error),
        },
      )
    })
  let slowest = 0
  await fc.assert(
    fc.asyncProperty(fields, async (lines) => {
      answer = lines
      const path = `/${count++}`
      for (const _ of [1, 2]) {
        const before = performance.now()
        const got = await ask(path)
        slowest = Math.max(slowest, performance.now() - before)
        assert.equal(got.body, 'body')
        const own = got.lines.filter((part, i) => NAMES.includes(got.lines[i - (i % 2)] ?? '') && part !== undefined)
        const isHit = got.lines.some((part) => part.includes('; hit;'))
        if (!isHit) assert.deepEqual(own, lines.flat())
      }
    }),
    { numRuns: RUNS, seed: 9111 },
  )
  assert.equal(manager.stats().faults, 0)
  // 64 KiB in five fields: linear work is a few milliseconds, quadratic would be minutes.
  assert.ok(slowest < 2000, `slowest answer took ${Math.round(slowest)} ms`)
})
