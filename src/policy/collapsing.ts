/**
 * Collapsed requests (RFC 9111 section 4: "a cache can use a response … to satisfy more than one" of the same): which
 * requests wait for one another, and whether the answer to the first is for those who have waited.
 */
import { requestDirectives, seconds } from './cache-control.ts'
import type { CacheRequest, PolicySettings } from './cache-request.ts'
import { fieldValue } from './field-lines.ts'
import { restFields } from './rest.ts'
import { isOwnCondition, mayReuse, whenOriginFails } from './reuse.ts'
import { served, type Served } from './serving.ts'
import { variantOf } from './vary.ts'
import { entryKey, type StoredResponse } from '../stored-response.ts'

/** The response to a request that was sent before this one came could answer it. */
export function mayWait(request: CacheRequest): boolean {
  if (request.mode === 'no-cache' || request.mode === 'reload' || request.mode === 'no-store') return false
  const ofRequest = requestDirectives(request.fields)
  return !ofRequest.has('no-cache') && !ofRequest.has('no-store') && seconds(ofRequest, 'max-age') !== 0
}

/** The response to it may answer others: a whole one, and not forbidden by the request to be stored. */
export function isForOthers(request: CacheRequest): boolean {
  return !isOwnCondition(request) && !requestDirectives(request.fields).has('no-store')
}

export type NotShared =
  /** It varies, and this request selects another: `selects` is its entry key. */
  | { readonly verdict: 'other-variant'; readonly selects: string }
  /** `isNobodys`: it would answer no other request without being validated. */
  | { readonly verdict: 'alone'; readonly isNobodys: boolean }

export type Sharing =
  | { readonly verdict: 'share'; readonly answer: Served; readonly age: number; readonly ttl: number }
  | NotShared

/** A response whose body is still arriving. */
export interface Arriving {
  /** Its body's size is the announced one, or a very large one when none was. */
  readonly record: StoredResponse
  /** Its size was announced. */
  readonly isSized: boolean
  /** Bytes that have come. */
  readonly received: number
}

/** What a response that is arriving for another answers to this request. */
export function shareArriving(
  arriving: Arriving,
  request: CacheRequest,
  now: number,
  settings: PolicySettings,
): Sharing {
  const { record } = arriving
  const other = otherVariant(record, request)
  if (other !== undefined) return other
  const reuse = mayReuse(record, request, now, settings)
  if (reuse.use !== 'serve') return { verdict: 'alone', isNobodys: reuse.use === 'none' || reuse.because === 'stale' }
  const answer = served(record, request, reuse.age)
  // Meant for the one who asked: what others get of it later, out of the store, the origin has allowed expressly.
  const isOwn = settings.shared && fieldValue(record.fields, 'set-cookie') !== undefined
  if (isOwn || !isNear(arriving, answer, request)) return { verdict: 'alone', isNobodys: false }
  return { verdict: 'share', answer, age: reuse.age, ttl: reuse.ttl }
}

/**
 * After a validation: whether what is stored, which the origin has vouched for (304) or failed to, answers this request.
 * Undefined when it does.
 */
export function whyNotUse(
  stored: StoredResponse,
  originAnswer: number | 'unreachable',
  request: CacheRequest,
  now: number,
  settings: PolicySettings,
): NotShared | undefined {
  const other = otherVariant(stored, request)
  if (other !== undefined) return other
  if (originAnswer !== 304) {
    const failure = originAnswer === 'unreachable' ? 'unreachable' : 'error'
    const fallback = whenOriginFails(stored, request, failure, now, settings)
    return fallback === 'serve-stale' ? undefined : { verdict: 'alone', isNobodys: false }
  }
  const reuse = mayReuse(stored, request, now, settings)
  if (reuse.use === 'serve') return undefined
  return { verdict: 'alone', isNobodys: reuse.use === 'none' || reuse.because === 'stale' }
}

function otherVariant({ vary, variant }: StoredResponse, request: CacheRequest): NotShared | undefined {
  const selected = variantOf(vary, request.fields)
  return selected === variant ? undefined : { verdict: 'other-variant', selects: entryKey(request.key, selected) }
}

/** Bytes by which a part may begin ahead of what has come: one further off is sooner there when it is asked for by itself. */
const MAX_AHEAD = 1_048_576

/** A part is given only of a body whose length is known, which could be had from elsewhere should it break off. */
function isNear({ record, isSized, received }: Arriving, { bytes }: Served, request: CacheRequest): boolean {
  if (request.fields['range'] === undefined) return true
  if (!isSized || bytes === undefined) return isSized
  return bytes.start <= received + MAX_AHEAD && (bytes.start === 0 || restFields(record, bytes) !== undefined)
}
