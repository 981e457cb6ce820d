/** `gc`: makes room. */
import { Option, type Command } from 'commander'
import { isLeader, loose, type Finding } from '../../manager/audit.ts'
import { diskSize } from '../../manager/catalogue.ts'
import type { Inspection } from '../../manager/inspection.ts'
import type { ManagerOptions } from '../../manager/options.ts'
import { sizeOption } from '../fetching.ts'
import { DONE, type Session } from '../session.ts'
import { counted, humanSize, integer } from '../units.ts'

interface CollectOptions {
  readonly maxSize?: number
  readonly maxEntries?: number
}

interface Holding {
  readonly entries: number
  readonly diskBytes: number
  readonly loose: readonly Finding[]
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
  const inspection = await session.inspect()
  const progress = session.progress('Cleaning up', 'items')
  const steps = 3
  progress.update(0, steps)
  const before = await holding(inspection, session.signal)
  progress.update(1, steps)
  const leads = await session.change(limits, async (manager) => {
    await manager.runPendingTasks()
    return isLeader(manager)
  })
  progress.update(2, steps)
  const after = await holding(await session.inspect(), session.signal)
  progress.update(steps, steps)
  progress.end()
  const document = {
    entriesRemoved: before.entries - after.entries,
    orphansRemoved: gone(before, after, 'orphan'),
    temporariesRemoved: gone(before, after, 'temporary'),
    diskBytesFreed: before.diskBytes - after.diskBytes,
    entries: after.entries,
    diskBytes: after.diskBytes,
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
    await session.out.line(`Left: ${counted(after.entries, 'entry', 'entries')}, ${humanSize(after.diskBytes)} on disk`)
    if (!leads) await session.out.line('Another process has the directory open: limits and cleaning up are its own.')
  }
  return DONE
}

async function holding(inspection: Inspection, signal: AbortSignal): Promise<Holding> {
  const found = await loose(inspection.store)
  let entries = 0
  let diskBytes = 0
  for await (const record of inspection.records()) {
    signal.throwIfAborted()
    entries++
    diskBytes += diskSize(record)
    if (record.body.size >= 0) found.delete(record.body.sha256)
  }
  return { entries, diskBytes, loose: [...found.values()] }
}

function gone(before: Holding, after: Holding, kind: Finding['kind']): number {
  const count = (held: Holding) => held.loose.filter((finding) => finding.kind === kind).length
  return Math.max(0, count(before) - count(after))
}
