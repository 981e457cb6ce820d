/** `stats`: what is in the directory, in numbers. */
import type { Command } from 'commander'
import { diskSize } from '../../manager/disk-use.ts'
import { explainFreshness } from '../../policy/explanation.ts'
import { fieldValue } from '../../policy/field-lines.ts'
import type { StoredResponse } from '../../stored-response.ts'
import { typeOption } from '../selection.ts'
import { historyOf, type HistoryView } from '../report/history.ts'
import { DONE, type Session } from '../session.ts'
import { counted, humanSize } from '../units.ts'
import { isoTime, policySettings, shown, splitKey, type CacheType } from '../views.ts'

interface Share {
  readonly name: string
  readonly entries: number
  /** Bytes on disk. */
  readonly size: number
}

const MOST_SHOWN = 10

export function defineStats(command: Command): Command {
  return command.addOption(typeOption()).addHelpText(
    'after',
    `
Hits and misses are those that processes have noted in the directory, each minute and when they end; what is older than
some hours is drawn together. manager.stats() has those of one process.
`,
  )
}

export async function stats(session: Session, { type }: { type: CacheType }): Promise<number> {
  const inspection = await session.inspect()
  const records = await inspection.records(session)
  const members = await inspection.members()
  const document = {
    directory: inspection.directory,
    openIn: members.map(({ pid, since }, i) => ({ pid, since: isoTime(since), isLeader: i === 0 })),
    ...summary(session, records, type),
    answered: historyOf(await inspection.history(), isoTime) ?? null,
    byOrigin: shares(records, ({ key }) => shown(session, originOf(key))),
    byStatus: shares(records, ({ statusCode }) => String(statusCode)),
    byContentType: shares(records, contentType),
  }
  if (session.isJson) await session.out.json(document)
  else await print(session, document)
  return DONE
}

function summary(session: Session, records: readonly StoredResponse[], type: CacheType) {
  const states = { fresh: 0, stale: 0, validate: 0 }
  for (const record of records) states[explainFreshness(record, policySettings(type), session.now).state]++
  const times = records.map(({ responseTime }) => responseTime)
  const bodies = new Map(records.map(({ body }) => [body.sha256, body.size]))
  return {
    entries: records.length,
    urls: new Set(records.map(({ key }) => key)).size,
    bodies: bodies.size,
    bodyBytes: bodies.values().reduce((sum, size) => sum + size, 0),
    diskBytes: records.reduce((sum, record) => sum + diskSize(record), 0),
    ...states,
    oldest: times.length === 0 ? null : isoTime(times.reduce((a, b) => Math.min(a, b))),
    newest: times.length === 0 ? null : isoTime(times.reduce((a, b) => Math.max(a, b))),
  }
}

/** All of them, the heaviest first. */
function shares(records: readonly StoredResponse[], nameOf: (record: StoredResponse) => string): Share[] {
  const sums = new Map<string, { entries: number; size: number }>()
  for (const record of records) {
    const name = nameOf(record)
    const sum = sums.get(name) ?? { entries: 0, size: 0 }
    sums.set(name, { entries: sum.entries + 1, size: sum.size + diskSize(record) })
  }
  return Array.from(sums, ([name, sum]) => ({ name, ...sum })).sort((a, b) => b.size - a.size)
}

function originOf(key: string): string {
  return URL.parse(splitKey(key).url)?.origin ?? splitKey(key).url
}

function contentType({ fields }: StoredResponse): string {
  return (fieldValue(fields, 'content-type') ?? 'none').split(';')[0]?.trim().toLowerCase() ?? 'none'
}

interface Document extends ReturnType<typeof summary> {
  readonly answered: HistoryView | null
  readonly directory: string
  readonly openIn: readonly { readonly pid: number; readonly since: string; readonly isLeader: boolean }[]
  readonly byOrigin: readonly Share[]
  readonly byStatus: readonly Share[]
  readonly byContentType: readonly Share[]
}

async function print({ out }: Session, document: Document): Promise<void> {
  const { openIn, entries, urls, bodies, bodyBytes, diskBytes } = document
  await out.line(document.directory)
  await out.line(
    `  ${counted(entries, 'entry', 'entries')} of ${counted(urls, 'URL')}, ${humanSize(diskBytes)} on disk`,
  )
  await out.line(`  ${counted(bodies, 'body', 'bodies')} of ${humanSize(bodyBytes)} in all`)
  await out.line(`  ${document.fresh} fresh, ${document.stale} stale, ${document.validate} validated before each use`)
  if (document.oldest !== null) await out.line(`  from ${document.oldest} to ${document.newest}`)
  if (document.answered !== null) {
    const { hits, misses, bytesServed, bytesFromNetwork, since } = document.answered
    const ratio = ((100 * hits) / Math.max(1, hits + misses)).toFixed(1)
    await out.line(`  ${counted(hits, 'hit')} and ${counted(misses, 'miss', 'misses')} (${ratio} %) since ${since}`)
    await out.line(`  ${humanSize(bytesServed)} handed out, ${humanSize(bytesFromNetwork)} from the network`)
  }
  const processes = openIn.map(({ pid, isLeader }) => `${pid}${isLeader ? ' (leads)' : ''}`)
  await out.line(`  ${processes.length === 0 ? 'no process has it open' : `open in process ${processes.join(', ')}`}`)
  for (const [title, shares] of [
    ['By origin', document.byOrigin],
    ['By status', document.byStatus],
    ['By content type', document.byContentType],
  ] as const) {
    if (shares.length === 0) continue
    await out.line()
    await out.line(title)
    const rows = shares.slice(0, MOST_SHOWN).map((share) => [`  ${share.entries}`, humanSize(share.size), share.name])
    await out.table(rows, new Set([0, 1]))
    if (shares.length > MOST_SHOWN) await out.line(`  and ${shares.length - MOST_SHOWN} more: --json has them all`)
  }
}
