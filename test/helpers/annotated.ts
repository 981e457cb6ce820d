/** A cache with functions of its user, an origin that may be validated, and the faults that were published. */
import type { IncomingMessage } from 'node:http'
import type { TestContext } from 'node:test'
import type { CacheInterceptorOptions, FaultEvent } from '../../src/index.ts'
import { stage, type Fields, type Respond, type Stage } from '../rfc9111/stage.ts'
import { entriesOf } from './cache.ts'
import { noteFaults } from './faults.ts'

/** Answers with a tag, and to that tag with a 304 that has these fields. */
export function validated(fields: Fields, later: Fields = fields): Respond {
  return ({ headers }: IncomingMessage) =>
    headers['if-none-match'] === undefined ? { fields: { etag: '"e"', ...fields } } : { status: 304, fields: later }
}

interface Annotated extends Stage {
  /** Of what is stored, without the origin. */
  readonly keys: () => Promise<string[]>
  readonly faults: readonly FaultEvent[]
}

export async function startAnnotated(
  t: TestContext,
  reply: Parameters<typeof stage>[1],
  interceptor: CacheInterceptorOptions,
): Promise<Annotated> {
  const started = await stage(t, reply, { interceptor })
  const keys = async () =>
    (await entriesOf(started.cache.manager)).map(({ key }) => key.replace(started.origin.url, ''))
  return { ...started, keys, faults: noteFaults(t) }
}
