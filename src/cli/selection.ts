/** Which stored responses are meant: the filters that `ls`, `purge` and `report` share. */
import { InvalidArgumentError, Option, type Command } from 'commander'
import { explainFreshness } from '../policy/explanation.ts'
import type { StoredResponse } from '../stored-response.ts'
import type { Session } from './session.ts'
import { policySettings, splitKey, type CacheType } from './views.ts'

export interface SelectionOptions {
  readonly origin?: string
  readonly prefix?: string
  readonly tag?: string
  readonly status?: (statusCode: number) => boolean
  readonly fresh?: boolean
  readonly stale?: boolean
  readonly type: CacheType
}

export function typeOption(): Option {
  return new Option('--type <type>', 'whose cache it is: for several users, or for one')
    .choices(['shared', 'private'])
    .default('shared')
}

export function originOption(): Option {
  return new Option('--origin <origin>', 'of this origin, such as https://example.com').argParser(parseOrigin)
}

export function prefixOption(): Option {
  return new Option('--prefix <prefix>', 'whose URL begins so, such as https://example.com/v1/')
}

export function tagOption(): Option {
  return new Option('--tag <tag>', 'that have this tag')
}

export function withSelection(command: Command): Command {
  return command
    .addOption(originOption())
    .addOption(prefixOption())
    .addOption(tagOption())
    .addOption(new Option('--status <code>', 'of this status, such as 404, or 3xx').argParser(parseStatus))
    .addOption(new Option('--fresh', 'that are fresh').conflicts('stale'))
    .addOption(new Option('--stale', 'that are stale'))
    .addOption(typeOption())
}

export function isSelected(session: Session, stored: StoredResponse, options: SelectionOptions): boolean {
  const url = splitKey(stored.key).url
  if (options.origin !== undefined && URL.parse(url)?.origin !== options.origin) return false
  if (options.prefix !== undefined && !url.startsWith(options.prefix)) return false
  if (options.tag !== undefined && stored.tags?.includes(options.tag) !== true) return false
  if (options.status !== undefined && !options.status(stored.statusCode)) return false
  if (options.fresh !== true && options.stale !== true) return true
  const { state } = explainFreshness(stored, policySettings(options.type), session.now)
  return state === (options.fresh === true ? 'fresh' : 'stale')
}

/** What is asked for, read from the directory. */
export async function select(session: Session, options: SelectionOptions): Promise<StoredResponse[]> {
  const inspection = await session.inspect()
  return (await inspection.records(session)).filter((record) => isSelected(session, record, options))
}

function parseOrigin(text: string): string {
  const url = URL.parse(text)
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new InvalidArgumentError('Expected an origin such as https://example.com.')
  }
  return url.origin
}

function parseStatus(text: string): (statusCode: number) => boolean {
  if (!/^[2-5](?:\d\d|xx)$/i.test(text)) throw new InvalidArgumentError('Expected a status such as 404 or 3xx.')
  return (statusCode) => String(statusCode).startsWith(text.toLowerCase().replace('xx', ''))
}
