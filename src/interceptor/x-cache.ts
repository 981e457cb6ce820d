/**
 * `x-cache` and `x-cache-lookup`, older than Cache-Status and read by many tools: whether what the caller gets came out of
 * the store, and whether the request selected anything there. They replace what caches before this one have said.
 */
import type { IncomingHttpHeaders } from 'node:http'
import type { ForwardReason } from '../diagnostics.ts'
import type { RawHeaders } from './dispatch.ts'
import { toFieldLines, toRawHeaders } from './headers.ts'

const FROM_STORE = 'x-cache'
const FOUND = 'x-cache-lookup'

interface Section<H extends IncomingHttpHeaders, R extends RawHeaders> {
  readonly headers: H
  readonly raw: R
}

/** The header section with both fields where they are wanted, in both forms. */
export function withXCache<H extends IncomingHttpHeaders, R extends RawHeaders>(
  isWanted: boolean,
  section: Section<H, R>,
  isFromStore: boolean,
  isFound: boolean,
): Section<H, R | Buffer[]> {
  if (!isWanted) return section
  const { headers, raw } = section
  const marks = [FROM_STORE, isFromStore ? 'HIT' : 'MISS', FOUND, isFound ? 'HIT' : 'MISS']
  const lines = toRawHeaders([...withoutMarks(toFieldLines(raw, headers)), ...marks])
  return { headers: { ...headers, [FROM_STORE]: marks[1], [FOUND]: marks[3] }, raw: lines }
}

/** Whether a request that was sent for this reason had selected something stored. */
export function isFoundBy(reason: ForwardReason): boolean {
  return reason === 'stale' || reason === 'request'
}

function withoutMarks(lines: readonly string[]): string[] {
  const isMark = (name: string | undefined): boolean => /^x-cache(?:-lookup)?$/i.test(name ?? '')
  return lines.filter((_, i) => !isMark(lines[i - (i % 2)]))
}
