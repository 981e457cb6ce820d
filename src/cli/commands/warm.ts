/** `warm`: fetches URLs through the cache, so that what may be stored is. */
import { createInterface } from 'node:readline'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { Option, type Command } from 'commander'
import { PACKAGE_NAME, type RefusalEvent } from '../../diagnostics.ts'
import { createFetch } from '../../interceptor/create-fetch.ts'
import {
  cacheStatusOf,
  managerOptions,
  reasonOf,
  requestHeaders,
  withFetching,
  type FetchOptions,
} from '../fetching.ts'
import { DONE, UsageError, WRONG, type Session } from '../session.ts'
import { counted, humanSize, integer } from '../units.ts'
import { shown } from '../views.ts'

interface WarmOptions extends FetchOptions {
  readonly concurrency: number
}

/** What became of one URL. `failed`: no answer, or one with a status of 400 or more. */
interface Outcome {
  readonly url: string
  readonly result: 'hit' | 'validated' | 'stored' | 'not stored' | 'failed'
  readonly statusCode?: number
  readonly bytes: number
  /** Why it was not stored, or failed. */
  readonly reason?: string
}

const REFUSALS = `${PACKAGE_NAME}:refuse`
const WAYS = ['stored', 'hit', 'validated', 'not stored', 'failed'] as const

export function defineWarm(command: Command): Command {
  return withFetching(command)
    .addOption(new Option('--concurrency <count>', 'requests at a time').argParser(integer(1, 1024)).default(4))
    .addHelpText(
      'after',
      `
"-" reads URLs from standard input, a line each; empty lines and those that begin with # are passed over. Bodies are read
and dropped. Ctrl-C ends what is under way: what is stored whole by then stays, and nothing else.
Exit code 1: some have failed.
`,
    )
}

export async function warm(session: Session, urls: readonly string[], options: WarmOptions): Promise<number> {
  const all = [
    ...new Set(urls.includes('-') ? [...urls.filter((url) => url !== '-'), ...(await readLines(session))] : urls),
  ]
  const bad = all.find((url) => !/^https?:$/.test(URL.parse(url)?.protocol ?? ''))
  if (bad !== undefined) throw new UsageError(`Not an http or https URL: ${shown(session, bad)}`)
  const outcomes = await session.change(managerOptions(options), async (manager) => {
    const refusals = new Map<string, string>()
    const onRefusal = (message: unknown) => {
      const { key, reason } = message as RefusalEvent
      refusals.set(key, reason)
    }
    subscribe(REFUSALS, onRefusal)
    const progress = session.progress('Warming', 'items')
    try {
      const fetching = createFetch(manager, { type: options.type })
      return await fetchAll(session, all, options, fetching, refusals, (done) => progress.update(done, all.length))
    } finally {
      progress.end()
      unsubscribe(REFUSALS, onRefusal)
    }
  })
  await report(session, all.length, outcomes)
  session.signal.throwIfAborted()
  return outcomes.every(({ result }) => result !== 'failed') ? DONE : WRONG
}

async function readLines({ stdin, signal }: Session): Promise<string[]> {
  const lines: string[] = []
  const reading = createInterface({ input: stdin, signal })
  for await (const line of reading) lines.push(line.trim())
  signal.throwIfAborted()
  return lines.filter((line) => line !== '' && !line.startsWith('#'))
}

/** So many at a time, in order, until all are done or the user has had enough. */
async function fetchAll(
  session: Session,
  urls: readonly string[],
  options: WarmOptions,
  fetching: typeof fetch,
  refusals: ReadonlyMap<string, string>,
  onDone: (count: number) => void,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  const waiting = urls.values()
  const worker = async () => {
    for (const url of waiting) {
      if (session.signal.aborted) return
      const outcome = await fetchOne(session, url, options, fetching, refusals)
      if (outcome !== undefined) outcomes.push(outcome)
      onDone(outcomes.length)
    }
  }
  await Promise.all(Array.from({ length: Math.min(options.concurrency, urls.length) }, worker))
  return outcomes
}

/** Undefined when it was interrupted. */
async function fetchOne(
  { signal }: Session,
  url: string,
  options: WarmOptions,
  fetching: typeof fetch,
  refusals: ReadonlyMap<string, string>,
): Promise<Outcome | undefined> {
  let bytes = 0
  try {
    const response = await fetching(url, { headers: requestHeaders(options), signal })
    for await (const chunk of response.body ?? []) bytes += (chunk as Uint8Array).length
    const { status: statusCode } = response
    if (statusCode >= 400) return { url, result: 'failed', statusCode, bytes, reason: `status ${statusCode}` }
    const result = resultOf(cacheStatusOf(response))
    const reason = refusals.get(URL.parse(response.url)?.href ?? url)
    const isRefused = reason !== undefined && (result === 'stored' || result === 'not stored')
    return isRefused ? { url, result: 'not stored', statusCode, bytes, reason } : { url, result, statusCode, bytes }
  } catch (error) {
    return signal.aborted ? undefined : { url, result: 'failed', bytes, reason: reasonOf(error) }
  }
}

function resultOf(status: string): Outcome['result'] {
  if (/^hit\b/.test(status)) return 'hit'
  if (/\bttl=/.test(status)) return 'validated'
  return /\bstored\b/.test(status) ? 'stored' : 'not stored'
}

async function report(session: Session, count: number, outcomes: readonly Outcome[]): Promise<void> {
  const counts = WAYS.map((way) => ({ way, count: outcomes.filter(({ result }) => result === way).length }))
  const bytes = outcomes.reduce((sum, outcome) => sum + outcome.bytes, 0)
  if (session.isJson) {
    const results = outcomes.map(({ url, ...outcome }) => ({ url: shown(session, url), ...outcome }))
    await session.out.json({
      urls: count,
      ...Object.fromEntries(counts.map(({ way, count }) => [way === 'not stored' ? 'notStored' : way, count])),
      bytes,
      results,
    })
    return
  }
  for (const { url, result, reason } of outcomes)
    if (reason !== undefined) await session.out.line(`${result}: ${shown(session, url)}: ${shown(session, reason)}`)
  const parts = counts.filter(({ count }) => count > 0).map(({ way, count }) => `${count} ${way}`)
  const done = outcomes.length < count ? `${outcomes.length} of ${counted(count, 'URL')}` : counted(count, 'URL')
  await session.out.line([`${done}: ${parts.join(', ') || 'nothing done'}`, humanSize(bytes)].join(', '))
}
