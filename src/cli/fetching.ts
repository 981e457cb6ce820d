/** Fetching through the cache: what `get` and `warm` share. */
import { InvalidArgumentError, Option, type Command } from 'commander'
import type { ManagerOptions } from '../manager/options.ts'
import { typeOption } from './selection.ts'
import type { CacheType } from './views.ts'
import { parseSize } from './units.ts'

export interface FetchOptions {
  readonly type: CacheType
  readonly header?: readonly (readonly [string, string])[]
  readonly maxSize?: number
  readonly maxBodySize?: number
}

export function withFetching(command: Command): Command {
  return command
    .addOption(typeOption())
    .addOption(
      new Option('-H, --header <line>', 'a request header, such as "accept: text/html"; may be repeated').argParser(
        addHeader,
      ),
    )
    .addOption(sizeOption('--max-size', 'bytes on disk that the cache may take; default: no limit of this program'))
    .addOption(sizeOption('--max-body-size', 'bytes of the largest body that is stored; default 100M'))
}

export function sizeOption(name: string, description: string): Option {
  return new Option(`${name} <size>`, description).argParser(parseSize)
}

export function managerOptions({ maxSize, maxBodySize }: FetchOptions): ManagerOptions {
  return { ...(maxSize === undefined ? {} : { maxSize }), ...(maxBodySize === undefined ? {} : { maxBodySize }) }
}

export function requestHeaders({ header }: FetchOptions): [string, string][] {
  return (header ?? []).map(([name, value]) => [name, value])
}

function addHeader(line: string, before: readonly [string, string][] = []): [string, string][] {
  const [, name = '', value = ''] = /^([\w!#$%&'*+.^`|~-]+):\s*(.*)$/.exec(line) ?? []
  if (name === '') throw new InvalidArgumentError('Expected a header such as "accept: text/html".')
  return [...before, [name, value]]
}

/** What the cache did, by its member of Cache-Status. */
export function cacheStatusOf(response: Response): string {
  return (
    response.headers
      .get('cache-status')
      ?.split(', ')
      .at(-1)
      ?.replace(/^undici-streaming-cache; /, '') ?? ''
  )
}
