/** RFC 9111 section 4.2.4: serving stale responses. */
import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { test, type TestContext } from 'node:test'
import type { TestCacheOptions } from '../helpers/cache.ts'
import { BOTH, control, PRIVATE, stage, type Reply, type RequestFields } from './stage.ts'

interface Reason {
  /** Beside the directives of the stored response. */
  readonly directive?: string
  readonly request?: RequestFields
  readonly origin?: (response: ServerResponse) => void
}

const fail = (response: ServerResponse) => response.writeHead(500).end('failing')
const breakOff = (response: ServerResponse) => response.destroy()

/** What lets a stale response be used where no directive forbids it. */
const REASONS: Record<string, Reason> = {
  'max-stale': { request: { 'cache-control': 'max-stale' } },
  'max-stale=60': { request: { 'cache-control': 'max-stale=60' } },
  'stale-while-revalidate': { directive: 'stale-while-revalidate=60' },
  'stale-if-error of the response': { directive: 'stale-if-error=60', origin: fail },
  'stale-if-error of the request': { request: { 'cache-control': 'stale-if-error=60' }, origin: fail },
  disconnected: { origin: breakOff },
  'disconnected, and all leave': {
    directive: 'stale-while-revalidate=60, stale-if-error=60',
    request: { 'cache-control': 'max-stale, stale-if-error=60' },
    origin: breakOff,
  },
}

/** Whether a stored response, stale or with no-cache, answers for this reason. */
async function isUsed(t: TestContext, directives: string, reason: Reason, options: TestCacheOptions) {
  const { get, clock } = await stage(
    t,
    (_request, count, response) => {
      if (count > 1 && reason.origin !== undefined) {
        reason.origin(response)
        return undefined
      }
      const value = [directives, reason.directive].filter((part) => part !== undefined).join(', ')
      return { ...control(value, { etag: `"${count}"` }), body: count === 1 ? 'stored' : 'new' }
    },
    options,
  )
  await get()
  clock.pass(20)
  const { text, statusCode } = await get('/', reason.request)
  if (text !== 'stored')
    assert.deepEqual(statusCode === 200 ? 'new' : text, { 200: 'new', 500: 'failing', 504: '' }[statusCode])
  return text === 'stored'
}

test('[A56] what a directive forbids to be used stale no leave and no failure makes usable', async (t) => {
  const cases: [directives: string, shared: boolean, alone: boolean][] = [
    ['max-age=10', true, true],
    ['max-age=10, no-cache', false, false],
    ['max-age=100, no-cache', false, false],
    ['max-age=10, must-revalidate', false, false],
    ['MUST-REVALIDATE, max-age=10', false, false],
    ['max-age=10, proxy-revalidate', false, true],
    ['max-age=10, s-maxage=10', false, true],
    ['max-age=10, s-maxage=10, proxy-revalidate, must-revalidate', false, false],
  ]
  for (const options of BOTH) {
    for (const [directives, shared, alone] of cases) {
      for (const [name, reason] of Object.entries(REASONS)) {
        const expected = options === PRIVATE ? alone : shared
        assert.equal(await isUsed(t, directives, reason, options), expected, `${directives}; ${name}`)
      }
    }
  }
})

test('[A57] else only what is disconnected, or has leave, uses stale: an error of the origin is passed on', async (t) => {
  for (const options of BOTH) {
    for (const status of [400, 404, 429, 500, 501, 502, 503, 504]) {
      const { get, clock, count } = await stage(
        t,
        [
          { ...control('max-age=10', { etag: '"e"' }), body: 'stored' },
          { status, body: 'failing' },
        ],
        options,
      )
      await get()
      clock.pass(20)
      const { statusCode, text } = await get()
      assert.deepEqual([statusCode, text, count()], [status, 'failing', 2])
    }
    for (const status of [400, 404, 429, 501]) {
      const error = { origin: (response: ServerResponse) => response.writeHead(status).end('failing') }
      const { get, clock } = await stage(
        t,
        (_request, count, response) => {
          if (count === 1) return control('max-age=10, stale-if-error=60', { etag: '"e"' })
          error.origin(response)
          return undefined
        },
        options,
      )
      await get()
      clock.pass(20)
      assert.equal((await get()).statusCode, status, 'stale-if-error is for failing servers')
    }
  }
})

test('[A57] nor is it used without a reason, nor beyond its leave', async (t) => {
  for (const options of BOTH) {
    assert.equal(await isUsed(t, 'max-age=10', {}, options), false)
    assert.equal(await isUsed(t, 'max-age=10', { request: { 'cache-control': 'max-stale=9' } }, options), false)
    assert.equal(await isUsed(t, 'max-age=10', { directive: 'stale-while-revalidate=9' }, options), false)
    assert.equal(await isUsed(t, 'max-age=10', { directive: 'stale-if-error=60' }, options), false)
    assert.equal(await isUsed(t, 'max-age=10', { directive: 'stale-if-error=9', origin: fail }, options), false)
    const asked = { request: { 'cache-control': 'no-cache' } }
    assert.equal(
      await isUsed(t, 'max-age=10', { ...asked, directive: 'stale-if-error=60', origin: fail }, options),
      false,
    )
    await assert.rejects(isUsed(t, 'max-age=10', { ...asked, origin: breakOff }, options), { code: 'UND_ERR_SOCKET' })
    // Where disconnected is no reason, it is an error.
    const strict = { ...options, interceptor: { ...options.interceptor, staleWhenUnreachable: false } }
    await assert.rejects(isUsed(t, 'max-age=10', { origin: breakOff }, strict), { code: 'UND_ERR_SOCKET' })
    assert.equal(await isUsed(t, 'max-age=10', { directive: 'stale-if-error=60', origin: breakOff }, strict), true)
  }
})

test('[A93] nor where it was not worth storing: 504 when the origin cannot be reached, while that was its last word', async (t) => {
  const script: Reply[] = [control('no-cache'), control('no-store'), control('no-cache')]
  for (const options of BOTH) {
    const { get, origin } = await stage(t, script, options)
    await get()
    origin.server.close()
    origin.server.closeAllConnections()
    assert.equal((await get()).statusCode, 504)
    await assert.rejects(get('/other'), 'what nothing is known of fails as it does without a cache')
  }
  const { get, origin } = await stage(t, script)
  await get()
  await get()
  origin.server.close()
  origin.server.closeAllConnections()
  await assert.rejects(get(), 'the last response was another')
  const strict = await stage(t, script, { interceptor: { staleWhenUnreachable: false } })
  await strict.get()
  strict.origin.server.close()
  strict.origin.server.closeAllConnections()
  await assert.rejects(strict.get(), 'the option leaves the error to the caller')
})
