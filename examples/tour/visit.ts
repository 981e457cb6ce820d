/** One fetch through the cache, and what became of it: from `Cache-Status` and the events that the cache published. */
import { createHash } from 'node:crypto'
import { subscribe } from 'node:diagnostics_channel'
import type { Events, StreamingManager } from 'undici-streaming-cache'

/**
 * `miss`: from the origin, and stored. `not stored`: from the origin. `hit`: from the store. `validated`: from the store
 * after the origin's 304. `replaced`: the origin sent another response. `passed`: not the cache's business.
 */
export type Outcome = 'miss' | 'not stored' | 'hit' | 'validated' | 'replaced' | 'passed'

export interface Visit {
  readonly outcome: Outcome
  readonly why: string
  /** Bytes of the body. */
  readonly size: number
  readonly sha256: string
  /** Until the first byte of the body, and until the last, in milliseconds. */
  readonly firstByte: number
  readonly lastByte: number
}

type Seen = { [E in keyof Events]: Events[E] & { readonly event: E } }[keyof Events]

const EVENTS = ['hit', 'miss', 'validate', 'store', 'refuse', 'evict', 'error'] as const
const seen: Seen[] = []
for (const event of EVENTS) {
  subscribe(`undici-streaming-cache:${event}`, (message) => seen.push({ ...(message as object), event } as Seen))
}

/** What the cache has published since this was last asked. */
export function takeEvents(): Seen[] {
  return seen.splice(0)
}

/** Fetches by Node's own `fetch()`, on which the cache is installed. The body is hashed and not kept. */
export async function visit(manager: StreamingManager, url: string, init: RequestInit = {}): Promise<Visit> {
  takeEvents()
  const startedAt = performance.now()
  const response = await fetch(url, init)
  const hash = createHash('sha256')
  let firstByte: number | undefined
  let size = 0
  for await (const chunk of response.body ?? []) {
    firstByte ??= performance.now() - startedAt
    size += chunk.length
    hash.update(chunk)
  }
  const lastByte = performance.now() - startedAt
  // What is committed after the last byte has reached the caller is part of the story.
  await manager.runPendingTasks()
  const told = explain(response.headers.get('cache-status') ?? '', takeEvents(), response)
  return { ...told, size, sha256: hash.digest('hex'), firstByte: firstByte ?? lastByte, lastByte }
}

function explain(cacheStatus: string, events: Seen[], response: Response): Pick<Visit, 'outcome' | 'why'> {
  // Of several caches on the way, ours is the one that appended its member last.
  const status = cacheStatus.slice(Math.max(0, cacheStatus.lastIndexOf('undici-streaming-cache')))
  const ttl = /ttl=(-?\d+)/.exec(status)?.[1] ?? '0'
  if (status.includes('; hit')) return { outcome: 'hit', why: `fresh for another ${period(Number(ttl))}` }
  if (status.includes('fwd-status=304')) {
    return { outcome: 'validated', why: `304 from the origin: fresh again for ${period(Number(ttl))}` }
  }
  const reason = /fwd=([\w-]+)/.exec(status)?.[1]
  if (reason === undefined || reason === 'method') {
    return { outcome: 'passed', why: `${response.status}: what was stored is invalid now` }
  }
  const refusal = events.find((event) => event.event === 'refuse')?.reason
  const isStored = events.some((event) => event.event === 'store')
  if (!isStored)
    return { outcome: 'not stored', why: WHY_REFUSED[refusal ?? ''] ?? refusal ?? WHY_FORWARDED[reason] ?? '' }
  if (reason === 'stale') return { outcome: 'replaced', why: 'stale, and the origin sent a new one' }
  return { outcome: 'miss', why: WHY_FORWARDED[reason] ?? reason }
}

const WHY_FORWARDED: Readonly<Record<string, string>> = {
  'uri-miss': 'nothing stored for this URL yet',
  'vary-miss': 'stored for other headers only (Vary)',
  stale: 'stale, and nothing to validate it by',
  request: 'the request asks for a new one',
  bypass: 'the request is one that passes by',
}

const WHY_REFUSED: Readonly<Record<string, string>> = {
  'no-store': 'the response says no-store',
  private: 'private, and this cache is shared',
  status: 'a status that is not stored, or nothing says for how long',
  useless: 'never fresh, and no validator to ask the origin by',
  vary: 'Vary: * matches no request',
  authorization: 'an answer to credentials, not marked public',
  cookie: 'an answer to a cookie, not marked public',
  'set-cookie': 'it sets a cookie, and is not marked public',
  unframed: 'its end cannot be told from a broken connection',
  redirected: 'an answer for another URL',
  'too-large': 'larger than maxBodySize',
  'not-admitted': 'not worth what it would push out',
}

/** Seconds, in the unit that is read at a glance. */
function period(seconds: number): string {
  if (seconds < 100) return `${seconds} s`
  if (seconds < 100 * 60) return `${Math.round(seconds / 60)} min`
  return seconds < 48 * 3600 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} days`
}
