/** `gc`: makes room. */
import { Option, type Command } from 'commander'
import { isLeader, survey, type Finding, type Survey } from '../../manager/audit.ts'
import { diskSize } from '../../manager/disk-use.ts'
import type { ManagerOptions } from '../../manager/options.ts'
import { sizeOption } from '../fetching.ts'
import type { Progress } from '../progress.ts'
import { DONE, type Session } from '../session.ts'
import { counted, humanSize, integer } from '../units.ts'

interface CollectOptions {
  readonly maxSize?: number
  readonly maxEntries?: number
}

export function defineCollect(command: Command): Command {
  return command
    .addOption(sizeOption('--max-size', 'bytes on disk to keep at most: what is worth least goes'))
    .addOption(new Option('--max-entries <count>', 'entries to keep at most').argParser(integer(1, 2 ** 24)))
    .addHelpText(
      'after',
      `
Removes bodies that no record needs, records that have no body, and what killed processes have left; and what is over the
limits given here. While another process has the directory open, it keeps its own limits and cleans up by itself.
`,
    )
}

export async function collect(session: Session, options: CollectOptions): Promise<number> {
  const { maxSize, maxEntries } = options
  const limits: ManagerOptions = {
    ...(maxSize === undefined ? {} : { maxSize }),
    ...(maxEntries === undefined ? {} : { maxEntries }),
  }
  const { store } = await session.inspect()
  const progress = session.progress('Cleaning up', 'items')
  const { before, after, leads } = await tidy(session, store, limits, progress).finally(() => progress.end())
  const document = {
    entriesRemoved: before.records.length - after.records.length,
    orphansRemoved: gone(before, after, 'orphan'),
    temporariesRemoved: gone(before, after, 'temporary'),
    diskBytesFreed: bytesOf(before) - bytesOf(after),
    entries: after.records.length,
    diskBytes: bytesOf(after),
    isLeader: leads,
  }
  if (session.isJson) await session.out.json(document)
  else {
    const { entriesRemoved, orphansRemoved, temporariesRemoved, diskBytesFreed } = document
    await session.out.line(
      [
        `Removed: ${counted(entriesRemoved, 'entry', 'entries')}`,
        counted(orphansRemoved, 'body without a record', 'bodies without a record'),
        `${counted(temporariesRemoved, 'abandoned file')}; ${humanSize(diskBytesFreed)} freed`,
      ].join(', '),
    )
    await session.out.line(
      `Left: ${counted(document.entries, 'entry', 'entries')}, ${humanSize(document.diskBytes)} on disk`,
    )
    if (!leads) await session.out.line('Another process has the directory open: limits and cleaning up are its own.')
  }
  return DONE
}

async function tidy(
  session: Session,
  store: Parameters<typeof survey>[0],
  limits: ManagerOptions,
  progress: Progress,
): Promise<{ before: Survey; after: Survey; leads: boolean }> {
  const { signal } = session
  // What is there is looked at twice: half of the work lies before the cleaning up, and half after it.
  const before = await survey(store, { signal, onProgress: (done, total) => progress.update(done, 2 * total) })
  const leads = await session.change(limits, async (manager) => {
    await manager.runPendingTasks()
    return isLeader(manager)
  })
  const after = await survey(store, { signal, onProgress: (done, total) => progress.update(done + total, 2 * total) })
  return { before, after, leads }
}

function bytesOf({ records }: Survey): number {
  return records.reduce((sum, record) => sum + diskSize(record), 0)
}

function gone(before: Survey, after: Survey, kind: Finding['kind']): number {
  const count = ({ findings }: Survey) => findings.filter((finding) => finding.kind === kind).length
  return Math.max(0, count(before) - count(after))
}
