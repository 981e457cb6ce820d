/** `get`: fetches a URL through the cache, body to standard output. */
import { Readable } from 'node:stream'
import type { Command } from 'commander'
import { createFetch } from '../../interceptor/create-fetch.ts'
import { fieldsByName } from '../../policy/field-lines.ts'
import { cacheStatusOf, managerOptions, requestHeaders, withFetching, type FetchOptions } from '../fetching.ts'
import { reasonOf } from '../../interceptor/warm.ts'
import { DONE, UsageError, WRONG, type Session } from '../session.ts'
import { shown, shownFields } from '../views.ts'

interface GetOptions extends FetchOptions {
  readonly offline?: boolean
  readonly reload?: boolean
  readonly include?: boolean
}

export function defineGet(command: Command): Command {
  return withFetching(command)
    .option('--offline', 'what is stored, fresh or stale; the network is not asked')
    .option('--reload', 'from the network, whatever is stored')
    .option('-i, --include', 'status and headers before the body')
    .addHelpText(
      'after',
      `
What the cache did is said on standard error (not with --quiet). Exit code 1: no answer, or one with a status of 400 or
more. With --json: one document with status, headers and the body in base64.
`,
    )
}

export async function get(session: Session, url: string, options: GetOptions): Promise<number> {
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? '')) throw new UsageError(`Not an http or https URL: ${url}`)
  if (options.offline === true) await session.inspect()
  return await session.change(managerOptions(options), async (manager) => {
    const fetching = createFetch(manager, { type: options.type })
    const cache = options.offline === true ? 'only-if-cached' : options.reload === true ? 'reload' : 'default'
    const init = { cache, headers: requestHeaders(options), signal: session.signal } as const
    const response = await fetching(url, init).catch((error: unknown) => {
      session.signal.throwIfAborted()
      throw new Error(`${shown(session, url)}: ${reasonOf(error)}`, { cause: error })
    })
    const status = cacheStatusOf(response)
    if (options.offline === true && response.status === 504 && !status.startsWith('hit')) {
      await response.body?.cancel()
      await session.fail(`nothing is stored for ${shown(session, url)}`)
      return WRONG
    }
    await print(session, response, options)
    if (!session.isQuiet) session.out.note(`${response.status} ${response.statusText}, ${status}`)
    return response.status < 400 ? DONE : WRONG
  })
}

async function print(session: Session, response: Response, { include }: GetOptions): Promise<void> {
  const fields = shownFields(session, fieldsByName(Array.from(response.headers).flat()))
  const { out, signal } = session
  const body = Readable.fromWeb(response.body ?? new Blob([]).stream())
  if (session.isJson) {
    const { status, statusText } = response
    const url = shown(session, response.url)
    await out.jsonWithBody({ url, statusCode: status, statusMessage: statusText, headers: fields }, body, signal)
    return
  }
  if (include === true) {
    await out.line(`${response.status} ${response.statusText}`)
    for (const [name, value] of Object.entries(fields))
      for (const line of [value].flat()) await out.line(`${name}: ${line}`)
    await out.line()
  }
  await out.stream(body, signal)
}
