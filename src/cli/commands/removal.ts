/** `rm` and `purge`: taking out what is stored. */
import { Option, type Command } from 'commander'
import { discard } from '../../manager/audit.ts'
import { diskSize } from '../../manager/disk-use.ts'
import type { StreamingManager } from '../../manager/streaming-manager.ts'
import { entryKey, type StoredResponse } from '../../stored-response.ts'
import { isSelected, originOption, prefixOption, tagOption, typeOption, type SelectionOptions } from '../selection.ts'
import { DONE, UsageError, WRONG, type Session } from '../session.ts'
import { counted, humanSize } from '../units.ts'
import { shown, viewEntry } from '../views.ts'

interface PurgeOptions extends SelectionOptions {
  readonly all?: boolean
  readonly dryRun?: boolean
}

export async function remove(session: Session, url: string): Promise<number> {
  const found = await (await session.inspect()).find(url, session)
  const exact = found.filter(({ key, variant }) => variant !== '' && entryKey(key, variant) === url)
  const wasStored = await session.change({}, async (manager) => {
    if (exact.length > 0) await discard(manager, exact)
    else await deleteKeys(manager, [url, ...found.map(({ key }) => key)])
    return found.length > 0
  })
  if (session.isJson) await session.out.json({ url: shown(session, url), removed: wasStored })
  if (!wasStored) await session.fail(`nothing is stored for ${shown(session, url)}`)
  return wasStored ? DONE : WRONG
}

export function defineRemove(command: Command): Command {
  return command.addHelpText(
    'after',
    `
Removes all variants of the URL and its answer to HEAD; of a key with a variant that ls printed, this one. Also in running processes that share the directory, and keeps
what they are just fetching for it from being stored.
`,
  )
}

export function definePurge(command: Command): Command {
  return command
    .addOption(prefixOption())
    .addOption(originOption())
    .addOption(tagOption())
    .addOption(new Option('--stale', 'that are stale'))
    .addOption(new Option('--all', 'everything').conflicts(['prefix', 'origin', 'tag', 'stale']))
    .addOption(typeOption())
    .option('--dry-run', 'say what would go, and remove nothing')
    .addHelpText(
      'after',
      `
Several of --prefix, --origin, --tag and --stale mean what all of them say. With what has a tag all other variants of its
URL go, unless --stale is given. --stale leaves alone what is validated before each
use; what a running process has freshened within the last minute may count as stale still, and what it has stored within
the last second and not yet written stays.
`,
    )
}

export async function purge(session: Session, options: PurgeOptions): Promise<number> {
  const { all, prefix, origin, tag, stale } = options
  if (all !== true && [prefix, origin, tag].every((each) => each === undefined) && stale !== true)
    throw new UsageError('Say what is to go: --prefix, --origin, --tag, --stale or --all')
  const selected = await selectToGo(session, options)
  if (options.dryRun !== true) await session.change({}, (manager) => takeOut(manager, selected, options))
  const bytes = selected.reduce((sum, record) => sum + diskSize(record), 0)
  const verb = options.dryRun === true ? 'would go' : 'removed'
  if (session.isJson) {
    const removed = selected.map((record) => viewEntry(session, record, options.type).key)
    await session.out.json({ isDryRun: options.dryRun === true, entries: selected.length, diskBytes: bytes, removed })
  } else await session.out.line(`${counted(selected.length, 'entry', 'entries')} ${verb}, ${humanSize(bytes)} on disk`)
  return selected.length > 0 ? DONE : WRONG
}

async function selectToGo(session: Session, options: PurgeOptions): Promise<StoredResponse[]> {
  const records = await (await session.inspect()).records(session)
  const found = records.filter((record) => isSelected(session, record, options))
  if (options.tag === undefined || options.stale === true) return found
  // A key goes as a whole, and only some of its variants may have the tag.
  const keys = new Set(found.map(({ key }) => key))
  return records.filter(({ key }) => keys.has(key))
}

/** By key what is meant by key: what others are fetching for it is not stored then. Stale ones by themselves. */
async function takeOut(
  manager: StreamingManager,
  selected: readonly StoredResponse[],
  { all, stale }: PurgeOptions,
): Promise<void> {
  if (all === true) return await manager.clear()
  if (stale === true) return await discard(manager, selected)
  await deleteKeys(
    manager,
    selected.map(({ key }) => key),
  )
}

async function deleteKeys(manager: StreamingManager, keys: readonly string[]): Promise<void> {
  await Promise.all(Array.from(new Set(keys), (key) => manager.delete(key)))
}
