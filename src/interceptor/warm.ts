/** Fetches URLs through a cache, so that what may be stored is there before anybody asks for it. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { PACKAGE_NAME, type RefusalEvent } from '../diagnostics.ts'
import { ClosedError, InvalidOptionError } from '../errors.ts'
import { rejectUnknown } from '../manager/options.ts'
import { engineOf, type StreamingManager } from '../manager/streaming-manager.ts'
import { getCacheStatus, type CacheStatus } from '../policy/cache-status.ts'
import { createFetch } from './create-fetch.ts'

/** What became of one URL. */
export interface WarmOutcome {
  readonly url: string
  /** `failed`: no answer, or one with a status of 400 or more. */
  readonly result: 'hit' | 'validated' | 'stored' | 'not stored' | 'failed'
  /** Undefined where there was no answer. */
  readonly statusCode: number | undefined
  /** Bytes of the body. */
  readonly bytes: number
  /** Why it was not stored, or failed. */
  readonly reason?: string
}

export interface WarmOptions {
  /** Requests at a time, from 1 to 1,024. Default 4. */
  readonly concurrency?: number
  /** Headers of every request: what a Vary of the responses names has to be what will be asked with later. */
  readonly headers?: RequestInit['headers']
  /** Ends it early: what is stored whole by then stays. */
  readonly signal?: AbortSignal
  /** Called after each URL, with the number of those that are done. */
  readonly onProgress?: (outcome: WarmOutcome, done: number) => void
  /** A fetch through this manager, such as one from `createFetch` with the options of your interceptor. Default `createFetch(manager)`. */
  readonly fetch?: typeof fetch
}

export const DEFAULT_CONCURRENCY = 4
export const MOST_AT_A_TIME = 1_024
const REFUSALS = `${PACKAGE_NAME}:refuse`

/**
 * Fetches each URL once, in order, some at a time, reads the bodies and drops them. Resolves with what became of each, in
 * the order in which they were done. An origin that fails fails its URL and nothing else.
 *
 * @throws {InvalidOptionError} when an option is wrong, or a URL is none of http or https
 * @throws {ClosedError} after the manager's `close()`
 * @throws what `signal` was aborted with
 *
 * @example
 * await warm(manager, urls, { concurrency: 8, onProgress: ({ url, result }) => console.log(result, url) })
 */
export async function warm(
  manager: StreamingManager,
  urls: Iterable<string>,
  options: WarmOptions = {},
): Promise<WarmOutcome[]> {
  if (engineOf(manager).isClosed) throw new ClosedError()
  const { concurrency, onProgress } = checked(options)
  const wanted = [...new Set(urls)]
  for (const url of wanted)
    if (!/^https?:$/.test(URL.parse(url)?.protocol ?? ''))
      throw new InvalidOptionError('urls', 'http or https URLs', url)
  const refusals = new Map<string, string>()
  const onRefusal = (message: unknown): void => {
    const { key, reason } = message as RefusalEvent
    refusals.set(key, reason)
  }
  const fetching = options.fetch ?? createFetch(manager)
  const outcomes: WarmOutcome[] = []
  const waiting = wanted.values()
  const worker = async (): Promise<void> => {
    for (const url of waiting) {
      if (options.signal?.aborted === true) return
      const outcome = await fetchOne(url, options, fetching, refusals)
      if (outcome === undefined) return
      const done = outcomes.push(outcome)
      onProgress?.(outcome, done)
    }
  }
  subscribe(REFUSALS, onRefusal)
  try {
    await Promise.all(Array.from({ length: Math.min(concurrency, wanted.length) }, worker))
  } finally {
    unsubscribe(REFUSALS, onRefusal)
  }
  options.signal?.throwIfAborted()
  return outcomes
}

function checked(options: WarmOptions): WarmOptions & { readonly concurrency: number } {
  if (typeof options !== 'object' || options === null) throw new InvalidOptionError('options', 'an object', options)
  rejectUnknown(options, { concurrency: true, headers: true, signal: true, onProgress: true, fetch: true })
  const { concurrency = DEFAULT_CONCURRENCY, onProgress, fetch: fetching, signal } = options
  if (!Number.isSafeInteger(concurrency) || concurrency < 1 || concurrency > MOST_AT_A_TIME)
    throw new InvalidOptionError('concurrency', `an integer from 1 to ${MOST_AT_A_TIME}`, concurrency)
  for (const [name, given] of Object.entries({ onProgress, fetch: fetching }))
    if (given !== undefined && typeof given !== 'function') throw new InvalidOptionError(name, 'a function', given)
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw new InvalidOptionError('signal', 'an AbortSignal', signal)
  return { ...options, concurrency }
}

/** Undefined when it was interrupted. */
async function fetchOne(
  url: string,
  { headers, signal }: WarmOptions,
  fetching: typeof fetch,
  refusals: ReadonlyMap<string, string>,
): Promise<WarmOutcome | undefined> {
  let statusCode: number | undefined
  let bytes = 0
  try {
    const response = await fetching(url, { ...(headers && { headers }), ...(signal && { signal }) })
    statusCode = response.status
    for await (const chunk of response.body ?? []) bytes += (chunk as Uint8Array).length
    if (statusCode >= 400) return { url, result: 'failed', statusCode, bytes, reason: `status ${statusCode}` }
    const result = resultOf(getCacheStatus(response))
    const reason = refusals.get(URL.parse(response.url)?.href ?? url)
    const isRefused = reason !== undefined && (result === 'stored' || result === 'not stored')
    return isRefused ? { url, result: 'not stored', statusCode, bytes, reason } : { url, result, statusCode, bytes }
  } catch (error) {
    return signal?.aborted === true ? undefined : { url, result: 'failed', statusCode, bytes, reason: reasonOf(error) }
  }
}

function resultOf(status: CacheStatus | undefined): WarmOutcome['result'] {
  if (status?.hit === true) return 'hit'
  if (status?.ttl !== undefined) return 'validated'
  return status?.stored === true ? 'stored' : 'not stored'
}

/** What `fetch` says when it fails is in its cause. */
export function reasonOf(error: unknown): string {
  const { message, cause } = error as { message?: string; cause?: { message?: string; code?: string } }
  return cause?.message || cause?.code || message || String(error)
}
