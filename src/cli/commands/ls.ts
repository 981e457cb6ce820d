/** `ls`: what is stored, a line each. */
import { Option, type Command } from 'commander'
import { select, withSelection, type SelectionOptions } from '../selection.ts'
import { DONE, WRONG, type Session } from '../session.ts'
import { humanDuration, humanSize, integer } from '../units.ts'
import { viewEntry, type EntryView } from '../views.ts'

type Order = 'url' | 'size' | 'age' | 'fresh' | 'status'

const ORDERS: Readonly<Record<Order, (a: EntryView, b: EntryView) => number>> = {
  url: (a, b) => compareText(a.url, b.url),
  size: (a, b) => b.diskSize - a.diskSize,
  age: (a, b) => b.age - a.age,
  fresh: (a, b) => b.lifetime - b.age - (a.lifetime - a.age),
  status: (a, b) => a.statusCode - b.statusCode,
}

interface ListOptions extends SelectionOptions {
  readonly sort: Order
  readonly reverse?: boolean
  readonly limit?: number
}

export function defineList(command: Command): Command {
  return withSelection(command)
    .addOption(
      new Option('--sort <order>', 'url; size, age and fresh begin with the most')
        .choices(Object.keys(ORDERS))
        .default('url'),
    )
    .option('--reverse', 'the other way round')
    .addOption(new Option('--limit <count>', 'so many at most').argParser(integer(1)))
    .addHelpText(
      'after',
      `
Columns: status, size on disk, age, freshness left (negative: stale; "ask": validated before each use), key.
With --json: one JSON document a line.
`,
    )
}

export async function list(session: Session, options: ListOptions): Promise<number> {
  const views = (await select(session, options)).map((stored) => viewEntry(session, stored, options.type))
  views.sort((a, b) => ORDERS[options.sort](a, b) || compareText(a.key, b.key))
  if (options.reverse === true) views.reverse()
  const listed = views.slice(0, options.limit)
  if (session.isJson) for (const view of listed) await session.out.jsonLine(view)
  else await session.out.table(listed.map(row), new Set([1, 2, 3]))
  return listed.length > 0 ? DONE : WRONG
}

function row({ statusCode, diskSize, age, state, lifetime, key }: EntryView): string[] {
  const left = lifetime - age
  const freshness = state === 'validate' ? 'ask' : `${state === 'stale' ? '-' : ''}${humanDuration(left)}`
  return [String(statusCode), humanSize(diskSize), humanDuration(age), freshness, key]
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
