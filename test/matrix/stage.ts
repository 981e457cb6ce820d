/**
 * Where a check of the callers is played: one caller, and one of the ways in which the cache answers it. The origin's
 * response is the same whichever way, and so must be what the caller gets.
 */
import assert from 'node:assert/strict'
import type { StreamingManager } from 'undici-streaming-cache'
import type { Answer, Caller, Question } from './callers.ts'
import type { Origin, Respond, Route } from './origin.ts'

/** Not stored; stored and fresh; stored and stale, and the origin says 304. */
export const WAYS = ['miss', 'hit', 'validated'] as const
export type Way = (typeof WAYS)[number]

const STATUS = {
  miss: /^undici-streaming-cache; fwd=uri-miss; stored$/,
  hit: /^undici-streaming-cache; hit; ttl=\d+$/,
  validated: /^undici-streaming-cache; fwd=stale; fwd-status=304; ttl=-?\d+$/,
}

const VALIDATOR = '"v1"'

/** A check of the callers, and the ways for which it says something. */
export interface StageCheck {
  readonly check: (stage: Stage) => Promise<void>
  readonly ways: readonly Way[]
}

export class Stage {
  readonly caller: Caller
  readonly way: Way
  readonly manager: StreamingManager
  readonly #origin: Origin

  constructor(caller: Caller, way: Way, manager: StreamingManager, origin: Origin) {
    this.caller = caller
    this.way = way
    this.manager = manager
    this.#origin = origin
  }

  /** A URL with this response, stored already where the way is so. */
  async prepare(respond: Respond, question?: Question): Promise<Route> {
    const route = this.#origin.route((request, response) => {
      response.setHeader('cache-control', `max-age=${this.way === 'validated' ? 0 : 600}`)
      response.setHeader('etag', VALIDATOR)
      if (request.headers['if-none-match'] === VALIDATOR) response.writeHead(304).end()
      else respond(request, response)
    })
    if (this.way === 'miss') return route
    const answer = await this.caller.ask(route.url, question)
    await answer.bytes()
    await this.manager.runPendingTasks()
    route.forget()
    return route
  }

  /** Asks, and makes sure that the answer came by the stage's way. */
  async ask(route: Route, question?: Question): Promise<Answer> {
    const answer = await this.caller.ask(route.url, question)
    this.assertWay(answer, this.way)
    assert.equal(route.arrivals.length, this.way === 'hit' ? 0 : 1, 'requests that reached the origin')
    return answer
  }

  /** The answer says that the cache gave it by this way. */
  assertWay(answer: Answer, way: Way): void {
    assert.match(answer.values('cache-status').join(', '), STATUS[way])
  }

  /** After a mishap: the caller gets the whole body, the next time by this way. */
  async assertWhole(route: Route, body: Buffer, way: Way = this.way): Promise<void> {
    await this.manager.runPendingTasks()
    const answer = await this.caller.ask(route.url)
    this.assertWay(answer, way)
    assertSame(await answer.bytes(), body)
  }
}

/** Without a dump of both. */
export function assertSame(actual: Buffer, expected: Buffer): void {
  assert.equal(actual.length, expected.length, 'length of the body')
  assert.ok(actual.equals(expected), 'bytes of the body')
}
