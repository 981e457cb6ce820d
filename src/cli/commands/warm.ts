/** `warm`: fetches URLs through the cache, so that what may be stored is. */
import { createInterface } from 'node:readline'
import { Option, type Command } from 'commander'
import { createFetch } from '../../interceptor/create-fetch.ts'
import { DEFAULT_CONCURRENCY, MOST_AT_A_TIME, warm as warmUrls, type WarmOutcome } from '../../interceptor/warm.ts'
import { managerOptions, requestHeaders, withFetching, type FetchOptions } from '../fetching.ts'
import { DONE, UsageError, WRONG, type Session } from '../session.ts'
import { counted, humanSize, integer } from '../units.ts'
import { shown } from '../views.ts'

interface WarmOptions extends FetchOptions {
  readonly concurrency: number
}

const WAYS = ['stored', 'hit', 'validated', 'not stored', 'failed'] as const

export function defineWarm(command: Command): Command {
  return withFetching(command)
    .addOption(
      new Option('--concurrency <count>', 'requests at a time')
        .argParser(integer(1, MOST_AT_A_TIME))
        .default(DEFAULT_CONCURRENCY),
    )
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
  const outcomes: WarmOutcome[] = []
  await session.change(managerOptions(options), async (manager) => {
    const progress = session.progress('Warming', 'items')
    try {
      await warmUrls(manager, all, {
        concurrency: options.concurrency,
        headers: requestHeaders(options),
        signal: session.signal,
        fetch: createFetch(manager, { type: options.type }),
        onProgress: (outcome, done) => {
          outcomes.push(outcome)
          progress.update(done, all.length)
        },
      })
    } catch (error) {
      // What was done by then is told below.
      if (!session.signal.aborted) throw error
    } finally {
      progress.end()
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

async function report(session: Session, count: number, outcomes: readonly WarmOutcome[]): Promise<void> {
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
