/** `cat`: a stored body, to standard output. */
import { pipeline } from 'node:stream'
import type { Readable, Transform } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib'
import { Option, type Command } from 'commander'
import { compareRecency } from '../../policy/freshness.ts'
import { fieldValue } from '../../policy/field-lines.ts'
import { entryKey, type StoredResponse } from '../../stored-response.ts'
import { DONE, WRONG, type Session } from '../session.ts'
import { shown, viewDetails } from '../views.ts'

interface CatOptions {
  readonly variant?: string
  readonly decode?: boolean
}

const DECODERS: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
  zstd: createZstdDecompress,
}

export function defineCat(command: Command): Command {
  return command
    .addOption(new Option('--variant <digest>', 'of several, this one (its beginning will do); default: the newest'))
    .option('--decode', 'undo Content-Encoding: gzip, deflate, br, zstd')
    .addHelpText(
      'after',
      `
Bytes are those that were on the wire, each chunk checked before it is written. A body that turns out damaged ends
with an error and exit code 1. With --json: one document with the headers and the body in base64.
`,
    )
}

export async function cat(session: Session, url: string, options: CatOptions): Promise<number> {
  const inspection = await session.inspect()
  const stored = pick(await inspection.find(url, session), url, options)
  if (stored === undefined) {
    await session.fail(`nothing is stored for ${shown(session, url)}`)
    return WRONG
  }
  const body = decoded(await inspection.body(stored), stored, options)
  if (session.isJson) await session.out.jsonWithBody(viewDetails(session, stored, 'shared'), body, session.signal)
  else await session.out.stream(body, session.signal)
  return DONE
}

function pick(found: readonly StoredResponse[], url: string, { variant }: CatOptions): StoredResponse | undefined {
  const exact = found.filter((stored) => entryKey(stored.key, stored.variant) === url)
  const meant = exact.length > 0 ? exact : found
  // An answer to HEAD has no body.
  const withBody = meant.filter(({ key }) => !key.startsWith('HEAD ') || url.startsWith('HEAD '))
  const chosen = variant === undefined ? withBody : withBody.filter((stored) => stored.variant.startsWith(variant))
  return chosen.toSorted((a, b) => compareRecency(b, a))[0]
}

function decoded(body: Readable, stored: StoredResponse, { decode }: CatOptions): Readable {
  if (decode !== true) return body
  const codings = (fieldValue(stored.fields, 'content-encoding') ?? '').toLowerCase().split(',')
  const steps = codings.map((coding) => coding.trim()).filter((coding) => coding !== '' && coding !== 'identity')
  let result = body
  for (const coding of steps.toReversed()) {
    const create = Object.hasOwn(DECODERS, coding) ? DECODERS[coding] : undefined
    if (create === undefined) throw new Error(`Content-Encoding ${coding} is not known here`)
    // An error of one destroys the other, and comes out where it is read.
    result = pipeline(result, create(), () => {})
  }
  return result
}
