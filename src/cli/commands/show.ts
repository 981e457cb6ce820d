/** `show`: all that is known of what is stored for a URL. */
import type { Command } from 'commander'
import { typeOption } from '../selection.ts'
import { DONE, WRONG, type Session } from '../session.ts'
import { counted, humanDuration, humanSize } from '../units.ts'
import { describeState, shown, viewDetails, type CacheType, type DetailedView } from '../views.ts'

export function defineShow(command: Command): Command {
  return command.addOption(typeOption()).addHelpText(
    'after',
    `
Shows every variant of the URL (Vary), its answer to HEAD, and what was stored for other hosts or partitions.
URL may be a key that ls printed. Credentials in URLs, headers and metadata are left out, unless --reveal is given.
`,
  )
}

export async function show(session: Session, url: string, { type }: { type: CacheType }): Promise<number> {
  const found = await (await session.inspect()).find(url, session)
  const views = found.map((stored) => viewDetails(session, stored, type))
  views.sort((a, b) => (a.respondedAt < b.respondedAt ? 1 : -1))
  if (session.isJson) await session.out.json({ url: shown(session, url), stored: views })
  else for (const view of views) await print(session, view)
  if (views.length === 0) await session.fail(`nothing is stored for ${shown(session, url)}`)
  return views.length > 0 ? DONE : WRONG
}

async function print({ out }: Session, view: DetailedView): Promise<void> {
  await out.line(`${view.method} ${view.url}`)
  await out.line(`  ${view.statusCode} ${view.statusMessage}`.trimEnd())
  for (const [name, value] of Object.entries(view.headers))
    for (const line of [value].flat()) await out.line(`  ${name}: ${line}`)
  await out.line()
  const size = `${humanSize(view.bodySize)} (${counted(view.bodySize, 'byte')}, ${counted(view.chunks, 'checksum')})`
  const facts = [
    ['freshness', describeState(view)],
    ['until', `${view.freshUntil}: lifetime ${humanDuration(view.lifetime)}, age ${humanDuration(view.age)}`],
    ['because', view.reasons.join('; ')],
    ['scope', view.scope],
    ['vary', view.vary.length === 0 ? 'none' : `${view.vary.join(', ')} (variant ${view.variant})`],
    ['tags', view.tags.length === 0 ? 'none' : view.tags.join(', ')],
    ...(view.metadata === undefined ? [] : [['metadata', JSON.stringify(view.metadata)] as const]),
    ['asked', view.requestedAt],
    ['answered', view.respondedAt],
    ['body', `${size}, ${humanSize(view.diskSize)} on disk with its record`],
    ['sha256', view.sha256],
  ] as const
  for (const [name, value] of facts) await out.line(`  ${name.padEnd(10)}${value}`)
  await out.line()
}
